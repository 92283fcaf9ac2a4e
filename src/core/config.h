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

#include "base/result.h"

namespace pawl {

struct BuildSettings {
  std::string context = ".";
  std::string dockerfile = "Dockerfile";
  std::string target;  // empty: the last stage
  std::string platform = "linux/amd64";
  std::string builder = "auto";             // auto, docker, buildah
  std::map<std::string, std::string> args;  // --build-arg; {version} and {revision} are replaced
  bool operator==(const BuildSettings&) const = default;
};

struct ImageSettings {
  std::string source;                  // host/repository, no tag: "ghcr.io/example/meals"
  std::optional<BuildSettings> build;  // absent: the image must be there already
  bool operator==(const ImageSettings&) const = default;
};

struct TerraformSettings {
  std::string dir;
  std::string backend;                 // template of the backend file, relative to dir
  std::vector<std::string> var_files;  // relative to dir
  bool operator==(const TerraformSettings&) const = default;
};

struct FunctionSettings {
  std::string name;
  std::string alias = "live";  // empty ("none" in the file): $LATEST is what callers get
  std::string repository;      // ECR repository name
  std::chrono::milliseconds update_timeout{300'000};
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

  ImageSettings image;
  std::optional<TerraformSettings> terraform;
  FunctionSettings function;
  UrlSettings url;
  std::optional<StaticSettings> static_files;
  std::optional<HealthSettings> health;  // absent: nothing is checked, which `plan` says
  RunPolicy policy;
  bool operator==(const EnvironmentConfig&) const = default;
};

struct Config {
  std::string app;
  std::string repository;  // "owner/name" on GitHub; empty: nobody is notified
  std::string main_branch = "main";
  std::vector<EnvironmentConfig> environments;  // in the order of the file

  /// Kind usage names the environments that there are, and the nearest.
  Result<const EnvironmentConfig*> environment(std::string_view name) const;
  bool operator==(const Config&) const = default;
};

/// The candidate that is most like `word`, or empty when none is near: for "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace pawl
