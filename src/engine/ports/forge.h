// Where people are told: GitHub. Idempotent by design: everything is found again by the
// deployment's id or the release's marker before it is made.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"

namespace pawl {

struct DeploymentReport {
  std::string deployment_id;
  std::string app;
  std::string repository;  // "owner/name"
  std::string environment;
  std::string sha;
  std::string version;
  std::string outcome;  // in_progress, succeeded, rolled_back, failed, cancelled
  std::string rollback_status;
  std::string reason;            // a sentence
  std::string url;               // of the application
  std::string details_markdown;  // step table
  std::string actor;
  std::string release_key;  // what the one issue per broken release is found by
  bool is_production = false;
  std::string base_sha;  // what was live before, to tell what comes; empty: not known
  /// How long the waits for a rate limit may be, all together.
  std::chrono::milliseconds patience{90'000};
  /// Told what is waited for (a rate limit), one line each; may be empty.
  std::function<void(std::string_view)> say;
};

struct ReportResult {
  std::string check_run;  // URLs, empty when not made
  std::string deployment;
  std::string issue;  // opened or updated
  std::vector<std::string> closed_issues;
  std::vector<std::string> problems;  // what could not be told, as sentences
  std::vector<std::string> cut_off;   // parts without an answer when the caller stopped the telling
};

class Forge {
 public:
  virtual ~Forge() = default;
  /// Check run in progress, commit status pending, deployment with status in_progress.
  virtual Task<Result<ReportResult>> report_started(DeploymentReport report) = 0;
  /// Completes all of those; on failure opens or updates the release's issue (labels deployment,
  /// rollback, urgent, <environment>); on success closes the environment's open ones.
  virtual Task<Result<ReportResult>> report_finished(DeploymentReport report) = 0;
  /// Whether the token can do all that; the Error says which permission is missing.
  virtual Task<Result<std::string>> check_access(std::string repository) = 0;
};

}  // namespace pawl
