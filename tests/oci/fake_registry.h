// Registries without a network, for the faults that a real one cannot be made to have: an
// HttpClient that answers itself, a clock that jumps over every wait, and a queue that takes the
// loop's place.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "net/http_client.h"
#include "oci/manifest.h"
#include "oci/registry.h"

namespace pawl::oci {

/// Turns of the loop, in order.
class TurnQueue {
 public:
  void post(std::function<void()> work) { work_.push_back(std::move(work)); }
  /// False when there was nothing to do.
  bool turn() {
    if (work_.empty()) return false;
    auto work = std::move(work_.front());
    work_.pop_front();
    work();
    return true;
  }

 private:
  std::deque<std::function<void()>> work_;
};

class JumpingClock : public Clock {
 public:
  explicit JumpingClock(TurnQueue& turns) : turns_(turns) {}
  WallTime now() const override { return {time_.ms}; }
  SteadyTime steady_now() const override { return time_; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    slept.push_back(duration);
    time_ = time_ + duration;
    OneShot<bool> later;
    turns_.post([later] { later.set(true); });
    co_await later.wait();
    if ((co_await current_stop()).stop_requested())
      co_return Error(ErrorKind::interrupted, "stopped");
    co_return Result<void>();
  }
  void jump(std::chrono::milliseconds duration) { time_ = time_ + duration; }
  std::vector<std::chrono::milliseconds> slept;

 private:
  TurnQueue& turns_;
  SteadyTime time_{1'000};
};

class FixedEntropy : public Entropy {
 public:
  uint64_t next() override { return ++value_; }

 private:
  uint64_t value_ = 0;
};

/// What goes wrong with one request.
struct Fault {
  std::optional<HttpResponse> answer;          // instead of doing anything
  std::optional<uint64_t> cut_response_after;  // bytes, then the connection is gone
  std::optional<uint64_t> cut_request_after;   // bytes are kept, then the connection is gone
  std::optional<uint64_t> fail_request_after;  // bytes are kept, then a 500 is the answer
  bool drop_answer = false;                    // done, but nobody hears of it
};

class FakeRegistry {
 public:
  explicit FakeRegistry(std::string the_host) : host(std::move(the_host)) {}

  std::string host;
  std::map<std::string, std::map<std::string, std::string>> blobs;  // repository -> digest -> bytes
  struct Stored {
    std::string type;
    std::string bytes;
  };
  std::map<std::string, std::map<std::string, Stored>> manifests;  // by digest
  std::map<std::string, std::map<std::string, std::string>> tags;
  std::map<std::string, std::string> uploads;
  bool has_referrers_api = false;
  bool takes_single_post = false;
  bool says_digest_of_put = true;
  bool refuses_missing_blobs = false;
  std::string answers_from;  // where the next answer says that it comes from, once
  bool mounts = true;
  bool honours_range = true;
  bool keeps_partial_uploads = true;
  bool checks_digests = true;
  uint64_t max_request_bytes = 0;  // 413 above it; 0: no limit
  std::string basic;               // "user:password" that is asked for; empty: anyone
  std::string realm;               // of bearer tokens; empty: none are asked for
  int token_seconds = 300;
  std::set<std::string> live_tokens;

  std::function<Fault(const HttpRequest&)> fault;
  std::vector<std::string> log;  // "GET /v2/x/manifests/v1"
  int count(std::string_view prefix) const;
  std::string url() const { return "http://" + host; }
};

class FakeHttp : public HttpClient {
 public:
  explicit FakeHttp(TurnQueue& turns) : turns_(turns) {}
  void add(FakeRegistry& registry) { registries_[registry.host] = &registry; }
  Task<Result<HttpResponse>> send(HttpRequest request) override;

 private:
  Task<void> next_turn();
  Task<Result<std::string>> read_body(HttpRequest& request, std::optional<uint64_t> cut);
  Task<Result<HttpResponse>> deliver(HttpRequest& request, HttpResponse response,
                                     std::optional<uint64_t> cut);
  HttpResponse answer(FakeRegistry& registry, const HttpRequest& request, const UrlParts& url,
                      std::string body);
  HttpResponse upload(FakeRegistry& registry, const HttpRequest& request, const UrlParts& url,
                      std::string body);
  std::optional<HttpResponse> challenge(FakeRegistry& registry, const HttpRequest& request);
  HttpResponse give_token(FakeRegistry& registry, const HttpRequest& request, const UrlParts& url);

  TurnQueue& turns_;
  std::map<std::string, FakeRegistry*> registries_;
};

/// Two registries, a client to each, and images to put into them.
class World {
 public:
  World();
  Registry& source() { return *source_; }
  Registry& target() { return *target_; }
  void use(std::shared_ptr<CredentialSource> credentials);

  /// Runs until it is done; fails the test when nothing moves any more.
  template <class T>
  T run(Task<T> task) {
    TaskContext context{stop.get_token()};
    task.start(&context);
    while (!task.done()) PAWL_ASSERT(turns.turn());
    return task.take();
  }

  /// Stores blobs and a manifest over them; gives its digest. The sizes are those of the layers.
  Digest put_image(FakeRegistry& registry, const std::string& repository,
                   const std::vector<size_t>& sizes, const std::string& tag = "",
                   const std::string& extra_json = "");
  Digest put_index(FakeRegistry& registry, const std::string& repository,
                   const std::vector<std::pair<Digest, std::string>>& entries,
                   const std::string& tag);

  /// A new manifest under that tag with one layer more; gives its digest.
  Digest add_layer(FakeRegistry& registry, const std::string& repository, const std::string& tag);

  TurnQueue turns;
  JumpingClock clock{turns};
  FixedEntropy entropy;
  FakeHttp http{turns};
  FakeRegistry from{"127.0.0.1:5001"};
  FakeRegistry to{"127.0.0.1:5002"};
  std::stop_source stop;

 private:
  int images_ = 0;
  std::unique_ptr<Registry> source_;
  std::unique_ptr<Registry> target_;
};

}  // namespace pawl::oci
