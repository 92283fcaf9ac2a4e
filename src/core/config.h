// What pawl.yaml says, checked and resolved: each environment holds its own copy of every setting,
// with its overrides merged in and {app}, {environment} and {region} replaced. Parsed by
// config_parser.h; the JSON Schema in docs/ describes the same keys and is tested against it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace pawl {

/// Who Pawl is to AWS, beyond the credentials that it finds.
struct AwsSettings {
  std::vector<std::string> roles;  // ARNs; each is assumed by the one before, the last one deploys
  std::string external_id;         // what the last role's trust policy asks for
  std::string audience;            // of GitHub's identity token; empty: STS's own
  bool operator==(const AwsSettings&) const = default;
};

struct BuildSettings {
  std::string context = ".";
  std::string dockerfile = "Dockerfile";
  std::string target;                          // empty: the last stage
  std::string platform = "linux/amd64";        // of the function
  std::vector<std::string> platforms;          // of an index with several; empty: `platform` alone
  std::string builder = "auto";                // auto, buildx, docker, buildah, podman
  std::map<std::string, std::string> args;     // --build-arg; {version} and {revision} are replaced
  std::map<std::string, std::string> secrets;  // id -> "env:NAME" or "file:PATH"
  std::vector<std::string> cache_from;  // image references, or buildx's "type=..." as they are
  std::vector<std::string> cache_to;
  std::string provenance;  // of buildx: none, min, max; empty: as it does by itself
  std::string sbom;        // of buildx: none, attach; empty: as it does by itself
  bool operator==(const BuildSettings&) const = default;
};

struct ImageSettings {
  std::string source;                  // host/repository, no tag: "ghcr.io/example/meals"
  std::optional<BuildSettings> build;  // absent: the image must be there already
  // An OCI layout that something else built (a folder, or a tar of one), pushed instead of a build;
  // {version} and {revision} are replaced. Empty: none.
  std::string layout;
  /// Whether an image that is not in the registry can be brought there.
  bool can_be_made() const { return build.has_value() || !layout.empty(); }
  bool operator==(const ImageSettings&) const = default;
};

struct TerraformSettings {
  std::string dir;
  std::string backend;                 // template of the backend file, relative to dir
  std::vector<std::string> var_files;  // relative to dir
  std::string binary = "terraform";    // or tofu, or a path to one of them
  std::string workspace;               // empty: "default"
  // Types of which no plan may destroy or replace one, unless a person says so; "default" stands
  // for those that hold data (terraform/protection.h), a * at the end for any rest.
  std::vector<std::string> protect = {"default"};
  bool operator==(const TerraformSettings&) const = default;
};

