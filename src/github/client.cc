#include "github/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "github/failure.h"
#include "github/rate_limit.h"

namespace pawl {
namespace {

constexpr const char* kApiVersion = "2022-11-28";
constexpr std::chrono::milliseconds kTimeout{20'000};
constexpr int kMaxRedirects = 5;
constexpr size_t kMaxKeptBytes = 4u << 20;
// A comparison holds the changes of up to 300 files.
constexpr size_t kMaxAnswerBytes = 32u << 20;
// So many of them spread out a little when their time has come.
constexpr uint64_t kMaxSpreadMs = 1'000;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 307 || status == 308;
}

std::string origin_of(std::string_view url) {
  const auto parts = split_url(url);
  return parts ? parts->origin() : "";
}

std::string path_of(std::string_view url) {
  const auto parts = split_url(url);
  return parts ? parts->path : std::string(url);
}

}  // namespace

std::string github_api_url(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  if (url == "https://github.com" || url == "https://www.github.com")
    return "https://api.github.com";
  return url;
}

GitHubClient::GitHubClient(HttpClient& http, Clock& clock, Entropy& entropy, GitHubOptions options)
    : http_(http), clock_(clock), entropy_(entropy), options_(std::move(options)) {
  options_.api_url = github_api_url(std::move(options_.api_url));
  if (!options_.credentials) options_.credentials = fixed_token(options_.token);
  origin_ = origin_of(options_.api_url);
}

void GitHubClient::begin_telling(std::chrono::milliseconds patience, Say say) {
  say_ = std::move(say);
  is_telling_ = true;
  telling_until_ = clock_.steady_now() + patience;
}

void GitHubClient::end_telling() {
  say_ = nullptr;
  is_telling_ = false;
}

SteadyTime GitHubClient::patient_until() const {
  return is_telling_ ? telling_until_ : clock_.steady_now() + options_.patience;
}

void GitHubClient::say(std::string_view line) const {
  if (say_)
    say_(line);
  else if (options_.say)
    options_.say(line);
}

// ---- one call, from the first try to the last

Task<Result<GitHubClient::Answer>> GitHubClient::send(std::string method, std::string url,
                                                      std::string body) {
  Call call;
  call.method = std::move(method);
  call.url = moved(std::move(url));
  call.body = std::move(body);
  call.patient_until = patient_until();
  for (;;) {
    PAWL_CO_CHECK(co_await wait_for_others(call));
    PAWL_CO_TRY(auto token, co_await options_.credentials->token());
    ++call.tries;
    auto response = co_await exchange(call, token);
    if (!response.ok()) {
      PAWL_CO_CHECK(co_await pause_before_repeat(call, response.error()));
      continue;
    }
    if (!response->is_success()) {
      PAWL_CO_TRY(const bool again, co_await may_try_again(call, *response, token));
      if (!again) co_return failure(call, *response);
      continue;
    }
    auto read = read_answer(call, *response);
    if (read.ok()) co_return read;
    PAWL_CO_CHECK(co_await pause_before_repeat(call, read.error()));
  }
}

// A success whose body ends too early, or is somebody else's page.
Result<GitHubClient::Answer> GitHubClient::read_answer(const Call& call,
                                                       const HttpResponse& response) {
  Answer answer;
  answer.next = next_page(response.headers.get_or("link", ""));
  if (response.body.empty()) return answer;
  auto parsed = parse_json(response.body, "GitHub's answer to " + path_of(call.url));
  if (parsed.ok()) {
    answer.body = *std::move(parsed);
    return answer;
  }
  kept_.erase(call.url);
  const bool is_a_page = response.body[0] == '<';
  return Error(ErrorKind::corrupt,
               is_a_page ? fmt::format("{} {} was not answered by GitHub: {}", call.method,
                                       path_of(call.url), github_message(response))
                         : parsed.error().message())
      .with_outcome_unknown(!call.reads())
      .with_hint("something between here and GitHub may have changed the answer");
}

// What was not a success: whether the cause is gone now. A transient failure of a read is.
Task<Result<bool>> GitHubClient::may_try_again(Call& call, const HttpResponse& response,
                                               const Secret& token) {
  if (response.status == 401 && !call.renewed) {
    call.renewed = true;
    co_return options_.credentials->renew(token, response.headers.get_or("date", ""));
  }
  const auto limit = rate_limit_of(response, call.limits, clock_.now());
  if (limit) co_return co_await wait_out(call, response, *limit);
  const Error error = failure(call, response);
  if (!is_transient(error.kind())) co_return false;
  PAWL_CO_CHECK(co_await pause_before_repeat(call, error));
  co_return true;
}

// Gives the error back when there is no further try.
Task<Result<void>> GitHubClient::pause_before_repeat(Call& call, const Error& error) {
  const RetryPolicy policy;
  const bool may_repeat =
      is_transient(error.kind()) || (error.kind() == ErrorKind::corrupt && call.reads());
  if (!may_repeat || (!call.reads() && error.outcome_unknown()) || call.tries >= policy.attempts)
    co_return error;
  const auto pause = retry_wait(policy, call.tries, error, entropy_);
  if (clock_.steady_now() + pause > call.patient_until) co_return error;
  co_return co_await clock_.sleep_for(pause);
}

Task<Result<bool>> GitHubClient::wait_out(Call& call, const HttpResponse& response,
                                          const RateLimit& limit) {
  ++call.limits;
  const std::chrono::milliseconds wait = limit.wait;
  if (clock_.steady_now() + wait > call.patient_until)
    co_return failure(call, response)
        .as(ErrorKind::throttled)
        .with_retry_after(static_cast<int>(limit.wait.count()))
        .with_hint(fmt::format("{}: it says to wait {}, which is over the patience that is left "
                               "(github.patience in pawl.yaml)",
                               describe(limit, response), format_duration(wait)));
  say(fmt::format("{}: waiting {}, until {}", describe(limit, response), format_duration(wait),
                  to_iso8601(clock_.now() + wait).substr(0, 19) + "Z"));
  not_before_ = std::max(not_before_, clock_.steady_now() + wait);
  co_return true;
}

// "Continuing to make requests while you are rate limited may result in the banning of your
// integration": what one call has met holds for all.
Task<Result<void>> GitHubClient::wait_for_others(const Call& call) {
  while (not_before_ > clock_.steady_now()) {
    if (not_before_ > call.patient_until)
      co_return Error(ErrorKind::throttled, fmt::format("{} {} is not asked: GitHub's rate limit",
                                                        call.method, path_of(call.url)))
          .with_retry_after(static_cast<int>((not_before_ - clock_.steady_now()).count() / 1000));
    const std::chrono::milliseconds spread(static_cast<int64_t>(entropy_.next() % kMaxSpreadMs));
    PAWL_CO_CHECK(co_await clock_.sleep_for(not_before_ - clock_.steady_now() + spread));
  }
  co_return ok();
}

Error GitHubClient::failure(const Call& call, const HttpResponse& response) const {
  return github_failure(response, call.method, call.url, credentials().description());
}

// ---- one exchange, with its redirects

Task<Result<HttpResponse>> GitHubClient::one_request(const Call& call, std::string url,
                                                     Secret token) {
  HttpRequest request;
  request.method = call.method;
  request.url = url;
  request.timeout = kTimeout;
  request.max_body_bytes = kMaxAnswerBytes;
  request.accept_compressed = true;
  request.headers.set("Accept", "application/vnd.github+json");
  request.headers.set("X-GitHub-Api-Version", kApiVersion);
  const bool is_home = origin_of(url) == origin_;
  if (!token.empty() && is_home)
    request.headers.set("Authorization", "Bearer " + token.reveal_for(origin_));
  const auto kept = kept_.find(call.url);
  const bool asks_for_news =
      options_.keeps_answers && call.reads() && is_home && kept != kept_.end();
  if (asks_for_news) request.headers.set("If-None-Match", kept->second.etag);
  if (!call.body.empty()) {
    request.headers.set("Content-Type", "application/json");
    request.body = call.body;
  }
  PAWL_CO_TRY(auto response, co_await http_.send(std::move(request)));
  if (response.status == 304) {
    const auto still = kept_.find(call.url);
    if (still != kept_.end()) co_return still->second.response;
  }
  if (call.reads() && response.status == 200 && is_home) keep(call.url, response);
  co_return response;
}

// "This and all future requests should be directed to the new URI"; 302 and 307 "should be repeated
// verbatim".
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
Task<Result<HttpResponse>> GitHubClient::exchange(const Call& call, Secret token) {
  std::string url = call.url;
  for (int redirects = 0;; ++redirects) {
    PAWL_CO_TRY(auto response, co_await one_request(call, url, token));
    const std::string location = response.headers.get_or("location", "");
    if (!is_redirect(response.status) || location.empty()) co_return response;
    const std::string target = resolve_url(url, location);
    const std::string what =
        fmt::format("{} {} is redirected to {}", call.method, path_of(url), url_for_people(target));
    if (redirects == kMaxRedirects)
      co_return Error(ErrorKind::failed, fmt::format("{}, the {}th time", what, redirects + 1))
          .with_hint("GITHUB_API_URL may name something that is not GitHub's API");
    if (origin_of(target) != origin_ && !call.reads())
      co_return Error(ErrorKind::denied, what + ", another host, which is told nothing")
          .with_hint("if that is where the API is now, set GITHUB_API_URL");
    if (response.status == 301 || response.status == 308) remember_move(url, target);
    url = target;
  }
}

// ".../repos/OWNER/NAME/rest" that is ".../repositories/ID/rest" now: the next calls go there at
// once.
void GitHubClient::remember_move(const std::string& from, const std::string& to) {
  const auto was = split_url(from);
  const auto is = split_url(to);
  if (!was || !is || is->origin() != origin_) return;
  const size_t owner = was->path.find("/repos/");
  if (owner == std::string::npos) return;
  const size_t name = was->path.find('/', owner + 7);
  if (name == std::string::npos) return;
  const size_t end = std::min(was->path.find('/', name + 1), was->path.size());
  const std::string rest = was->path.substr(end);
  if (!is->path.ends_with(rest)) return;
  const std::string target = is->origin() + is->path.substr(0, is->path.size() - rest.size());
  if (moves_.insert_or_assign(was->origin() + was->path.substr(0, end), target).second)
    say(fmt::format("{} has another name on GitHub now: set `repository` in pawl.yaml to it",
                    was->path.substr(owner + 7, end - owner - 7)));
}

std::string GitHubClient::moved(std::string url) const {
  for (const auto& [from, to] : moves_)
    if (url.rfind(from, 0) == 0 &&
        (url.size() == from.size() || url[from.size()] == '/' || url[from.size()] == '?'))
      return to + url.substr(from.size());
  return url;
}

void GitHubClient::keep(const std::string& url, const HttpResponse& response) {
  const std::string etag = response.headers.get_or("etag", "");
  if (etag.empty() || response.body.size() > kMaxKeptBytes) return;
  kept_bytes_ += response.body.size();
  if (kept_bytes_ > kMaxKeptBytes) {
    kept_.clear();
    kept_bytes_ = response.body.size();
  }
  kept_.insert_or_assign(url, Kept{etag, response});
}

// ---- what callers ask for

Task<Result<json::value>> GitHubClient::call(std::string method, std::string path,
                                             json::object body) {
  PAWL_CO_TRY(auto answer, co_await send(method, options_.api_url + path, json::serialize(body)));
  co_return std::move(answer.body);
}

Task<Result<json::value>> GitHubClient::get(std::string path) {
  PAWL_CO_TRY(auto answer, co_await send("GET", options_.api_url + path, ""));
  co_return std::move(answer.body);
}

Task<Result<json::array>> GitHubClient::list(std::string path, std::string member) {
  json::array all;
  std::string url = options_.api_url + path;
  for (int page = 0; page < kMaxPages && !url.empty(); ++page) {
    PAWL_CO_TRY(auto answer, co_await send("GET", url, ""));
    const json::value* items = member.empty() ? &answer.body : find(answer.body, member);
    if (items == nullptr || !items->is_array())
      co_return Error(ErrorKind::corrupt, "GitHub's answer to " + path + " is not a list");
    for (const auto& item : items->get_array()) all.push_back(item);
    url = answer.next;
    // The token goes to the API that was configured, wherever a header points.
    if (url.rfind(options_.api_url + "/", 0) != 0) url.clear();
  }
  co_return all;
}

std::string next_page(std::string_view link_header) {
  size_t at = 0;
  while (at < link_header.size()) {
    const size_t open = link_header.find('<', at);
    if (open == std::string_view::npos) return "";
    const size_t close = link_header.find('>', open);
    if (close == std::string_view::npos) return "";
    const size_t next = std::min(link_header.find('<', close), link_header.size());
    const auto parameters = link_header.substr(close, next - close);
    if (parameters.find("rel=\"next\"") != std::string_view::npos)
      return std::string(link_header.substr(open + 1, close - open - 1));
    at = next;
  }
  return "";
}

}  // namespace pawl
