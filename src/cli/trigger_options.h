// The options that say what is to be deployed and who asks: of deploy and plan.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/facts.h"

namespace pawl {

struct TriggerOptions {
  std::string environment;
  std::string tag;
  std::string sha;
  std::string branch;
  std::string trigger = "manual";
  std::string ci_conclusion;
  std::string approved_by;
  std::vector<std::string> allow_destroy;
  bool force = false;
  std::vector<std::string> hooks;  // "migrate=ran"

  void describe(CliCommand& command);
  Result<DeployQuestion> question(const Config& config, const Globals& globals) const;
};

/// Who asks: GITHUB_ACTOR in a workflow, else the user of this machine.
std::string actor_of(const ProcessEnvironment& environment);

}  // namespace pawl
