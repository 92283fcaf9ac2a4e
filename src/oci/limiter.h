// At most N at a time, first come first served. A permit is given back when it is destroyed, and
// handed to who has waited longest.
#pragma once

#include <coroutine>
#include <cstddef>
#include <list>
#include <utility>

namespace pawl::oci {

class Limiter {
 public:
  explicit Limiter(size_t permits) : free_(permits) {}
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  class Permit {
   public:
    explicit Permit(Limiter* limiter) : limiter_(limiter) {}
    Permit(Permit&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() { give_back(); }
    void give_back() {
      if (auto* limiter = std::exchange(limiter_, nullptr)) limiter->release();
    }

   private:
    Limiter* limiter_;
  };

  class Awaiter {
   public:
    explicit Awaiter(Limiter& limiter) : limiter_(limiter) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (waiting_) limiter_.waiting_.remove(this);
    }
    bool await_ready() {
      if (limiter_.free_ == 0) return false;
      --limiter_.free_;
      return true;
    }
    void await_suspend(std::coroutine_handle<> owner) {
      owner_ = owner;
      waiting_ = true;
      limiter_.waiting_.push_back(this);
    }
    Permit await_resume() { return Permit(&limiter_); }

   private:
    friend class Limiter;
    Limiter& limiter_;
    std::coroutine_handle<> owner_;
    bool waiting_ = false;
  };

  /// auto permit = co_await limiter.acquire();
  Awaiter acquire() { return Awaiter(*this); }

 private:
  void release() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    Awaiter* next = waiting_.front();
    waiting_.pop_front();
    next->waiting_ = false;
    next->owner_.resume();
  }

  size_t free_;
  std::list<Awaiter*> waiting_;
};

}  // namespace pawl::oci
