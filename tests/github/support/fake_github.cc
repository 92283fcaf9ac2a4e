// What the GitHub in memory answers.
#include "github/support/fake_github.h"

#include <fmt/format.h>

#include <utility>

namespace pawl::test {

WallTime FakeClock::now() const {
  return {1'700'000'000'000 + passed_ms};
}

SteadyTime FakeClock::steady_now() const {
  return {passed_ms};
}

Task<Result<void>> FakeClock::sleep_for(std::chrono::milliseconds duration) {
  slept.push_back(duration);
  passed_ms += duration.count();
  co_return ok();
}

uint64_t FakeEntropy::next() {
  return state_ = state_ * 6364136223846793005u + 1442695040888963407u;
}

void FakeGitHub::answer(std::string method, std::string part, HttpResponse response, int times) {
  rules_.push_back({std::move(method), std::move(part), std::move(response), times});
}

void FakeGitHub::lose_answers(std::string method, std::string part, int times) {
  rules_.push_back({std::move(method), std::move(part), response(502, "<html>"), times, true});
}

HttpResponse FakeGitHub::response(int status, std::string body, Headers headers) {
  HttpResponse made;
  made.status = status;
  made.body = std::move(body);
  made.headers = std::move(headers);
  return made;
}

Task<Result<HttpResponse>> FakeGitHub::send(HttpRequest request) {
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

json::object& FakeGitHub::item(const std::string& collection, size_t index) {
  return items_[collection].at(index);
}

int FakeGitHub::count(const std::string& method) const {
  int found = 0;
  for (const auto& request : requests) found += request.method == method ? 1 : 0;
  return found;
}

std::string FakeGitHub::collection_of(const std::string& method, const std::string& path) {
  std::string name = path.substr(std::string("/repos/example/meals/").size());
  if (name.rfind("commits/", 0) == 0) name = name.substr(name.rfind('/') + 1);
  if (name.rfind("statuses/", 0) == 0) name = "statuses";
  if (method == "PATCH") name = name.substr(0, name.rfind('/'));
  return name;
}

HttpResponse FakeGitHub::serve(const HttpRequest& request) {
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

HttpResponse FakeGitHub::create(const std::string& name, json::object item) {
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

HttpResponse FakeGitHub::update(const std::string& name, const std::string& path,
                                const json::object& body) {
  auto& list = items_[name];
  const size_t id = std::stoul(path.substr(path.rfind('/') + 1));
  if (id == 0 || id > list.size()) return response(404);
  for (const auto& [key, value] : body) list[id - 1][key] = value;
  return response(200, json::serialize(list[id - 1]));
}

HttpResponse FakeGitHub::page(const std::string& name, const UrlParts& url) {
  json::array matching;
  const auto& list = items_[name];
  for (auto item = list.rbegin(); item != list.rend(); ++item)
    if (name != "issues" || item->at("state") == "open") matching.push_back(*item);
  size_t number = 1;
  if (const auto at = url.query.find("&page="); at != std::string::npos)
    number = std::stoul(url.query.substr(at + 6));
  json::array some;
  for (size_t i = (number - 1) * page_size; i < std::min(number * page_size, matching.size()); ++i)
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

}  // namespace pawl::test
