#include "sandbox/github/face.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/hash.h"

namespace pawl::sandbox {
namespace {

constexpr size_t kMaxBodyBytes = 1u << 20;
constexpr size_t kMaxPageItems = 100;
constexpr size_t kUsualPageItems = 30;
constexpr int64_t kHourMs = 3'600'000;
constexpr const char* kDocumentation = "https://docs.github.com/rest";

ServerResponse json_response(int status, const json::value& body) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json; charset=utf-8");
  if (status != 204) response.body = json::serialize(body);
  return response;
}

ServerResponse message(int status, std::string_view words, json::array errors = {}) {
  json::object body{{"message", words}};
  if (!errors.empty()) body["errors"] = std::move(errors);
  body["documentation_url"] = kDocumentation;
  body["status"] = std::to_string(status);
  return json_response(status, body);
}

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) {
      auto plain = url_decode(path.substr(at, slash - at));
      parts.push_back(plain.ok() ? *std::move(plain) : std::string(path.substr(at, slash - at)));
    }
    at = slash + 1;
  }
  return parts;
}

size_t number_or(const std::string& text, size_t otherwise) {
  size_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() && value > 0 ? value
                                                                                 : otherwise;
}

enum class Credentials { good, missing, bad };

Credentials credentials(const ServerRequest& request, const Secret& token) {
  const std::string header = request.headers().get_or("Authorization", "");
  if (header.empty()) return Credentials::missing;
  const auto space = header.find(' ');
  const std::string scheme = header.substr(0, space);
  std::string given = space == std::string::npos ? "" : header.substr(space + 1);
  if (equal_without_case(scheme, "Basic")) {  // git and curl -u: the password is the token
    auto plain = base64_decode(given);
    given = plain.ok() ? plain->substr(plain->find(':') + 1) : "";
  } else if (!equal_without_case(scheme, "Bearer") && !equal_without_case(scheme, "token")) {
    return Credentials::bad;
  }
  return equal_in_constant_time(given, token.reveal_for("the GitHub face")) ? Credentials::good
                                                                            : Credentials::bad;
}

}  // namespace

std::string github_operation(const ServerRequest& request) {
  const auto parts = segments(request.raw_path());
  std::string noun = "repository";
  // Numbers, SHAs and names are not part of an operation's name; nouns at the even places are.
  for (size_t i = 3; i < parts.size(); i += 2) noun = parts[i];
  if (parts.size() >= 2 && parts[parts.size() - 1] == "status") noun = "status";
  if (parts.empty() || parts[0] != "repos") noun = parts.empty() ? "root" : parts[0];
  return fmt::format("{} {}", request.method(), noun);
}

std::string GitHubFace::Call::query_or(std::string_view name, std::string_view otherwise) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::string(otherwise);
}

// "*" stands for any one part.
bool GitHubFace::Call::is(std::string_view wanted_method,
                          std::initializer_list<std::string_view> shape) const {
  if (method != wanted_method || path.size() != shape.size()) return false;
  size_t i = 0;
  for (const auto part : shape) {
    if (part != "*" && part != path[i]) return false;
    ++i;
  }
  return true;
}

int64_t GitHubFace::Call::number(size_t index) const {
  return static_cast<int64_t>(number_or(path[index], 0));
}

GitHubFace::GitHubFace(cloud::GitHub& github, Clock& clock, GitHubFaceOptions options)
    : github_(github),
      clock_(clock),
      options_(std::move(options)),
      shapes_(options_.url, options_.login) {}

void GitHubFace::add_rate_limit(ServerResponse& response) {
  response.headers.set("X-RateLimit-Limit", std::to_string(options_.rate_limit));
  response.headers.set("X-RateLimit-Remaining",
                       std::to_string(std::max<int64_t>(0, options_.rate_limit - used_)));
  response.headers.set("X-RateLimit-Used", std::to_string(used_));
  response.headers.set("X-RateLimit-Reset", std::to_string((window_start_ms_ + kHourMs) / 1000));
  response.headers.set("X-RateLimit-Resource", "core");
  response.headers.set("X-GitHub-Media-Type", "github.v3; format=json");
  response.headers.set("X-GitHub-Request-Id",
                       sha256_hex(fmt::format("{}:{}", window_start_ms_, used_)).substr(0, 24));
  response.headers.set("X-GitHub-Api-Version-Selected", "2022-11-28");
}

Task<ServerResponse> GitHubFace::handle(ServerRequest& request) {
  const int64_t now_ms = clock_.now().unix_ms;
  if (now_ms - window_start_ms_ >= kHourMs) {
    window_start_ms_ = now_ms;
    used_ = 0;
  }
  ++used_;
  Call call;
  call.method = request.method();
  call.raw_path = std::string(request.raw_path());
  call.query = request.query_list();
  auto body = co_await request.read_all(kMaxBodyBytes);
  ServerResponse response;
  const auto known = credentials(request, options_.token);
  auto parts = segments(call.raw_path);
  if (!body.ok()) {
    response = message(413, "Request body is too large");
  } else if (known == Credentials::bad) {
    response = message(401, "Bad credentials");
  } else if (known == Credentials::missing) {
    response = message(401, "Requires authentication");
  } else if (used_ > options_.rate_limit) {
    response = message(403, "API rate limit exceeded for user ID 1.");
  } else {
    std::optional<Error> problem;
    if (!body->empty()) {
      auto parsed = parse_json(*body, "the request");
      if (!parsed.ok()) {
        problem = cloud::github_error(400, "Problems parsing JSON");
      } else if (parsed->is_array() && call.method != "GET") {
        call.body["labels"] = *parsed;  // labels may come as a bare list
      } else if (!parsed->is_object()) {
        problem = cloud::github_error(400, "Body should be a JSON object");
      } else {
        call.body = std::move(parsed->as_object());
      }
    }
    if (parts.size() >= 3 && parts[0] == "repos") {
      call.repository = parts[1] + "/" + parts[2];
      call.path.assign(parts.begin() + 3, parts.end());
    } else {
      call.path = parts;
    }
    auto answer = problem ? Result<Answer>(*problem) : route(call);
    response = answer.ok() ? finish(call, *std::move(answer)) : error(answer.error());
  }
  add_rate_limit(response);
  co_return response;
}

