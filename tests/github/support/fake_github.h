// GitHub as far as Pawl speaks to it, in memory: what is made can be listed again, in pages. An
// answer can be put in front of it for the next calls of a method and a part of the path.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_client.h"

namespace pawl::test {

class FakeClock : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady_now() const override;
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override;
  std::vector<std::chrono::milliseconds> slept;
  int64_t passed_ms = 0;
};

class FakeEntropy : public Entropy {
 public:
  uint64_t next() override;

 private:
  uint64_t state_ = 1;
};

class FakeGitHub : public HttpClient {
 public:
  void answer(std::string method, std::string part, HttpResponse response, int times = 1);
  /// Does what is asked, and then answers 502 as a proxy does.
  void lose_answers(std::string method, std::string part, int times);
  void clear_answers() { rules_.clear(); }
  static HttpResponse response(int status, std::string body = "{}", Headers headers = {});

  Task<Result<HttpResponse>> send(HttpRequest request) override;

  /// The items of a collection: "check-runs", "statuses", "deployments", "issues", "labels",
  /// "deployments/1/statuses", "issues/1/comments". Oldest first.
  const std::vector<json::object>& all(const std::string& collection) { return items_[collection]; }
  json::object& item(const std::string& collection, size_t index);
  int count(const std::string& method) const;

  size_t page_size = 100;
  std::vector<HttpRequest> requests;

 private:
  struct Rule {
    std::string method;
    std::string part;
    HttpResponse response;
    int times;
    bool is_done = false;
  };

  // ".../commits/SHA/check-runs?.." -> "check-runs", ".../statuses/SHA" -> "statuses"
  static std::string collection_of(const std::string& method, const std::string& path);

  HttpResponse serve(const HttpRequest& request);

  HttpResponse create(const std::string& name, json::object item);

  HttpResponse update(const std::string& name, const std::string& path, const json::object& body);

  // Newest first, as GitHub lists; open issues only.
  HttpResponse page(const std::string& name, const UrlParts& url);

  std::map<std::string, std::vector<json::object>> items_;
  std::vector<Rule> rules_;
};

template <class T>
T run_now(Task<T> task) {
  const TaskContext context;
  task.start(&context);
  PAWL_ASSERT(task.done());
  return task.take();
}

}  // namespace pawl::test
