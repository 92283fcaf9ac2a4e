#include "cli/other_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/store_choice.h"
#include "store/sqlite_store.h"

namespace pawl {

Task<bool> other_journal_has(const Globals& globals, const LoadedConfig& config, std::string name) {
  if (names_a_store(globals)) co_return false;
  const std::string path = journal_file(config.state_dir, !globals.sandbox);
  std::error_code failure;
  if (!std::filesystem::exists(path, failure)) co_return false;
  const auto store = make_sqlite_store(path);
  if (!store.ok()) co_return false;  // what was asked for is not there: that is said in any case
  const auto& environments = config.config.environments;
  const bool is_environment =
      name.empty() || std::any_of(environments.begin(), environments.end(),
                                  [&](const auto& each) { return each.name == name; });
  if (is_environment) {
    const auto found = co_await (*store)->deployments(config.config.app, name, 1);
    co_return found.ok() && !found->empty();
  }
  const auto found = co_await (*store)->find_deployment(name);
  co_return found.ok();
}

std::string other_journal_hint(const Globals& globals) {
  return globals.sandbox ? "the journal of the real account has it: leave --sandbox out"
                         : "the sandbox's journal has it: add --sandbox";
}

Task<void> explain_promotion(const Globals& globals, const LoadedConfig& config,
                             const DeployQuestion& question, Assessment& assessment) {
  const std::string& from = question.environment.promote_from;
  Decision& decision = assessment.decision;
  if (globals.sandbox || from.empty() || decision.verdict != Decision::Verdict::refused ||
      !assessment.facts.verified_in_promote_from.empty())
    co_return;
  const bool is_in_sandbox = co_await other_journal_has(globals, config, from);
  if (is_in_sandbox)
    decision.hint += fmt::format("{}what was deployed to {} in the sandbox does not count here",
                                 decision.hint.empty() ? "" : "; ", from);
}

}  // namespace pawl