ServerResponse GitHubFace::error(const Error& failed) const {
  json::array errors;
  if (!failed.code().empty()) {
    auto parsed = parse_json(failed.code(), "errors");
    if (parsed.ok() && parsed->is_array()) errors = parsed->get_array();
  }
  return message(failed.http_status() == 0 ? 500 : failed.http_status(), failed.what(),
                 std::move(errors));
}

// Cuts a list to its page and says in Link where the others are.
ServerResponse GitHubFace::finish(const Call& call, Answer answer) const {
  if (!answer.is_list) return json_response(answer.status, answer.body);
  const json::array& all = answer.body.get_array();
  const size_t size =
      std::min(number_or(call.query_or("per_page"), kUsualPageItems), kMaxPageItems);
  const size_t page = number_or(call.query_or("page"), 1);
  const size_t last = std::max<size_t>(1, (all.size() + size - 1) / size);
  json::array items;
  for (size_t i = (page - 1) * size; i < std::min(page * size, all.size()); ++i)
    items.push_back(all[i]);
  const auto link = [&](size_t number, const char* relation) {
    std::string query;
    for (const auto& [name, value] : call.query)
      if (name != "page") query += fmt::format("{}={}&", url_encode(name), url_encode(value));
    return fmt::format("<{}{}?{}page={}>; rel=\"{}\"", options_.url, call.raw_path, query, number,
                       relation);
  };
  std::vector<std::string> links;
  if (page > 1) links.push_back(link(page - 1, "prev"));
  if (page < last) links.push_back(link(page + 1, "next"));
  if (page < last) links.push_back(link(last, "last"));
  if (page > 1) links.push_back(link(1, "first"));
  json::value body = items;
  if (!answer.wrap.empty())
    body = json::object{{"total_count", all.size()}, {answer.wrap, std::move(items)}};
  auto response = json_response(answer.status, body);
  if (!links.empty()) response.headers.set("Link", fmt::format("{}", fmt::join(links, ", ")));
  return response;
}

const cloud::GitHubRepository& GitHubFace::repository_of(const Call& call) const {
  return **github_.repository(call.repository);
}

Result<GitHubFace::Answer> GitHubFace::route(const Call& call) {
  if (call.repository.empty()) {
    if (call.path.empty())
      return Answer{200, json::object{{"current_user_url", options_.url + "/user"}}, false, ""};
    if (call.is("GET", {"user"})) return Answer{200, shapes_.whole_user(), false, ""};
    if (call.is("GET", {"rate_limit"})) {
      const json::object core{{"limit", options_.rate_limit},
                              {"remaining", std::max<int64_t>(0, options_.rate_limit - used_)},
                              {"used", used_},
                              {"reset", (window_start_ms_ + kHourMs) / 1000}};
      const json::object resources{{"core", core}, {"search", core}};
      return Answer{200, json::object{{"resources", resources}, {"rate", core}}, false, ""};
    }
    return cloud::github_error(404, "Not Found");
  }
  PAWL_TRY(const auto* repository, github_.repository(call.repository));
  if (call.path.empty()) {
    if (call.method == "GET") return Answer{200, shapes_.repository(*repository), false, ""};
    return cloud::github_error(404, "Not Found");
  }
  for (const auto part :
       {&GitHubFace::route_checks, &GitHubFace::route_commits, &GitHubFace::route_deployments,
        &GitHubFace::route_issues, &GitHubFace::route_labels, &GitHubFace::route_rest}) {
    if (auto answer = (this->*part)(call)) return *std::move(answer);
  }
  return cloud::github_error(404, "Not Found");
}

GitHubFace::Routed GitHubFace::route_rest(const Call& call) {
  const auto& repository = repository_of(call);
  json::array list;
  if (call.is("GET", {"tags"})) {
    for (const auto& tag : repository.tags) list.push_back(shapes_.tag(repository, tag));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("GET", {"releases"})) {
    for (auto release = repository.releases.rbegin(); release != repository.releases.rend();
         ++release)
      list.push_back(shapes_.release(repository, *release));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("GET", {"releases", "latest"})) {
    for (auto release = repository.releases.rbegin(); release != repository.releases.rend();
         ++release)
      if (!release->draft && !release->prerelease)
        return Answer{200, shapes_.release(repository, *release), false, ""};
    return cloud::github_error(404, "Not Found");
  }
  if (call.is("GET", {"actions", "runs"})) {
    const std::string sha = call.query_or("head_sha"), branch = call.query_or("branch");
    for (auto run = repository.runs.rbegin(); run != repository.runs.rend(); ++run) {
      if (!sha.empty() && run->second.head_sha != sha) continue;
      if (!branch.empty() && run->second.head_branch != branch) continue;
      list.push_back(shapes_.workflow_run(repository, run->second));
    }
    return Answer{200, std::move(list), true, "workflow_runs"};
  }
  if (call.is("GET", {"actions", "runs", "*"})) {
    const auto run = repository.runs.find(call.number(2));
    if (run == repository.runs.end()) return cloud::github_error(404, "Not Found");
    return Answer{200, shapes_.workflow_run(repository, run->second), false, ""};
  }
  return std::nullopt;
}

}  // namespace pawl::sandbox
