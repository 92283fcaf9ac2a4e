// Task<T>: a coroutine that starts when it is awaited, has one owner, and resumes its owner when it
// is done. It knows nothing of threads, sockets or Asio: the engine compiles without them, and the
// simulator runs the same code on a virtual clock. Everything on one loop runs on one thread.
//
// A task inherits its owner's TaskContext (the stop token), so that no function has to pass it on:
// waits at the bottom (a sleep, an HTTP request, a child process) read it with current_stop().
//
// Destroying a suspended task destroys what it awaits, innermost first; awaitables at the bottom
// must take their registration back in their destructor (OneShot below does).
//
// g++ 12 miscompiles some braced temporaries inside a co_await expression: name them first.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pawl {

/// What a task hands down to everything that it awaits.
struct TaskContext {
  std::stop_token stop;
};

namespace detail {

class PromiseBase {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      PromiseBase& promise = self.promise();
      // A task that ended within its owner's co_await does not resume it: the owner never
      // suspended, and recursion would grow the stack with each step of a loop.
      if (promise.owner_suspended && promise.owner) return promise.owner;
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  std::coroutine_handle<> owner;
  const TaskContext* context = nullptr;
  std::exception_ptr exception;
  bool owner_suspended = false;
};

template <class T>
class Promise : public PromiseBase {
 public:
  auto get_return_object();
  template <class U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  std::optional<T> result;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  auto get_return_object();
  void return_void() noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { destroy(); }

  bool valid() const { return static_cast<bool>(handle_); }
  bool done() const { return handle_ && handle_.done(); }

  struct Awaiter {
    Handle child;
    bool await_ready() const noexcept { return false; }
    template <class Owner>
    bool await_suspend(std::coroutine_handle<Owner> owner) {
      detail::PromiseBase& promise = child.promise();
      promise.owner = owner;
      if constexpr (std::is_base_of_v<detail::PromiseBase, Owner>) {
        if (promise.context == nullptr) promise.context = owner.promise().context;
      }
      child.resume();
      if (child.done()) return false;
      promise.owner_suspended = true;
      return true;
    }
    T await_resume() {
      if (child.promise().exception) std::rethrow_exception(child.promise().exception);
      if constexpr (!std::is_void_v<T>) return std::move(*child.promise().result);
    }
  };
  /// Only an rvalue can be awaited: a task runs once.
  Awaiter operator co_await() && {
    PAWL_ASSERT(handle_);
    return Awaiter{handle_};
  }

  /// For owners that are not coroutines (a loop, a scope): start, and look at the result when done.
  /// The context must outlive the task.
  void start(const TaskContext* context) {
    PAWL_ASSERT(handle_);
    handle_.promise().context = context;
    handle_.resume();
  }
  struct EndAwaiter {
    Handle child;
    bool await_ready() const noexcept { return child.done(); }
    void await_suspend(std::coroutine_handle<> owner) noexcept {
      child.promise().owner = owner;
      child.promise().owner_suspended = true;
    }
    void await_resume() const noexcept {}
  };
  /// co_await task.end(): until one that was started is done.
  EndAwaiter end() {
    PAWL_ASSERT(handle_);
    return EndAwaiter{handle_};
  }
  T take() {
    PAWL_ASSERT(done());
    if (handle_.promise().exception) std::rethrow_exception(handle_.promise().exception);
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().result);
  }
  void set_context(const TaskContext* context) { handle_.promise().context = context; }

 private:
  void destroy() {
    if (handle_) handle_.destroy();
    handle_ = {};
  }
  Handle handle_;
};

