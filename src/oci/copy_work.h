// What the parts of one copy share: both ends, what was asked for, what is told of it, and how many
// questions are under way at a time.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "oci/copy.h"
#include "oci/limiter.h"

namespace pawl::oci {

/// Questions (HEADs, mounts, manifests) cost a round trip and next to nothing else: enough of them
/// at a time that those of an image with forty layers take one round trip, and not forty.
constexpr size_t kQuestionsAtATime = 40;

struct CopyWork {
  Repository& source;
  Repository& target;
  CopyRequest request;
  CopyOptions options;
  CopyObserver* observer;
  CopyReport report;
  Limiter questions{kQuestionsAtATime};

  Task<Result<bool>> is_at_target(Digest digest) {
    auto permit = co_await questions.acquire();
    PAWL_CO_TRY(const auto there, co_await target.head_manifest(digest.str()));
    co_return there.has_value();
  }
  /// By tag or digest.
  Task<Result<Manifest>> from_source(std::string reference) {
    auto permit = co_await questions.acquire();
    co_return co_await source.get_manifest(std::move(reference));
  }
};

/// A yes or no that many wait for.
class Answer {
 public:
  Task<bool> wait() {
    if (!said_) {
      const OneShot<bool> one;
      waiting_.push_back(one);
      co_await one.wait();
    }
    co_return *said_;
  }
  void say(bool yes) {
    said_ = yes;
    for (const auto& one : std::exchange(waiting_, {})) one.set(true);
  }

 private:
  std::optional<bool> said_;
  std::vector<OneShot<bool>> waiting_;
};

template <class A, class B>
Task<std::pair<A, B>> both(Task<A> a, Task<B> b) {
  std::optional<A> first;
  std::optional<B> second;
  Scope scope(co_await current_context());
  scope.spawn(detail::store_result(std::move(a), &first));
  scope.spawn(detail::store_result(std::move(b), &second));
  co_await scope.join();
  co_return std::pair<A, B>(std::move(*first), std::move(*second));
}

}  // namespace pawl::oci
