// The first stage: from what asked (CI, a person) and what is known, whether to deploy, what, and
// under which name. One pure function; its rules stand as a table in tests/core/validate_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "core/config.h"

namespace pawl {

enum class TriggerKind {
  ci,      // workflow_run: CI completed
  manual,  // workflow_dispatch, the command line, the API
};

struct Trigger {
  TriggerKind kind = TriggerKind::manual;
  std::string environment;    // manual: the one that was asked for; ci: empty means the ci one
  std::string tag;            // given by hand; wins
  std::string sha;            // full commit id that CI tested, or HEAD
  std::string branch;         // of the CI run
  std::string ci_conclusion;  // "success", "failure", ...
  std::string actor;          // who asked, for the journal
  bool force = false;         // a person insists (deploy an older commit)
  std::string approved_by;    // a person vouches for the approval, with the name recorded
  // Protected resources (addresses or types) that Terraform may destroy this once.
  std::vector<std::string> allow_destroy;
};

struct Facts {
  WallTime now;
  std::map<std::string, int> utc_offset_minutes;  // for each zone of the freeze windows
  std::string newest_tag;      // of git, by version order; empty when there is none
  std::string newest_tag_sha;  // the commit it names
  std::string tag_sha;         // the commit that Trigger.tag names in git; empty: no such git tag
  std::optional<bool> image_exists;  // in the source registry under the image tag; unknown: absent
  std::string live_sha;              // commit that is live in the environment, if known
  std::optional<bool> is_older_than_live;  // Trigger's commit is an ancestor of the live one
  std::string verified_in_promote_from;    // version last verified in promote_from, if any
  bool can_build = false;  // image.build or image.layout, and a work tree is at hand
};

/// Names and values are those of the usual workflow's outputs.
struct ReleaseName {
  std::string environment;
  std::string image_tag;  // the tag in the source registry: version, or the short SHA
  std::string version;    // "1.4.2" (v stripped) or the short SHA
  std::string tag;        // "v1.4.2" as given or found; else the short SHA
  std::string sha;        // full commit id
  bool operator==(const ReleaseName&) const = default;
};

struct Decision {
  enum class Verdict { deploy, nothing_to_do, refused, superseded };
  Verdict verdict = Verdict::refused;
  std::string reason;   // a sentence; for every verdict
  std::string hint;     // what to do about a refusal
  ReleaseName release;  // meaningful for deploy
  bool needs_build = false;
  bool should_deploy() const { return verdict == Verdict::deploy; }
};

/// {environment, image_tag, version, tag, sha}
json::object to_json(const ReleaseName& release);
/// What is absent is empty.
ReleaseName release_from_json(const json::object& object);

/// "deploy", "nothing_to_do", "refused", "superseded".
std::string_view to_string(Decision::Verdict verdict);

/// Pure and total: never fails, says no with a reason. An environment that does not exist is the
/// caller's error (Config::environment).
Decision validate(const Config& config, const EnvironmentConfig& environment,
                  const Trigger& trigger, const Facts& facts);

/// The environment a CI-triggered run goes to: the one with trigger: ci; empty when there is none.
std::string ci_environment(const Config& config);

/// The image tag, version and tag that validate() would choose: needed to look the image up first.
ReleaseName name_release(const EnvironmentConfig& environment, const Trigger& trigger,
                         const Facts& facts);

/// The first 7 digits.
std::string short_sha(std::string_view sha);

}  // namespace pawl
