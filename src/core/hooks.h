// Hooks in a plan and in the record: when one is called, by which key, what its calls did, and what
// follows from that for going back. Pure. The step itself is engine/steps/run_hook.cc.
//
// A hook without an undo is called once for each release: its key is the release's, the same over
// all deployments of it. One with an undo is called once for each deployment. Going back past a
// hook that has no undo and is not `compatible_with: previous` would put code on data that it
// cannot read: the point of no return.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/deployment.h"
#include "core/plan.h"

namespace pawl {

inline constexpr std::string_view kHookKind = "run_hook";

/// Of the last call of a hook, in `step_attempt`: it is under way, or was and nothing was heard.
inline constexpr std::string_view kEffectUnknown = "unknown";
/// It was refused before the function ran.
inline constexpr std::string_view kEffectNone = "none";
/// The function ran, and said that it failed: part of its work may be done.
inline constexpr std::string_view kEffectPart = "part";
/// It did its work.
inline constexpr std::string_view kEffectDone = "done";

/// The step's params: {hook, when, function, qualifier, payload, expect, timeout_ms, retries,
/// idempotent, undo, compatible_with_previous}; undo is absent when there is none.
json::object to_json(const HookSettings& hook);
/// Total: what is absent, or makes no sense, is the default.
HookSettings hook_from_json(const json::object& params);

std::string hook_step_id(std::string_view name);

/// The key that the payload carries: of the release, or of the deployment, as said above. The same
/// over all attempts. `digest`: of the release's image.
std::string hook_key(const Deployment& deployment, const HookSettings& hook,
                     std::string_view digest);

/// Whether it makes what the release before cannot read, for good.
bool bars_the_way_back(const HookSettings& hook);

/// Of those that are called once for each release, the ones that were called (or may have been) for
/// this release, in earlier deployments of one environment, newest first. `digest` (may be empty:
/// not known) tells apart two images of one name.
std::map<std::string, HookRun> hook_runs(const std::vector<Deployment>& newest_first,
                                         const ReleaseName& release, std::string_view digest);

/// An Error (refused) when a hook of this environment may have run for this release already, nobody
/// knows whether, and it may not be called again.
Result<void> check_hook_runs(const EnvironmentConfig& environment, const PlanFacts& facts);

/// Why this deployment may not be undone any more: a hook without a way back has run (or may have)
/// and the traffic was moved. Empty: it may.
std::string past_the_point_of_no_return(const Plan& plan, const Deployment& deployment);

/// Why the code of `target` must not come back; empty: it may. `newest_first`: all deployments of
/// the environment.
std::string blocked_by_hooks(const std::vector<Deployment>& newest_first,
                             const RollbackTarget& target);

}  // namespace pawl
