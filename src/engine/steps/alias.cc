#include "engine/steps/alias.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl::steps {
namespace {

constexpr std::string_view kMark = "pawl deployment ";
constexpr size_t kMaxDescription = 256;  // Lambda's own limit

std::string to_text(const AliasState& alias) {
  std::string text = "version " + alias.version;
  for (const auto& [version, share] : alias.additional_weights)
    text += fmt::format(", {:.0f}% to {}", share * 100, version);
  return text;
}

bool points_alike(const AliasState& a, const AliasState& b) {
  return a.version == b.version && a.additional_weights == b.additional_weights;
}

bool is_moved(const AliasState& alias, const AliasMove& move) {
  return alias.version == move.to_version && alias.additional_weights.empty();
}

Error changed_by_hand(const AliasMove& move, const std::string& now, const std::string& expected) {
  return Error(
             ErrorKind::conflict,
             fmt::format("the alias {} of {} is {}, and was {} when the deployment began: somebody "
                         "changed it meanwhile, and that is not overwritten",
                         move.alias, move.function.name, now, expected))
      .with_hint("agree with whoever did it, then deploy again");
}

std::string captured_text(const Captured& captured) {
  return captured.alias ? "at " + to_text(*captured.alias) : std::string("not there");
}

// Ours when our deployment is written on it and it points where we moved it: whoever moves it by
// hand may well leave the description, and the version may be one that was there before.
bool is_ours(const AliasState& alias, const AliasMove& move, const std::string& deployment_id) {
  return is_described_by(alias, deployment_id) &&
         (move.to_version.empty() || is_moved(alias, move));
}

Task<Result<bool>> has_version(Functions& functions, std::string function, std::string version) {
  PAWL_CO_TRY(const auto versions, co_await functions.list_versions(function));
  co_return std::any_of(versions.begin(), versions.end(), [&](const FunctionState& candidate) {
    return candidate.version == version;
  });
}

// The version that was live is gone: its image is put back and published.
Task<Result<std::string>> republish_captured(StepContext& context, Functions& functions,
                                             FunctionTarget target, Captured captured) {
  const std::string& image = captured.live.image_uri;
  if (captured.live.digest.empty())
    co_return Error(ErrorKind::failed,
                    fmt::format("version {} of {} is gone, and its image is not known",
                                captured.alias->version, target.name))
        .with_hint("move the alias to a version that works");
  context.log(
      fmt::format("version {} is gone; publishing {} anew", captured.alias->version, image));
  PAWL_CO_CHECK(co_await give_image(context, functions, target, image, ""));
  PAWL_CO_TRY(auto version, co_await publish(context, functions, target, image,
                                             "restored by pawl " + context.key().substr(0, 16)));
  co_return version.version;
}

json::object restored(const AliasState& alias) {
  return {{"alias", alias.name},
          {"function_version", alias.version},
          {"revision_id", alias.revision_id}};
}

Task<Result<json::object>> remove_alias(StepContext& context, Functions& functions,
                                        AliasMove move) {
  PAWL_CO_CHECK(co_await context.before_change());
  auto removed = co_await functions.delete_alias(move.function.name, move.alias);
  if (!removed.ok() && removed.error().kind() != ErrorKind::not_found)
    co_return std::move(removed).error();
  co_return json::object{{"alias", move.alias}, {"deleted", true}};
}

Task<Result<json::object>> put_back(StepContext& context, Functions& functions, AliasMove move,
                                    Captured captured, AliasState now) {
  AliasState wanted = *captured.alias;
  wanted.function = move.function.name;
  wanted.name = move.alias;
  PAWL_CO_TRY(const bool exists,
              co_await has_version(functions, move.function.name, wanted.version));
  if (!exists) {
    PAWL_CO_TRY(wanted.version,
                co_await republish_captured(context, functions, move.function, captured));
    wanted.additional_weights.clear();  // shares were of the version that is gone
  }
  wanted.revision_id = now.revision_id;
  PAWL_CO_CHECK(co_await context.before_change());
  context.log(fmt::format("alias {}: back to {}", move.alias, to_text(wanted)));
  auto updated = co_await functions.update_alias(wanted);
  if (updated.ok()) co_return restored(*updated);
  // The answer may have been lost, not the change.
  PAWL_CO_TRY(auto seen, co_await functions.get_alias(move.function.name, move.alias));
  const bool is_back =
      seen && points_alike(*seen, wanted) && seen->description == wanted.description;
  if (is_back) co_return restored(*seen);
  co_return std::move(updated).error();
}

// A move of this deployment may still be on its way, from a process that stood still after its last
// look at its lease. While nobody writes to the alias, the RevisionId that it carries holds.
// Written once as it is, the alias has another one
// (https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html). False: look again.
Task<Result<bool>> shut_out_late_moves(StepContext& context, Functions& functions, AliasState now) {
  PAWL_CO_CHECK(co_await context.before_change());
  const auto written = co_await functions.update_alias(now);
  if (written.ok()) co_return true;
  const Error& error = written.error();
  context.log(fmt::format("alias {}: {}", now.name, error.message()));
  // Who may not write to it could not have moved it either.
  const bool is_settled = error.kind() != ErrorKind::conflict && !error.outcome_unknown() &&
                          !is_transient(error.kind());
  co_return is_settled;
}

// No value: it was touched meanwhile.
Task<Result<std::optional<json::object>>> restore_as_it_is(StepContext& context,
                                                           Functions& functions, AliasMove move,
                                                           Captured captured) {
  using Done = std::optional<json::object>;
  PAWL_CO_TRY(auto now, co_await functions.get_alias(move.function.name, move.alias));
  if (!now || !is_ours(*now, move, context.deployment().id)) {
    // Not moved, or moved so lately that this was read too early.
    PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
    PAWL_CO_TRY(now, co_await functions.get_alias(move.function.name, move.alias));
  }
  const StepState* state = context.deployment().step(context.step().id);
  const bool was_moved = state != nullptr && !state->outputs->empty();
  if (!now && !captured.alias) {
    if (!was_moved) co_return Done(json::object{});
    co_return Done(json::object{{"alias", move.alias}, {"deleted", true}});
  }
  if (!now) co_return changed_by_hand(move, "not there", captured_text(captured));
  if (is_ours(*now, move, context.deployment().id)) {
    Task<Result<json::object>> undo = captured.alias
                                          ? put_back(context, functions, move, captured, *now)
                                          : remove_alias(context, functions, move);
    PAWL_CO_TRY(auto outputs, co_await std::move(undo));
    co_return Done(std::move(outputs));
  }
  if (was_made_by_terraform(*now, captured, context.deployment())) {
    context.log(fmt::format("alias {}: left as Terraform made it", move.alias));
    co_return Done(json::object{});
  }
  if (!captured.alias || !points_alike(*now, *captured.alias))
    co_return changed_by_hand(move, "at " + to_text(*now), captured_text(captured));
  if (was_moved) co_return Done(restored(*now));  // it is back already
  if (state != nullptr && state->was_refused) co_return Done(json::object{});
  PAWL_CO_TRY(const bool is_settled, co_await shut_out_late_moves(context, functions, *now));
  co_return is_settled ? Done(json::object{}) : Done();
}

// After a change whose outcome is not clear, what is there decides.
Task<Result<AliasState>> settle(StepContext& context, Functions& functions, AliasMove move,
                                Captured captured, Error error) {
  const bool unclear = error.outcome_unknown() || error.kind() == ErrorKind::conflict;
  if (!unclear) co_return error;
  const auto slept = co_await context.clock().sleep_for(kReadsSettle);
  if (!slept.ok()) co_return cut_off(slept.error(), error);
  PAWL_CO_TRY(auto seen, co_await functions.get_alias(move.function.name, move.alias));
  if (seen && is_moved(*seen, move)) co_return *std::move(seen);
  if (error.kind() == ErrorKind::conflict)
    co_return changed_by_hand(move, seen ? "at " + to_text(*seen) : std::string("not there"),
                              captured_text(captured));
  co_return error;
}

}  // namespace

