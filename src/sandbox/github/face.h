// GitHub's REST API over the model: the calls that a deployment makes and those that a person makes
// to look at what it left there. Errors, paging, rate limit headers as documented.
// https://docs.github.com/rest
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "net/http_server.h"
#include "sandbox/github/apps.h"
#include "sandbox/github/shapes.h"
#include "sim/cloud/github.h"

namespace pawl::sandbox {

struct GitHubFaceOptions {
  std::string url;                     // "http://127.0.0.1:4511"
  std::string login = "pawl-sandbox";  // whose token it is
  Secret token;
  int64_t rate_limit = 5000;  // an hour
  GitHubAppSeed app;
};

/// "POST check-runs", "GET issues": names for fault rules.
std::string github_operation(const ServerRequest& request);

class GitHubFace {
 public:
  GitHubFace(cloud::GitHub& github, Clock& clock, GitHubFaceOptions options);
  Task<ServerResponse> handle(ServerRequest& request);

 private:
  struct Call {
    std::string method;
    std::string repository;         // "owner/name"
    std::vector<std::string> path;  // behind it, decoded
    json::object body;
    std::vector<std::pair<std::string, std::string>> query;
    std::string raw_path;
    std::string query_or(std::string_view name, std::string_view otherwise = "") const;
    bool is(std::string_view wanted_method, std::initializer_list<std::string_view> shape) const;
    int64_t number(size_t index) const;
    size_t query_number(std::string_view name, size_t otherwise) const;  // above 0
  };
  // What a call gives: a body, or a list that is paged (in an object when `wrap` is set).
  struct Answer {
    int status = 200;
    json::value body;
    bool is_list = false;
    std::string wrap;
    std::string link{};  // of what is cut to its page already
  };
  using Routed = std::optional<Result<Answer>>;
  // Who calls: nobody, somebody wrong, the owner of the token, the App, its installation.
  enum class Caller { nobody, refused, owner, app, installation };
  struct Identified {
    Caller caller = Caller::nobody;
    std::string why;  // refused
  };

  Identified identify(const ServerRequest& request) const;
  /// The answer to a call whose caller and body are known.
  ServerResponse answer(Call call, Caller caller, const std::string& body);
  std::optional<ServerResponse> redirected(Call& call);
  std::optional<ServerResponse> app_call(const Call& call, Caller caller);
  Result<Answer> route(const Call& call);
  Routed route_checks(const Call& call);
  Routed route_commits(const Call& call);
  Routed route_deployments(const Call& call);
  Routed route_issues(const Call& call);
  Routed route_labels(const Call& call);
  Routed route_rest(const Call& call);
  Routed route_environments(const Call& call);
  Result<Answer> compare(const Call& call);
  Result<Answer> list_issues(const Call& call);
  Result<Answer> list_deployments(const Call& call);
  Result<Answer> list_check_runs(const Call& call);
  Result<Answer> edit_issue_labels(const Call& call);
  Result<Answer> shown(const Call& call, const cloud::CheckRun& run, int status) const;
  const cloud::GitHubRepository& repository_of(const Call& call) const;
  ServerResponse finish(const Call& call, Answer answer) const;
  /// The Link header of one page among `last`; empty when it is the only one.
  std::string links(const Call& call, size_t page, size_t last) const;
  ServerResponse error(const Error& error) const;
  void add_rate_limit(ServerResponse& response);

  cloud::GitHub& github_;
  Clock& clock_;
  GitHubFaceOptions options_;
  GitHubShapes shapes_;
  GitHubApps apps_;
  int64_t window_start_ms_ = 0;
  int64_t used_ = 0;
};

}  // namespace pawl::sandbox
