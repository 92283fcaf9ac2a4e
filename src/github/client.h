// GitHub's REST API: one call, with the headers that GitHub asks for. Rate limits are waited for,
// within a patience; what was read before is asked for with its ETag, which costs nothing of the
// rate limit when it has not changed; redirects of a renamed repository are followed; a token that
// has run out is renewed once. https://docs.github.com/en/rest/using-the-rest-api
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "github/credentials.h"
#include "net/http_client.h"

namespace pawl {

struct RateLimit;

/// The address of the API for what people write: without a slash at the end, and api.github.com
/// for github.com.
std::string github_api_url(std::string url);

struct GitHubOptions {
  std::string api_url = "https://api.github.com";
  Secret token;  // when there are no `credentials`
  /// The waits of one call, all together.
  std::chrono::milliseconds patience{90'000};
  std::shared_ptr<GitHubCredentials> credentials = nullptr;
  /// Told what a call outside of any telling waits for; may be empty.
  std::function<void(std::string_view)> say = nullptr;
  /// What was read before is asked for by its ETag, which costs nothing of the rate limit.
  bool keeps_answers = true;
};

class GitHubClient {
 public:
  GitHubClient(HttpClient& http, Clock& clock, Entropy& entropy, GitHubOptions options);

  /// `path` begins with "/". Reads are tried again after a transient failure; what changes
  /// something only when it was not done (a rate limit, no connection).
  Task<Result<json::value>> call(std::string method, std::string path, json::object body);
  Task<Result<json::value>> get(std::string path);
  /// Follows `Link: rel="next"`; `member` names the list in an object answer ("check_runs"), empty
  /// when the answer is the list. At most `kMaxPages` pages.
  Task<Result<json::array>> list(std::string path, std::string member);

  /// From here the waits of all calls together are within `patience`, and `say` is told what is
  /// waited for, one line each; until end_telling().
  using Say = std::function<void(std::string_view)>;
  void begin_telling(std::chrono::milliseconds patience, Say say);
  void end_telling();

  const GitHubCredentials& credentials() const { return *options_.credentials; }
  Clock& clock() { return clock_; }
  Entropy& entropy() { return entropy_; }

  static constexpr int kMaxPages = 10;

 private:
  struct Call {
    std::string method;
    std::string url;
    std::string body;
    SteadyTime patient_until;
    int tries = 0;
    int limits = 0;
    bool renewed = false;
    bool reads() const { return method == "GET"; }
  };
  struct Kept {
    std::string etag;
    HttpResponse response;
  };

  struct Answer {
    json::value body;  // null when there was none
    std::string next;  // the URL of the next page, or empty
  };

  Task<Result<Answer>> send(std::string method, std::string url, std::string body);
  Task<Result<HttpResponse>> exchange(const Call& call, Secret token);
  Task<Result<HttpResponse>> one_request(const Call& call, std::string url, Secret token);
  Result<Answer> read_answer(const Call& call, const HttpResponse& response);
  Task<Result<bool>> may_try_again(Call& call, const HttpResponse& response, const Secret& token);
  Task<Result<bool>> wait_out(Call& call, const HttpResponse& response, const RateLimit& limit);
  Task<Result<void>> pause_before_repeat(Call& call, const Error& error);
  Task<Result<void>> wait_for_others(const Call& call);
  Error failure(const Call& call, const HttpResponse& response) const;
  SteadyTime patient_until() const;
  void keep(const std::string& url, const HttpResponse& response);
  std::string moved(std::string url) const;
  void remember_move(const std::string& from, const std::string& to);
  void say(std::string_view line) const;

  HttpClient& http_;
  Clock& clock_;
  Entropy& entropy_;
  GitHubOptions options_;
  std::string origin_;
  Say say_;
  bool is_telling_ = false;
  SteadyTime telling_until_;
  SteadyTime not_before_;  // a rate limit holds for all calls
  std::map<std::string, Kept> kept_;
  size_t kept_bytes_ = 0;
  std::map<std::string, std::string> moves_;  // "/repos/old/name" -> "/repositories/1"
};

/// The URL with rel="next" in a Link header; empty when there is none (RFC 8288).
std::string next_page(std::string_view link_header);

}  // namespace pawl