std::string alias_description(const Deployment& deployment, const json::object& params) {
  const std::string text = fmt::format(
      "{} {} ({}), {}{}, token {}", deployment.app, string_or(params, "version"),
      short_sha(string_or(params, "sha")), kMark, deployment.id, deployment.fencing_token);
  return text.substr(0, kMaxDescription);
}

bool was_made_by_terraform(const AliasState& now, const Captured& captured,
                           const Deployment& deployment) {
  const StepState* planned = deployment.step("plan_infrastructure");
  const bool may_be = planned != nullptr && bool_or(planned->outputs, "has_changes");
  return may_be && !captured.alias && now.additional_weights.empty() &&
         now.description.find(kMark) == std::string::npos;
}

bool is_described_by(const AliasState& alias, const std::string& deployment_id) {
  const std::string mark = std::string(kMark) + deployment_id;
  const size_t at = alias.description.find(mark);
  if (deployment_id.empty() || at == std::string::npos) return false;
  const size_t end = at + mark.size();
  return end == alias.description.size() || alias.description[end] == ',';
}

Task<Result<AliasState>> move_alias(StepContext& context, Functions& functions, AliasMove move,
                                    Captured captured) {
  PAWL_CO_TRY(auto now, co_await functions.get_alias(move.function.name, move.alias));
  if (now && is_moved(*now, move)) {
    if (is_described_by(*now, context.deployment().id)) co_return *std::move(now);
  }
  AliasState wanted;
  wanted.function = move.function.name;
  wanted.name = move.alias;
  wanted.version = move.to_version;
  wanted.description = move.description;
  const bool is_new = now && was_made_by_terraform(*now, captured, context.deployment());
  const bool is_as_captured = now.has_value() == captured.alias.has_value() &&
                              (!now || points_alike(*now, *captured.alias));
  if (!is_as_captured && !is_new)
    co_return changed_by_hand(move, now ? "at " + to_text(*now) : std::string("not there"),
                              captured_text(captured));
  // Its RevisionId changes with the alias alone, so the captured one says whether it was touched.
  if (now) wanted.revision_id = is_new ? now->revision_id : captured.alias->revision_id;
  PAWL_CO_CHECK(co_await context.before_change());
  context.log(fmt::format("alias {}: {} -> {}", move.alias, now ? to_text(*now) : "(none)",
                          to_text(wanted)));
  Task<Result<AliasState>> request =
      now ? functions.update_alias(wanted) : functions.create_alias(wanted);
  auto moved = co_await std::move(request);
  if (moved.ok()) co_return moved;
  co_return co_await settle(context, functions, move, captured, std::move(moved).error());
}

Task<Result<json::object>> restore_alias(StepContext& context, Functions& functions, AliasMove move,
                                         Captured captured) {
  constexpr int kTurns = 4;
  for (int turn = 0; turn < kTurns; ++turn) {
    PAWL_CO_TRY(auto done, co_await restore_as_it_is(context, functions, move, captured));
    if (done) co_return *std::move(done);
  }
  // It is where it was; an undo that cannot shut the door has still nothing to undo.
  context.log(
      fmt::format("the alias {} of {} could not be written to {} times: a late request may "
                  "still move it",
                  move.alias, move.function.name, kTurns));
  co_return json::object{};
}

}  // namespace pawl::steps
