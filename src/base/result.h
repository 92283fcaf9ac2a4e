// A value or an Error. std::expected is not in C++20, so this is our own, as small as it can be.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace pawl {

/// Ends the process with the place and the words: an invariant of ours is broken. Stays on in
/// release.
[[noreturn]] inline void panic(const char* file, int line, const char* what) {
  std::fprintf(stderr, "pawl: %s:%d: broken invariant: %s\n", file, line, what);
  std::abort();
}

#define PAWL_ASSERT(condition)                                       \
  do {                                                               \
    if (!(condition)) ::pawl::panic(__FILE__, __LINE__, #condition); \
  } while (false)

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: converts
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: converts

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(), std::get<0>(state_); }
  const T& value() const& { return checked(), std::get<0>(state_); }
  T&& value() && { return checked(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  /// The same result with one more line of story when it is an error.
  Result while_doing(std::string activity) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().while_doing(std::move(activity));
  }

 private:
  void checked() const { PAWL_ASSERT(ok()); }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: converts

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  void value() const { PAWL_ASSERT(ok()); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

  Result while_doing(std::string activity) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().while_doing(std::move(activity));
  }

 private:
  std::optional<Error> error_;
};

inline Result<void> ok() {
  return {};
}

#define PAWL_CONCAT_INNER(a, b) a##b
#define PAWL_CONCAT(a, b) PAWL_CONCAT_INNER(a, b)
#define PAWL_TRY_IMPL(name, declaration, expression, leave) \
  auto name = (expression);                                 \
  if (!name.ok()) leave std::move(name).error();            \
  declaration = std::move(name).value()
#define PAWL_CHECK_IMPL(name, expression, leave)   \
  do {                                             \
    auto name = (expression);                      \
    if (!name.ok()) leave std::move(name).error(); \
  } while (false)

/// PAWL_TRY(auto digest, Digest::parse(text)); returns the error to the caller, else declares
/// digest.
#define PAWL_TRY(declaration, ...) \
  PAWL_TRY_IMPL(PAWL_CONCAT(try_result_, __LINE__), declaration, (__VA_ARGS__), return )
/// The same for a result whose value is void or not wanted.
#define PAWL_CHECK(...) PAWL_CHECK_IMPL(PAWL_CONCAT(try_result_, __LINE__), (__VA_ARGS__), return )
/// The same inside a coroutine: PAWL_CO_TRY(auto live, co_await functions.get(name));
#define PAWL_CO_TRY(declaration, ...) \
  PAWL_TRY_IMPL(PAWL_CONCAT(try_result_, __LINE__), declaration, (__VA_ARGS__), co_return )
#define PAWL_CO_CHECK(...) \
  PAWL_CHECK_IMPL(PAWL_CONCAT(try_result_, __LINE__), (__VA_ARGS__), co_return )

}  // namespace pawl
