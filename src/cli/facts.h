// Finds out what the validation and the plan need to know: git, the registry, the journal, the
// time.
#pragma once

#include <map>
#include <string>

#include "cli/globals.h"
#include "cli/session.h"
#include "core/plan.h"
#include "core/validate.h"

namespace pawl {

class GitHubClient;

struct DeployQuestion {
  Config config;
  EnvironmentConfig environment;
  Trigger trigger;  // sha and branch are filled in from git when empty
  /// By the hook's name: what a person found out of one whose outcome was never heard. True: it
  /// ran.
  std::map<std::string, bool> hooks_ran;
};

struct Assessment {
  Trigger trigger;
  Facts facts;
  PlanFacts plan_facts;  // as far as they are known before the environment is held
  Decision decision;
};

/// Where a shallow clone has no version tag, the newest one of the commit is asked of GitHub and
/// put into `facts`. Gives what a decision that rests on it has to add to its reason; empty where a
/// tag was given or CI says which commit. An Error when GitHub does not answer: what is deployed
/// would hang on that. Without access (nullptr, or denied) there is no tag, as without GitHub.
Task<Result<std::string>> find_newest_tag(GitHubClient* github, std::string repository,
                                          Trigger trigger, Facts& facts);

/// Whoever names a commit means that one, and not the newest tag before it.
void heed_named_commit(const std::string& named, Facts& facts);

/// What the decision for the newest tag has to say of `count` commits after it: that they are not
/// deployed, and how they would be. Empty for none.
std::string words_on_newer_commits(int64_t count, const std::string& sha);

/// Reads only. An Error when something could not be read: a guess is no basis for a deployment.
Task<Result<Assessment>> assess(Session& session, DeployQuestion question);

/// The outputs of Terraform's state as they are before a deployment; none where no setting names
/// one. Reads only.
Task<Result<json::object>> outputs_before(Session& session, const EnvironmentConfig& environment);

/// What the plan needs of the target (the ECR repository, the bucket, the hooks that ran), read
/// when the environment is held. Refused when a hook may have run and may not be called again.
Task<Result<PlanFacts>> plan_facts(Session& session, const DeployQuestion& question,
                                   const ReleaseName& release, PlanFacts known);

/// Minutes that `zone` (IANA) is ahead of UTC at `at`; not_found for a zone this machine lacks.
Result<int> utc_offset_minutes(const std::string& zone, WallTime at);

}  // namespace pawl
