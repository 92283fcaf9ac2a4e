// The alias that callers use, moved under its RevisionId and only while it is what we believe it to
// be. Shared by move_alias, restore_function and their undos.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
#pragma once

#include <optional>
#include <string>

#include "engine/steps/captured.h"
#include "engine/steps/function_code.h"

namespace pawl::steps {

struct AliasMove {
  FunctionTarget function;
  std::string alias;
  std::string to_version;   // published version
  std::string description;  // says whose it is: deployment and release
};

/// The alias's description while this deployment's release is live.
std::string alias_description(const Deployment& deployment, const json::object& params);
/// Whether that deployment wrote it.
bool is_described_by(const AliasState& alias, const std::string& deployment_id);
/// Terraform may have made the alias in this very deployment, after the capture: that is nobody's
/// change by hand. One that a deployment has moved since, or that has shares, is.
bool was_made_by_terraform(const AliasState& now, const Captured& captured,
                           const Deployment& deployment);

/// Moves the alias, creating it when there was none. It must still be as captured: a change made by
/// hand meanwhile is reported and not overwritten.
Task<Result<AliasState>> move_alias(StepContext& context, Functions& functions, AliasMove move,
                                    Captured captured);

/// Puts the alias back as captured (version, weights, description), provided that it is what this
/// deployment made of it. When the version is gone, its image is published anew. Empty: nothing was
/// to be done.
Task<Result<json::object>> restore_alias(StepContext& context, Functions& functions, AliasMove move,
                                         Captured captured);

}  // namespace pawl::steps
