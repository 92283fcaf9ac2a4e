// A value that does not change any more, which its copies share: an event's data, the plan of a
// deployment. They are handed from the store to the journal, to the state and to whoever looks on,
// by value, so that nobody waits for anybody; copying them deeply each time was most of the work.
#pragma once

#include <memory>
#include <utility>

namespace pawl {

/// Reads as an empty T while it holds none.
template <class T>
class Shared {
 public:
  Shared() = default;
  Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}  // NOLINT

  /// A part of another one, which it keeps alive.
  template <class Whole>
  Shared(const Shared<Whole>& whole, const T& part) : value_(whole.value_, &part) {}

  /// To change it: a copy of its own.
  T& own() {
    auto mine = std::make_shared<T>(**this);
    T& value = *mine;
    value_ = std::move(mine);
    return value;
  }

  explicit operator bool() const { return value_ != nullptr; }
  const T& operator*() const { return value_ ? *value_ : nothing(); }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }  // NOLINT: it stands for its value

  friend bool operator==(const Shared& a, const Shared& b) {
    return a.value_ == b.value_ || *a == *b;
  }

 private:
  template <class>
  friend class Shared;

  static const T& nothing() {
    static const T kEmpty{};
    return kEmpty;
  }

  std::shared_ptr<const T> value_;
};

}  // namespace pawl
