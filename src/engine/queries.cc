#include "engine/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/hooks.h"

namespace pawl {
namespace {

// How far back the questions look.
constexpr size_t kHistoryLimit = 500;

bool made_something_live(const Deployment& deployment) {
  return deployment.phase == Phase::succeeded;
}

// What was live before it is not live any more, and neither is all of what it was to make live.
bool left_something_else(const Deployment& deployment) {
  return deployment.phase == Phase::failed || deployment.rollback_status == "left";
}

// Two deployments of the same commit and version are one release.
std::string release_of(const Deployment& deployment) {
  return deployment.release.version + "@" + deployment.release.sha;
}

}  // namespace

Task<Result<Deployment>> load_deployment(Store& store, std::string id) {
  PAWL_CO_TRY(auto events, co_await store.events(id));
  if (events.empty())
    co_return Error(ErrorKind::not_found, fmt::format("there is no deployment '{}'", id));
  co_return fold(events);
}

Task<Result<std::vector<Deployment>>> list_deployments(Store& store, std::string app,
                                                       std::string environment, size_t limit) {
  PAWL_CO_TRY(auto ids, co_await store.deployments(app, environment, limit));
  std::vector<Deployment> deployments;
  for (const auto& id : ids) {
    PAWL_CO_TRY(auto deployment, co_await load_deployment(store, id));
    deployments.push_back(std::move(deployment));
  }
  co_return deployments;
}

Task<Result<std::optional<Deployment>>> live_deployment(Store& store, std::string app,
                                                        std::string environment) {
  PAWL_CO_TRY(auto ids, co_await store.deployments(app, environment, kHistoryLimit));
  for (const auto& id : ids) {
    PAWL_CO_TRY(auto deployment, co_await load_deployment(store, id));
    if (made_something_live(deployment)) co_return std::optional<Deployment>(std::move(deployment));
  }
  co_return std::optional<Deployment>();
}

Task<Result<std::optional<RollbackTarget>>> rollback_target(Store& store, std::string app,
                                                            std::string environment,
                                                            std::string version) {
  PAWL_CO_TRY(const auto all, co_await list_deployments(store, app, environment, kHistoryLimit));
  auto newest_first = all;
  const auto live = std::find_if(newest_first.begin(), newest_first.end(), made_something_live);
  const bool is_live = std::none_of(newest_first.begin(), live, left_something_else);
  std::erase_if(newest_first, [](const auto& each) { return !made_something_live(each); });
  // A release that somebody went back from is not gone back to by itself: going back twice goes
  // back two releases, not to and fro.
  std::set<std::string> given_up;
  for (size_t i = 0; i + 1 < newest_first.size(); ++i)
    if (newest_first[i].kind == DeploymentKind::rollback)
      given_up.insert(release_of(newest_first[i + 1]));
  if (is_live && !newest_first.empty()) given_up.insert(release_of(newest_first.front()));
  for (const Deployment& deployment : newest_first) {
    const bool is_wanted = version.empty() ? given_up.count(release_of(deployment)) == 0
                                           : deployment.release.version == version;
    if (!is_wanted) continue;
    auto target = rollback_target_of(deployment);
    if (!target) continue;
    target->blocked_by = blocked_by_hooks(all, *target);
    if (is_live) target->live_sha = newest_first.front().release.sha;
    co_return target;
  }
  co_return std::optional<RollbackTarget>();
}

Task<Result<std::map<std::string, HookRun>>> find_hook_runs(Store& store, std::string app,
                                                            std::string environment,
                                                            ReleaseName release,
                                                            std::string digest) {
  PAWL_CO_TRY(const auto newest_first,
              co_await list_deployments(store, app, environment, kHistoryLimit));
  co_return hook_runs(newest_first, release, digest);
}

Task<Result<std::vector<std::string>>> versions_in_use(Store& store, std::string app,
                                                       std::string environment) {
  PAWL_CO_TRY(const auto all, co_await list_deployments(store, app, environment, kHistoryLimit));
  std::set<std::string> wanted;  // releases that something waiting names
  std::vector<std::string> versions;
  int verified = 0;
  constexpr int kVerifiedKept = 2;  // the live release, and the one to go back to
  for (const Deployment& deployment : all) {
    const bool is_open = !is_terminal(deployment.phase);
    if (is_open && deployment.kind == DeploymentKind::rollback)
      wanted.insert(release_of(deployment));
    if (!made_something_live(deployment)) continue;
    const bool is_wanted = wanted.count(release_of(deployment)) > 0;
    if (++verified > kVerifiedKept && !is_wanted) continue;
    const auto target = rollback_target_of(deployment);
    if (target && !target->function_version.empty()) versions.push_back(target->function_version);
  }
  co_return versions;
}

Task<Result<BesideLive>> compare_with_live(Store& store, SourceRepository& source, std::string app,
                                           std::string environment, std::string sha) {
  BesideLive beside;
  PAWL_CO_TRY(auto live, co_await live_deployment(store, std::move(app), std::move(environment)));
  if (!live || live->release.sha.empty() || sha.empty()) co_return beside;
  beside.live_sha = live->release.sha;
  if (beside.live_sha == sha) co_return beside;
  // A commit that this clone does not have cannot be compared; that is no answer, not a "no".
  auto older = co_await source.is_ancestor(std::move(sha), beside.live_sha);
  if (older.ok()) beside.is_older = *older;
  co_return beside;
}

}  // namespace pawl