struct FunctionSettings {
  std::string name;
  std::string alias = "live";  // empty ("none" in the file): $LATEST is what callers get
  std::string repository;      // ECR repository name
  std::chrono::milliseconds update_timeout{300'000};
  int keep_versions = 0;  // of the published ones, when a release is verified; 0: all
  bool operator==(const FunctionSettings&) const = default;
};

struct UrlSettings {
  std::string fixed;  // given in the file; wins
  std::string api;    // name of the API Gateway v2 API; default "{app}-{environment}"
  bool operator==(const UrlSettings&) const = default;
};

/// What matches `match` (a glob) is served with this Cache-Control.
struct CacheControlSettings {
  std::string match;
  std::string control;
  bool operator==(const CacheControlSettings&) const = default;
};

struct CloudFrontSettings {
  std::string distribution;  // its id; empty: there is none
  std::string path;          // where the files of the prefix are served; "/" and the prefix
  bool wait = false;
  bool operator==(const CloudFrontSettings&) const = default;
};

struct StaticSettings {
  std::string dir;
  std::string bucket;
  std::string prefix;                  // "static/"; may be empty
  std::vector<std::string> immutable;  // globs against the path under dir
  std::vector<CacheControlSettings> cache;
  std::vector<std::string> compress;  // "br", "gzip"
  CloudFrontSettings cloudfront;
  bool operator==(const StaticSettings&) const = default;
};

struct HealthSettings {
  std::string path = "/health";
  int attempts = 15;
  int rollback_attempts = 5;
  std::chrono::milliseconds max_wait{60'000};  // between two attempts
  std::chrono::milliseconds timeout{10'000};   // of one request
  int passes = 1;                              // good answers in a row
  int expect_status = 200;
  std::string version_header;                      // the version that answers must be the release's
  std::map<std::string, std::string> expect_json;  // path in the body -> text of the value
  bool operator==(const HealthSettings&) const = default;
};

enum class HookWhen { before_traffic, after_traffic };
std::string_view to_string(HookWhen when);

/// A function that is called once for a release: a migration, a cache that is filled.
struct HookSettings {
  std::string name;
  HookWhen when = HookWhen::before_traffic;
  std::string function;   // empty: the one that is deployed
  std::string qualifier;  // empty: the version just published; of another function: $LATEST
  json::object payload;   // `idempotency_key` is put into it
  std::map<std::string, std::string> expect;      // path in the answer -> text of the value
  std::chrono::milliseconds timeout{5 * 60'000};  // of one call
  int retries = 0;             // further calls after one that failed; only when it is idempotent
  bool is_idempotent = false;  // a second call with the same key does nothing, and says the same
  std::optional<json::object> undo;  // payload of the call that takes it back; absent: none does
  bool is_compatible_with_previous = false;  // the release before can live with what it did
  bool operator==(const HookSettings&) const = default;
};

/// What is left of a deployment that was cancelled: what was before it, or what it had got to.
enum class OnCancel { undo, leave };
std::string_view to_string(OnCancel on_cancel);
std::optional<OnCancel> on_cancel_from(std::string_view name);

/// How long a deployment may take, and what a cancel makes of it. Travels in the plan, so that
/// whoever takes the deployment up needs no config.
struct RunPolicy {
  std::chrono::milliseconds step_limit{30 * 60'000};
  std::chrono::milliseconds deployment_limit{2 * 60 * 60'000};  // time in which it is worked on
  OnCancel on_cancel = OnCancel::undo;
  bool operator==(const RunPolicy&) const = default;
};

enum class EnvironmentTrigger { ci, manual };

struct FreezeWindow {
  std::string text;              // as written, for people
  int start_minute_of_week = 0;  // Monday 00:00 is 0, in `zone`
  int end_minute_of_week = 0;
  std::string zone;  // IANA name, "UTC" when none was written
  bool operator==(const FreezeWindow&) const = default;
};

struct EnvironmentConfig {
  std::string name;
  EnvironmentTrigger trigger = EnvironmentTrigger::manual;
  std::string region = "us-east-1";
  bool tag_required = false;
  int approvals_required = 0;
  std::vector<FreezeWindow> freeze;
  std::string promote_from;  // empty: from anywhere

  AwsSettings aws;
  ImageSettings image;
  std::optional<TerraformSettings> terraform;
  FunctionSettings function;
  UrlSettings url;
  std::optional<StaticSettings> static_files;
  std::optional<HealthSettings> health;  // absent: nothing is checked, which `plan` says
  std::vector<HookSettings> hooks;       // in the order in which they are called
  RunPolicy policy;
  bool operator==(const EnvironmentConfig&) const = default;
};

/// How GitHub is reached. Environment variables go before it (cli/github_access.h).
struct GitHubSettings {
  std::string api_url;                         // empty: api.github.com
  std::string app_id;                          // of a GitHub App, or its client id; empty: a token
  std::string app_key_file;                    // its private key
  int app_installation = 0;                    // 0: found by the repository
  std::chrono::milliseconds patience{90'000};  // with its rate limits, in one telling
  bool operator==(const GitHubSettings&) const = default;
};

struct Config {
  std::string app;
  std::string repository;  // "owner/name" on GitHub; empty: nobody is notified
  std::string main_branch = "main";
  GitHubSettings github;
  std::vector<EnvironmentConfig> environments;  // in the order of the file

  /// Kind usage names the environments that there are, and the nearest.
  Result<const EnvironmentConfig*> environment(std::string_view name) const;
  bool operator==(const Config&) const = default;
};

/// The candidate that is most like `word`, or empty when none is near: for "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace pawl