namespace detail {
template <class T>
auto Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline auto Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

/// co_await current_stop(): the stop token that this task inherited (never stops when none was
/// set).
struct CurrentStop {
  std::stop_token token;
  bool await_ready() const noexcept { return false; }
  template <class Owner>
  bool await_suspend(std::coroutine_handle<Owner> owner) noexcept {
    if (const TaskContext* context = owner.promise().context) token = context->stop;
    return false;
  }
  std::stop_token await_resume() noexcept { return std::move(token); }
};
inline CurrentStop current_stop() {
  return {};
}

/// A value that arrives once, from a callback. Copies share the state: the producer keeps one and
/// calls set(); one coroutine awaits wait(). set() resumes the waiter at once, so call it where
/// running arbitrary code is safe. When the waiter is destroyed, set() does nothing.
template <class T>
class OneShot {
  struct State {
    std::optional<T> value;
    std::coroutine_handle<> waiter;
  };

 public:
  OneShot() : state_(std::make_shared<State>()) {}

  void set(T value) const {
    if (state_->value) return;
    state_->value.emplace(std::move(value));
    if (auto waiter = std::exchange(state_->waiter, {})) waiter.resume();
  }
  bool is_set() const { return state_->value.has_value(); }

  struct Awaiter {
    std::shared_ptr<State> state;
    explicit Awaiter(std::shared_ptr<State> s) : state(std::move(s)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() { state->waiter = {}; }
    bool await_ready() const noexcept { return state->value.has_value(); }
    void await_suspend(std::coroutine_handle<> owner) { state->waiter = owner; }
    T await_resume() { return std::move(*state->value); }
  };
  Awaiter wait() const { return Awaiter(state_); }

 private:
  std::shared_ptr<State> state_;
};

/// Owns tasks that run side by side. join() waits for all; the destructor destroys those that are
/// left, suspended or not started. Tasks inherit the context given here, which must outlive the
/// scope.
class Scope {
 public:
  explicit Scope(const TaskContext* context = nullptr) : context_(context) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  void spawn(Task<void> task);
  size_t running() const { return running_; }

  struct Joiner {
    Scope* scope;
    bool await_ready() const noexcept { return scope->running_ == 0; }
    void await_suspend(std::coroutine_handle<> owner) noexcept { scope->joiner_ = owner; }
    /// What a task threw is thrown to the one who joined, not lost.
    void await_resume() const {
      if (scope->exception_) std::rethrow_exception(std::exchange(scope->exception_, nullptr));
    }
  };
  /// co_await scope.join(): resumes when nothing runs any more. One waiter at a time.
  Joiner join() { return Joiner{this}; }

 private:
  // The frame around each spawned task. It tells the scope in its final suspension, where its own
  // frame may safely be destroyed by whoever is resumed.
  struct Runner;
  static Runner run(Scope* scope, Task<void> task);
  void reap();

  const TaskContext* context_;
  size_t running_ = 0;
  std::vector<std::coroutine_handle<>> frames_;
  std::coroutine_handle<> joiner_;
  std::exception_ptr exception_;
};

/// Runs all of them side by side and gives their results in order.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks);

/// Runs `task` under a stop token of its own instead of the inherited one.
template <class T>
Task<T> with_stop(std::stop_token stop, Task<T> task) {
  TaskContext context{std::move(stop)};
  task.set_context(&context);
  co_return co_await std::move(task);
}

namespace detail {
/// co_await CurrentContext{}: the context itself, for those who spawn.
struct CurrentContext {
  const TaskContext* context = nullptr;
  bool await_ready() const noexcept { return false; }
  template <class Owner>
  bool await_suspend(std::coroutine_handle<Owner> owner) noexcept {
    context = owner.promise().context;
    return false;
  }
  const TaskContext* await_resume() const noexcept { return context; }
};

template <class T>
Task<void> store_result(Task<T> task, std::optional<T>* slot) {
  slot->emplace(co_await std::move(task));
}
}  // namespace detail

/// co_await current_context(): hand it to a Scope so that its tasks inherit the stop token.
inline detail::CurrentContext current_context() {
  return {};
}

template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> slots(tasks.size());
  Scope scope(co_await current_context());
  for (size_t i = 0; i < tasks.size(); ++i)
    scope.spawn(detail::store_result(std::move(tasks[i]), &slots[i]));
  co_await scope.join();
  std::vector<T> results;
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(std::move(*slot));
  co_return results;
}

}  // namespace pawl
