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

// The token in a header, however it is carried; no value for another scheme.
std::optional<std::string> given_token(const std::string& header) {
  const auto space = header.find(' ');
  const std::string scheme = header.substr(0, space);
  std::string given = space == std::string::npos ? "" : header.substr(space + 1);
  if (equal_without_case(scheme, "Basic")) {  // git and curl -u: the password is the token
    auto plain = base64_decode(given);
    return plain.ok() ? plain->substr(plain->find(':') + 1) : "";
  }
  if (!equal_without_case(scheme, "Bearer") && !equal_without_case(scheme, "token"))
    return std::nullopt;
  return given;
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

size_t GitHubFace::Call::query_number(std::string_view name, size_t otherwise) const {
  return number_or(query_or(name), otherwise);
}

int64_t GitHubFace::Call::number(size_t index) const {
  return static_cast<int64_t>(number_or(path[index], 0));
}

GitHubFace::GitHubFace(cloud::GitHub& github, Clock& clock, GitHubFaceOptions options)
    : github_(github),
      clock_(clock),
      options_(std::move(options)),
      shapes_(options_.url, options_.login),
      apps_(options_.app) {}

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

GitHubFace::Identified GitHubFace::identify(const ServerRequest& request) const {
  const std::string header = request.headers().get_or("Authorization", "");
  if (header.empty()) return {};
  const auto given = given_token(header);
  if (!given) return {Caller::refused, "Bad credentials"};
  if (equal_in_constant_time(*given, options_.token.reveal_for("the GitHub face")))
    return {Caller::owner, ""};
  if (const auto app = apps_.check_app_token(*given, clock_.now()))
    return app->ok() ? Identified{Caller::app, ""}
                     : Identified{Caller::refused, app->error().what()};
  if (const auto holds = apps_.is_installation_token(*given, clock_.now()); holds && *holds)
    return {Caller::installation, ""};
  return {Caller::refused, "Bad credentials"};
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
  const Identified known = identify(request);
  if (!body.ok()) {
    response = message(413, "Request body is too large");
  } else if (known.caller == Caller::refused) {
    response = message(401, known.why);
  } else if (known.caller == Caller::nobody) {
    response = message(401, "Requires authentication");
  } else if (used_ > options_.rate_limit) {
    response = message(403, "API rate limit exceeded for user ID 1.");
  } else {
    const bool reads = call.method == "GET";
    response = answer(std::move(call), known.caller, *body);
    if (reads && response.status == 200) {
      const std::string etag =
          fmt::format("W/\"{}\"", sha256_hex(std::get<std::string>(response.body)));
      response.headers.set("ETag", etag);
      // "does not count against your primary rate limit if a 304 response is returned"
      if (request.headers().get_or("If-None-Match", "") == etag) {
        response.status = 304;
        response.body = std::string();
        --used_;
      }
    }
  }
  add_rate_limit(response);
  co_return response;
}

ServerResponse GitHubFace::answer(Call call, Caller caller, const std::string& body) {
  if (!body.empty()) {
    auto parsed = parse_json(body, "the request");
    if (!parsed.ok()) return message(400, "Problems parsing JSON");
    if (parsed->is_array() && call.method != "GET")
      call.body["labels"] = *parsed;  // labels may come as a bare list
    else if (!parsed->is_object())
      return message(400, "Body should be a JSON object");
    else
      call.body = std::move(parsed->as_object());
  }
  const auto parts = segments(call.raw_path);
  const auto behind = [&](size_t count) {
    call.path.assign(parts.begin() + static_cast<std::ptrdiff_t>(count), parts.end());
  };
  if (parts.size() >= 3 && parts[0] == "repos") {
    call.repository = parts[1] + "/" + parts[2];
    behind(3);
  } else if (parts.size() >= 2 && parts[0] == "repositories") {
    const auto found = github_.repository(static_cast<int64_t>(number_or(parts[1], 0)));
    if (!found.ok()) return error(found.error());
    call.repository = (*found)->full_name();
    behind(2);
  } else {
    behind(0);
  }
  if (auto elsewhere = redirected(call)) return *std::move(elsewhere);
  if (auto for_app = app_call(call, caller)) return *std::move(for_app);
  const std::string noun = call.path.empty() ? "" : call.path[0];
  if (caller == Caller::installation && !call.repository.empty())
    if (const auto missing = apps_.missing_permission(call.method, noun); !missing.empty()) {
      auto refusal = message(403, "Resource not accessible by integration");
      refusal.headers.set("X-Accepted-GitHub-Permissions", missing);
      return refusal;
    }
  auto routed = route(call);
  return routed.ok() ? finish(call, *std::move(routed)) : error(routed.error());
}

// A repository that has another name now. "repositories/ID" is where it is, whatever its name.
std::optional<ServerResponse> GitHubFace::redirected(Call& call) {
  if (call.repository.empty() || github_.repository(call.repository).ok()) return std::nullopt;
  const auto* repository = github_.formerly(call.repository);
  if (repository == nullptr) return std::nullopt;
  size_t rest = 0;
  for (int slash = 0; slash < 4 && rest != std::string::npos; ++slash)
    rest = call.raw_path.find('/', rest + (slash > 0 ? 1 : 0));
  std::string url = fmt::format("{}/repositories/{}{}", options_.url, repository->id,
                                rest == std::string::npos ? "" : call.raw_path.substr(rest));
  std::string query;
  for (const auto& [name, value] : call.query)
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", url_encode(name), url_encode(value));
  url += query;
  ServerResponse response = json_response(
      301, json::object{{"message", "Moved Permanently"},
                        {"url", url},
                        {"documentation_url", "https://docs.github.com/rest/guides/"}});
  response.headers.set("Location", url);
  return response;
}

// What the App itself may ask for; everything else is for its installation.
std::optional<ServerResponse> GitHubFace::app_call(const Call& call, Caller caller) {
  const bool finds = !call.repository.empty() && call.is("GET", {"installation"});
  const bool makes = call.is("POST", {"app", "installations", "*", "access_tokens"});
  if (!finds && !makes) {
    if (caller != Caller::app) return std::nullopt;
    return message(403, "Resource not accessible by integration");
  }
  if (caller != Caller::app) return message(401, "A JSON web token could not be decoded");
  if (makes) {
    if (call.number(2) != GitHubApps::kInstallation) return message(404, "Not Found");
    return json_response(201, apps_.make_token(clock_.now()));
  }
  if (!github_.repository(call.repository).ok()) return message(404, "Not Found");
  return json_response(
      200, shapes_.installation(apps_.seed().app_id, GitHubApps::kInstallation, clock_.now()));
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

std::string GitHubFace::links(const Call& call, size_t page, size_t last) const {
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
  return fmt::format("{}", fmt::join(links, ", "));
}

// Cuts a list to its page and says in Link where the others are.
ServerResponse GitHubFace::finish(const Call& call, Answer answer) const {
  if (!answer.is_list) {
    auto response = json_response(answer.status, answer.body);
    if (!answer.link.empty()) response.headers.set("Link", answer.link);
    return response;
  }
  const json::array& all = answer.body.get_array();
  const size_t size = std::min(call.query_number("per_page", kUsualPageItems), kMaxPageItems);
  const size_t page = call.query_number("page", 1);
  const size_t last = std::max<size_t>(1, (all.size() + size - 1) / size);
  json::array items;
  for (size_t i = (page - 1) * size; i < std::min(page * size, all.size()); ++i)
    items.push_back(all[i]);
  json::value body = items;
  if (!answer.wrap.empty())
    body = json::object{{"total_count", all.size()}, {answer.wrap, std::move(items)}};
  auto response = json_response(answer.status, body);
  const std::string header = links(call, page, last);
  if (!header.empty()) response.headers.set("Link", header);
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
        &GitHubFace::route_issues, &GitHubFace::route_labels, &GitHubFace::route_environments,
        &GitHubFace::route_rest}) {
    if (auto answer = (this->*part)(call)) return *std::move(answer);
  }
  return cloud::github_error(404, "Not Found");
}

}  // namespace pawl::sandbox
