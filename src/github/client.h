// GitHub's REST API: one call, with the headers that GitHub asks for, rate limits told apart from
// refusals, and paging. https://docs.github.com/en/rest/using-the-rest-api
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace pawl {

struct GitHubOptions {
  std::string api_url = "https://api.github.com";
  Secret token;
};

class GitHubClient {
 public:
  GitHubClient(HttpClient& http, Clock& clock, Entropy& entropy, GitHubOptions options);

  /// `path` begins with "/". Reads are tried again after a transient failure; what changes
  /// something only when GitHub said that it did nothing (a rate limit).
  Task<Result<json::value>> call(std::string method, std::string path, json::object body);
  Task<Result<json::value>> get(std::string path);
  /// Follows `Link: rel="next"`; `member` names the list in an object answer ("check_runs"), empty
  /// when the answer is the list. At most `kMaxPages` pages.
  Task<Result<json::array>> list(std::string path, std::string member);

  static constexpr int kMaxPages = 10;

 private:
  Task<Result<HttpResponse>> send(std::string method, std::string url, std::string body);
  Task<Result<HttpResponse>> send_once(std::string method, std::string url, std::string body);
  Error failure(const HttpResponse& response, const std::string& method,
                const std::string& url) const;

  HttpClient& http_;
  Clock& clock_;
  Entropy& entropy_;
  GitHubOptions options_;
};

/// The URL with rel="next" in a Link header; empty when there is none (RFC 8288).
std::string next_page(std::string_view link_header);

}  // namespace pawl
