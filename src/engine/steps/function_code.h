// Which image a function has, and how it is given another: by digest, under the function's
// RevisionId, waiting until the update has ended. Shared by the steps that change code and undo it.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
#pragma once

#include <chrono>
#include <string>

#include "engine/ports/functions.h"
#include "engine/step.h"

namespace pawl::steps {

/// "sha256:..." of the image that a function or version has; empty when the service did not say.
std::string digest_of(const FunctionState& state);
/// The image by digest where that is known, else as it was given.
std::string image_uri_of(const FunctionState& state);
/// The digest that a "repository@sha256:..." ends with; empty when it has none.
std::string digest_of_uri(std::string_view image_uri);

/// For so long after a change a read may still tell of the time before it. An undo that finds
/// nothing to undo looks again after that.
inline constexpr std::chrono::milliseconds kReadsSettle{2'000};

struct FunctionTarget {
  std::string name;
  std::chrono::milliseconds update_timeout{300'000};
};
/// Of the step's params: function, update_timeout_ms.
FunctionTarget function_target(const json::object& params);

/// Polls until no update is in progress and the function is active. Fails when the last update did.
Task<Result<FunctionState>> wait_until_updated(StepContext& context, Functions& functions,
                                               FunctionTarget target);
/// The same for a published version, which starts as Pending.
Task<Result<FunctionState>> wait_until_active(StepContext& context, Functions& functions,
                                              FunctionTarget target, std::string version);

/// Gives the function the image and waits. `may_replace` is the digest that it may have now (the
/// one that was captured, or ours); with another one somebody changed it by hand, and nothing is
/// overwritten. Empty: whatever it has. Having it already is success.
Task<Result<FunctionState>> give_image(StepContext& context, Functions& functions,
                                       FunctionTarget target, std::string image_uri,
                                       std::string may_replace);

/// Gives the function the image that it has once more, which changes its RevisionId: an update that
/// a process sent after it had stood still is refused then
/// (https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html). False: it has
/// another image now.
Task<Result<bool>> shut_out_late_updates(StepContext& context, Functions& functions,
                                         FunctionTarget target, std::string image_uri);

/// Publishes the function's code, which must be that image, and waits until the version is active.
Task<Result<FunctionState>> publish(StepContext& context, Functions& functions,
                                    FunctionTarget target, std::string image_uri,
                                    std::string description);

/// For a step that was stopped in the pause after something had gone wrong: that is its story.
Error cut_off(const Error& stopped, const Error& before);

/// "function X does not exist", with what to do about it.
Error explain_function_error(Error error, const std::string& name);

}  // namespace pawl::steps
