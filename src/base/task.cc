#include "base/task.h"

#include <algorithm>

namespace pawl {

struct Scope::Runner {
  struct promise_type : detail::PromiseBase {
    promise_type(Scope* owning_scope, Task<void>&) : scope(owning_scope) {
      context = owning_scope->context_;
    }
    Runner get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    struct Final {
      Scope* scope;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
        if (--scope->running_ == 0 && scope->joiner_) return std::exchange(scope->joiner_, {});
        return std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    Final final_suspend() const noexcept { return {scope}; }
    void unhandled_exception() noexcept {
      if (!scope->exception_) scope->exception_ = std::current_exception();
    }
    void return_void() noexcept {}
    Scope* scope;
  };
  std::coroutine_handle<promise_type> handle;
};

Scope::Runner Scope::run(Scope*, Task<void> task) {
  co_await std::move(task);
}

void Scope::spawn(Task<void> task) {
  reap();
  auto frame = run(this, std::move(task)).handle;
  ++running_;
  frames_.push_back(frame);
  frame.resume();
}

void Scope::reap() {
  std::erase_if(frames_, [](std::coroutine_handle<> frame) {
    if (!frame.done()) return false;
    frame.destroy();
    return true;
  });
}

Scope::~Scope() {
  // Youngest first, as locals are; a frame that is being destroyed must not wake the joiner.
  joiner_ = {};
  while (!frames_.empty()) {
    auto frame = frames_.back();
    frames_.pop_back();
    frame.destroy();
  }
}

}  // namespace pawl
