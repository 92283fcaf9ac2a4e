// Questions that people ask of the journal, answered by folding events.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/deployment.h"
#include "core/plan.h"
#include "engine/ports/source_repository.h"
#include "engine/ports/store.h"

namespace pawl {

/// not_found when there is no such deployment. `id` is whole; Store::find_deployment completes one.
Task<Result<Deployment>> load_deployment(Store& store, std::string id);

/// Newest first; environment empty: of all.
Task<Result<std::vector<Deployment>>> list_deployments(Store& store, std::string app,
                                                       std::string environment, size_t limit);

/// The deployment (or rollback) whose release is live: the newest that succeeded.
Task<Result<std::optional<Deployment>>> live_deployment(Store& store, std::string app,
                                                        std::string environment);

/// The last verified release before the live one (or that one itself, when a deployment after it
/// failed without being undone, or was cancelled and left part-way), with what its deployment
/// recorded of it; `version` (empty: the latest) picks an older one. No value when there is none.
/// blocked_by says why its code must not come back, where hooks are in the way; live_sha is that of
/// the live release, where that is known.
Task<Result<std::optional<RollbackTarget>>> rollback_target(Store& store, std::string app,
                                                            std::string environment,
                                                            std::string version);

/// What was called of the hooks for this release already; see core/hooks.h.
Task<Result<std::map<std::string, HookRun>>> find_hook_runs(Store& store, std::string app,
                                                            std::string environment,
                                                            ReleaseName release,
                                                            std::string digest);

/// Published versions that the record may still want: those of the live and of the last verified
/// release before it, and what each rollback goes back to that has not ended.
Task<Result<std::vector<std::string>>> versions_in_use(Store& store, std::string app,
                                                       std::string environment);

/// A commit beside the one that is live: whether it would put an older one in a newer one's place.
struct BesideLive {
  std::string live_sha;          // empty: nothing is live, or it is not known as what
  std::optional<bool> is_older;  // no value: not to be told, or nothing to compare with
};
Task<Result<BesideLive>> compare_with_live(Store& store, SourceRepository& source, std::string app,
                                           std::string environment, std::string sha);

}  // namespace pawl
