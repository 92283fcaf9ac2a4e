#include "cli/trigger_options.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

namespace pawl {
namespace {

bool is_sha(std::string_view text) {
  return text.size() >= 7 && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// "migrate=ran"
Result<void> read_hook(const std::string& text, const EnvironmentConfig& environment,
                       std::map<std::string, bool>& out) {
  const size_t sign = std::min(text.find('='), text.size());
  const std::string name = text.substr(0, sign);
  const std::string said = text.substr(std::min(sign + 1, text.size()));
  std::vector<std::string> names;
  for (const auto& hook : environment.hooks) names.push_back(hook.name);
  if (std::find(names.begin(), names.end(), name) == names.end())
    return Error(ErrorKind::usage,
                 fmt::format("--hook {}: {} has no hook '{}'", text, environment.name, name))
        .with_hint(names.empty() ? "pawl.yaml names no hooks there"
                                 : fmt::format("there are: {}", fmt::join(names, ", ")));
  if (said != "ran" && said != "again")
    return Error(ErrorKind::usage, fmt::format("--hook {}: what became of it?", text))
        .with_hint(fmt::format("write {0}=ran (it did its work) or {0}=again (call it)", name));
  out[name] = said == "ran";
  return ok();
}

}  // namespace

void TriggerOptions::describe(CliCommand& command) {
  command.optional_positional("environment", environment, "Where to: a name under `environments`")
      .option("-t,--tag", tag,
              "The release to deploy, by its tag or commit (default: the newest version tag up to "
              "the commit that is checked out; without one, and with --trigger ci, that commit)")
      .option("--sha", sha, "The commit (default: the one that is checked out)")
      .option("--branch", branch, "The branch of the commit (default: the one checked out)")
      .option("--trigger", trigger, "Who asks: manual, or ci (a CI run that completed)")
      .choices("--trigger", {"manual", "ci"})
      .option("--ci-conclusion", ci_conclusion, "With --trigger ci: how CI ended")
      .option("--approved-by", approved_by, "Who approved, where the environment needs it")
      .option("--allow-destroy", allow_destroy,
              "A protected resource (address or type) that Terraform may destroy this once")
      .option("--hook", hooks,
              "NAME=ran or NAME=again: what you found out of a hook whose outcome was never heard")
      .flag("--force", force, "Deploy although a newer commit is live");
}

Result<DeployQuestion> TriggerOptions::question(const Config& config,
                                                const Globals& globals) const {
  DeployQuestion question;
  question.config = config;
  Trigger& ask = question.trigger;
  ask.kind = trigger == "ci" ? TriggerKind::ci : TriggerKind::manual;
  ask.tag = tag;
  ask.sha = sha;
  ask.branch = branch;
  ask.ci_conclusion = ci_conclusion;
  ask.approved_by = approved_by;
  ask.force = force;
  ask.allow_destroy = allow_destroy;
  ask.actor = actor_of(globals.environment);
  if (!sha.empty() && !is_sha(sha))
    return Error(ErrorKind::usage, fmt::format("--sha {} is not a commit id", sha))
        .with_hint("give 7 to 40 hexadecimal digits: git rev-parse HEAD");
  ask.environment = environment;
  if (environment.empty() && ask.kind == TriggerKind::ci) ask.environment = ci_environment(config);
  if (ask.environment.empty()) {
    std::string names;
    for (const auto& each : config.environments) names += (names.empty() ? "" : ", ") + each.name;
    return Error(ErrorKind::usage, "no environment was named")
        .with_hint("name one of: " + names + " (pawl deploy " +
                   (config.environments.empty() ? "dev" : config.environments.front().name) + ")");
  }
  PAWL_TRY(const EnvironmentConfig* found, config.environment(ask.environment));
  question.environment = *found;
  for (const auto& text : hooks) PAWL_CHECK(read_hook(text, *found, question.hooks_ran));
  return question;
}

std::string actor_of(const ProcessEnvironment& environment) {
  for (const char* name : {"GITHUB_ACTOR", "USER", "LOGNAME"})
    if (auto value = environment.get(name); !value.empty()) return value;
  const passwd* user = getpwuid(geteuid());
  return user != nullptr ? user->pw_name : "unknown";
}

}  // namespace pawl
