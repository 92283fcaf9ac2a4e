#include "engine/steps/function_code.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/digest.h"
#include "engine/steps/function_reasons.h"

namespace pawl::steps {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPoll{100};
constexpr milliseconds kSlowestPoll{2'000};
constexpr size_t kDigestLength = 71;  // "sha256:" and 64 digits

// The wait between two looks at something that takes seconds, bounded by a limit on the whole.
class Polling {
 public:
  Polling(Clock& clock, milliseconds limit) : clock_(clock), end_(clock.steady_now() + limit) {}

  bool has_time() const { return clock_.steady_now() < end_; }
  Task<Result<void>> pause() {
    const milliseconds wait =
        std::min(next_, std::max(end_ - clock_.steady_now(), milliseconds(1)));
    next_ = std::min(next_ * 2, kSlowestPoll);
    co_return co_await clock_.sleep_for(wait);
  }

 private:
  Clock& clock_;
  SteadyTime end_;
  milliseconds next_ = kFirstPoll;
};

bool is_updating(const FunctionState& state) {
  return state.last_update_status == "InProgress" || state.state == "Pending";
}

Error update_took_too_long(const FunctionTarget& target) {
  return Error(ErrorKind::timeout, fmt::format("{} was still being updated after {}", target.name,
                                               format_duration(target.update_timeout)))
      .with_hint("function.update_timeout in pawl.yaml is the limit");
}

// A read that fails in passing while we wait is no news of the function.
bool may_poll_on(const Error& error) {
  return is_transient(error.kind());
}

bool is_busy(const Error& error) {
  return error.kind() == ErrorKind::conflict && error.code() != "PreconditionFailedException";
}

Error changed_by_hand(const FunctionState& state, const std::string& expected) {
  const std::string now = digest_of(state);
  return Error(
             ErrorKind::conflict,
             fmt::format("{} has another image ({}) than when the deployment began ({}): somebody "
                         "changed it meanwhile, and that is not overwritten",
                         state.name, now.empty() ? image_uri_of(state) : now, expected))
      .with_hint("agree with whoever did it, then deploy again");
}

}  // namespace

std::string digest_of_uri(std::string_view image_uri) {
  if (image_uri.size() < kDigestLength) return "";
  const auto digest = Digest::parse(image_uri.substr(image_uri.size() - kDigestLength));
  return digest.ok() ? digest->str() : "";
}

std::string digest_of(const FunctionState& state) {
  // An ImageUri by digest is what was asked for itself; ResolvedImageUri is what a tag meant then.
  for (const auto& uri : {state.image_uri, state.resolved_image_uri})
    if (auto digest = digest_of_uri(uri); !digest.empty()) return digest;
  const auto digest = Digest::parse("sha256:" + state.code_sha256);
  return digest.ok() ? digest->str() : "";
}

std::string image_uri_of(const FunctionState& state) {
  const std::string digest = digest_of(state);
  const std::string& uri = state.image_uri.empty() ? state.resolved_image_uri : state.image_uri;
  if (digest.empty() || uri.empty()) return uri;
  // The repository is what stands before the digest or tag; a port's colon comes before the slash.
  const size_t slash = std::min(uri.find('/'), uri.size());
  const size_t end = std::min({uri.find('@'), uri.find(':', slash), uri.size()});
  return uri.substr(0, end) + "@" + digest;
}

FunctionTarget function_target(const json::object& params) {
  FunctionTarget target;
  target.name = string_or(params, "function");
  target.update_timeout =
      milliseconds(int_or(params, "update_timeout_ms", target.update_timeout.count()));
  return target;
}

Error cut_off(const Error& stopped, const Error& before) {
  return Error(stopped.kind(), before.message()).with_outcome_unknown(before.outcome_unknown());
}

Error explain_function_error(Error error, const std::string& name) {
  if (error.kind() != ErrorKind::not_found) return error;
  return Error(ErrorKind::not_found, fmt::format("there is no function {}", name))
      .with_hint("create it with Terraform first, or correct function.name in pawl.yaml");
}

namespace {

bool has_image(const FunctionState& state, const std::string& image_uri) {
  const std::string wanted = digest_of_uri(image_uri);
  if (wanted.empty()) return state.image_uri == image_uri;
  return digest_of(state) == wanted && state.last_update_status != "Failed";
}

// Until nothing is in progress, and, when an image is named, until that is what the function has: a
// read just after a change may still tell of the time before it (`revision_before`).
Task<Result<FunctionState>> wait(StepContext& context, Functions& functions, FunctionTarget target,
                                 std::string image_uri, std::string revision_before) {
  Polling polling(context.clock(), target.update_timeout);
  for (bool first = true;; first = false) {
    auto state = co_await functions.get(target.name, "");
    if (!state.ok() && !may_poll_on(state.error()))
      co_return explain_function_error(std::move(state).error(), target.name);
    if (state.ok() && !is_updating(*state)) {
      if (!image_uri.empty() && has_image(*state, image_uri)) co_return std::move(*state);
      const bool is_old = !revision_before.empty() && state->revision_id == revision_before;
      const bool has_failed = state->last_update_status == "Failed" || state->state == "Failed";
      if (has_failed && !is_old) co_return update_failed(*state);
      if (image_uri.empty()) co_return std::move(*state);
    }
    if (!polling.has_time()) {
      if (!state.ok()) co_return std::move(state).error();
      co_return update_took_too_long(target);
    }
    if (first && state.ok())
      context.log(fmt::format("{} is being updated ({}, {})", target.name, state->state,
                              state->last_update_status));
    else if (first)
      context.log(fmt::format("{}; it is asked again for {} at most", state.error().message(),
                              format_duration(target.update_timeout)));
    PAWL_CO_CHECK(co_await polling.pause());
  }
}

// An earlier update that failed does not stop the next one.
Task<Result<FunctionState>> wait_for_rest(StepContext& context, Functions& functions,
                                          FunctionTarget target) {
  auto state = co_await wait(context, functions, target, "", "");
  if (state.ok() || state.error().kind() != ErrorKind::failed) co_return state;
  auto as_it_is = co_await functions.get(target.name, "");
  if (!as_it_is.ok()) co_return explain_function_error(std::move(as_it_is).error(), target.name);
  co_return as_it_is;
}

}  // namespace

Task<Result<FunctionState>> wait_until_updated(StepContext& context, Functions& functions,
                                               FunctionTarget target) {
  co_return co_await wait(context, functions, std::move(target), "", "");
}

Task<Result<FunctionState>> wait_until_active(StepContext& context, Functions& functions,
                                              FunctionTarget target, std::string version) {
  Polling polling(context.clock(), target.update_timeout);
  for (;;) {
    auto state = co_await functions.get(target.name, version);
    if (!state.ok() && !may_poll_on(state.error())) co_return std::move(state).error();
    if (state.ok() && state->state == "Failed") co_return update_failed(*state);
    if (state.ok() && state->state != "Pending") co_return std::move(*state);
    if (!polling.has_time()) {
      if (!state.ok()) co_return std::move(state).error();
      co_return update_took_too_long(target);
    }
    PAWL_CO_CHECK(co_await polling.pause());
  }
}

Task<Result<FunctionState>> give_image(StepContext& context, Functions& functions,
                                       FunctionTarget target, std::string image_uri,
                                       std::string may_replace) {
  // Each turn looks first, so that a conflict, or an answer that was lost, is settled by what is
  // there.
  constexpr int kTurns = 5;
  Polling polling(context.clock(), target.update_timeout);
  std::optional<Error> last;
  for (int turn = 0; turn < kTurns; ++turn) {
    PAWL_CO_TRY(auto state, co_await wait_for_rest(context, functions, target));
    if (has_image(state, image_uri)) co_return state;
    const std::string now = digest_of(state);
    const bool is_expected =
        may_replace.empty() || now.empty() || now == may_replace || now == digest_of_uri(image_uri);
    if (!is_expected) co_return changed_by_hand(state, may_replace);
    if (last && last->code() == "PreconditionFailedException")
      context.log(fmt::format("{} was touched meanwhile; its image is still the expected one",
                              target.name));
    PAWL_CO_CHECK(co_await context.before_change());
    context.log(fmt::format("{}: {} -> {}", target.name, image_uri_of(state), image_uri));
    auto updated = co_await functions.update_code(target.name, image_uri, state.revision_id);
    if (updated.ok())
      co_return co_await wait(context, functions, target, image_uri, state.revision_id);
    last = std::move(updated).error();
    const bool ask_again =
        last->outcome_unknown() || is_busy(*last) || last->code() == "PreconditionFailedException";
    if (!ask_again) co_return explain_function_error(*std::move(last), target.name);
    context.log(last->message());
    // Somebody else's update is waited for as long as an update may take.
    if (is_busy(*last) && polling.has_time()) --turn;
    const auto slept = co_await polling.pause();
    if (!slept.ok()) co_return cut_off(slept.error(), *last);
  }
  co_return *std::move(last);
}

Task<Result<bool>> shut_out_late_updates(StepContext& context, Functions& functions,
                                         FunctionTarget target, std::string image_uri) {
  constexpr int kTurns = 2;
  for (int turn = 0; turn < kTurns; ++turn) {
    PAWL_CO_TRY(const auto state, co_await wait_for_rest(context, functions, target));
    if (digest_of(state) != digest_of_uri(image_uri)) co_return false;
    PAWL_CO_CHECK(co_await context.before_change());
    const auto written = co_await functions.update_code(target.name, image_uri, state.revision_id);
    if (written.ok()) {
      auto settled = co_await wait_for_rest(context, functions, target);
      if (!settled.ok()) co_return std::move(settled).error();
      co_return digest_of(*settled) == digest_of_uri(image_uri);
    }
    const Error& error = written.error();
    context.log(fmt::format("{}: {}", target.name, error.message()));
    // Who may not give it an image could not have given it another one either.
    const bool ask_again = error.kind() == ErrorKind::conflict || error.outcome_unknown() ||
                           is_transient(error.kind());
    if (!ask_again) co_return true;
    PAWL_CO_CHECK(co_await context.clock().sleep_for(kReadsSettle));
  }
  // It is as it was; an undo that cannot shut the door has still nothing to undo.
  context.log(fmt::format("{} could not be written to {} times: a late request may still change it",
                          target.name, kTurns));
  co_return true;
}

Task<Result<FunctionState>> publish(StepContext& context, Functions& functions,
                                    FunctionTarget target, std::string image_uri,
                                    std::string description) {
  constexpr int kTurns = 4;
  Polling polling(context.clock(), target.update_timeout);
  std::optional<Error> last;
  for (int turn = 0; turn < kTurns; ++turn) {
    PAWL_CO_TRY(const auto latest, co_await wait_until_updated(context, functions, target));
    if (!has_image(latest, image_uri))
      co_return Error(ErrorKind::conflict,
                      fmt::format("{} has another image than the one that was just given to it: "
                                  "somebody changed it meanwhile",
                                  target.name))
          .with_hint("agree with whoever did it, then deploy again");
    PAWL_CO_CHECK(co_await context.before_change());
    auto published = co_await functions.publish_version(target.name, latest.code_sha256,
                                                        latest.revision_id, description);
    if (published.ok()) {
      context.log(fmt::format("published as version {}", published->version));
      co_return co_await wait_until_active(context, functions, target, published->version);
    }
    last = std::move(published).error();
    // Touched or busy meanwhile: its code is looked at again.
    if (last->kind() != ErrorKind::conflict)
      co_return explain_function_error(*std::move(last), target.name);
    context.log(last->message());
    if (is_busy(*last) && polling.has_time()) --turn;
    PAWL_CO_CHECK(co_await polling.pause());
  }
  co_return *std::move(last);
}

}  // namespace pawl::steps
