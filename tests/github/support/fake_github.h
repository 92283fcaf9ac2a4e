// GitHub as far as Pawl speaks to it, in memory: what is made can be listed again, in pages. An
// answer can be put in front of it for the next calls of a method and a part of the path.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_client.h"

namespace pawl::test {

class FakeClock : public Clock {
 public:
  WallTime now() const override { return {1'700'000'000'000 + passed_ms}; }
  SteadyTime steady_now() const override { return {passed_ms}; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    slept.push_back(duration);
    passed_ms += duration.count();
    co_return ok();
  }
  std::vector<std::chrono::milliseconds> slept;
  int64_t passed_ms = 0;
};

class FakeEntropy : public Entropy {
 public:
  uint64_t next() override { return state_ = state_ * 6364136223846793005u + 1442695040888963407u; }

 private:
  uint64_t state_ = 1;
};

class FakeGitHub : public HttpClient {
 public:
  void answer(std::string method, std::string part, HttpResponse response, int times = 1) {
    rules_.push_back({std::move(method), std::move(part), std::move(response), times});
  }
  /// Does what is asked, and then answers 502 as a proxy does.
  void lose_answers(std::string method, std::string part, int times) {
    rules_.push_back({std::move(method), std::move(part), response(502, "<html>"), times, true});
  }
  void clear_answers() { rules_.clear(); }
  static HttpResponse response(int status, std::string body = "{}", Headers headers = {}) {
    HttpResponse made;
    made.status = status;
    made.body = std::move(body);
    made.headers = std::move(headers);
    return made;
  }

  Task<Result<HttpResponse>> send(HttpRequest request) override {
    requests.push_back(request);
    for (auto& rule : rules_) {
      if (rule.times == 0 || rule.method != request.method) continue;
      if (request.url.find(rule.part) == std::string::npos) continue;
      --rule.times;
      if (rule.is_done) (void)serve(request);
      HttpResponse ruled = rule.response;
      ruled.url = request.url;
      co_return ruled;
    }
    HttpResponse made = serve(request);
    made.url = request.url;
    co_return made;
  }

  /// The items of a collection: "check-runs", "statuses", "deployments", "issues", "labels",
  /// "deployments/1/statuses", "issues/1/comments". Oldest first.
  const std::vector<json::object>& all(const std::string& collection) { return items_[collection]; }
  json::object& item(const std::string& collection, size_t index) {
    return items_[collection].at(index);
  }
  int count(const std::string& method) const {
    int found = 0;
    for (const auto& request : requests) found += request.method == method ? 1 : 0;
    return found;
  }

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
  static std::string collection_of(const std::string& method, const std::string& path) {
    std::string name = path.substr(std::string("/repos/example/meals/").size());
    if (name.rfind("commits/", 0) == 0) name = name.substr(name.rfind('/') + 1);
    if (name.rfind("statuses/", 0) == 0) name = "statuses";
    if (method == "PATCH") name = name.substr(0, name.rfind('/'));
    return name;
  }

  HttpResponse serve(const HttpRequest& request) {
    const auto parts = split_url(request.url);
    if (parts->path == "/repos/example/meals")
      return response(200, R"({"full_name":"example/meals","permissions":{"push":true}})");
    const std::string name = collection_of(request.method, parts->path);
    if (request.method == "GET") return page(name, *parts);
    const auto body = parse_json_object(request.body, "the request");
    if (!body.ok()) return response(400);
    if (request.method == "PATCH") return update(name, parts->path, *body);
    return create(name, *body);
  }

  HttpResponse create(const std::string& name, json::object item) {
    auto& list = items_[name];
    if (name == "labels")
      for (const auto& each : list)
        if (each.at("name") == item.at("name")) return response(422);
    const size_t id = list.size() + 1;
    item["id"] = id;
    if (name == "issues") {
      item["number"] = id;
      item["state"] = "open";
    }
    item["html_url"] = fmt::format("https://github.test/{}/{}", name, id);
    list.push_back(item);
    return response(201, json::serialize(item));
  }

  HttpResponse update(const std::string& name, const std::string& path, const json::object& body) {
    auto& list = items_[name];
    const size_t id = std::stoul(path.substr(path.rfind('/') + 1));
    if (id == 0 || id > list.size()) return response(404);
    for (const auto& [key, value] : body) list[id - 1][key] = value;
    return response(200, json::serialize(list[id - 1]));
  }

  // Newest first, as GitHub lists; open issues only.
  HttpResponse page(const std::string& name, const UrlParts& url) {
    json::array matching;
    const auto& list = items_[name];
    for (auto item = list.rbegin(); item != list.rend(); ++item)
      if (name != "issues" || item->at("state") == "open") matching.push_back(*item);
    size_t number = 1;
    if (const auto at = url.query.find("&page="); at != std::string::npos)
      number = std::stoul(url.query.substr(at + 6));
    json::array some;
    for (size_t i = (number - 1) * page_size; i < std::min(number * page_size, matching.size());
         ++i)
      some.push_back(matching[i]);
    Headers headers;
    if (number * page_size < matching.size())
      headers.set(
          "Link",
          fmt::format("<{}{}?{}&page={}>; rel=\"next\", <{}>; rel=\"last\"", url.origin(), url.path,
                      url.query.substr(0, url.query.find("&page=")), number + 1, url.origin()));
    if (name == "check-runs")
      return response(200, json::serialize(json::object{{"check_runs", some}}), headers);
    return response(200, json::serialize(some), headers);
  }

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
