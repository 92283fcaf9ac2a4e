#include "engine/steps/function_reasons.h"

#include <fmt/format.h>

#include <array>

namespace pawl::steps {
namespace {

struct Advice {
  std::string_view code;
  std::string_view what_to_do;
};

constexpr std::array kAdvice = {
    Advice{"ImageAccessDenied",
           "let lambda.amazonaws.com read the repository: its policy needs ecr:BatchGetImage and "
           "ecr:GetDownloadUrlForLayer"},
    Advice{"ImageDeleted",
           "the image is not in its repository any more: deploy it anew, and see "
           "that the lifecycle policy keeps what is live"},
    Advice{"InvalidImage",
           "Lambda cannot run the image: it must have the function's architecture, "
           "gzip layers, and at most 10 GB"},
    Advice{"InsufficientRolePermissions", "give the function's execution role what it lacks"},
    Advice{"KMSKeyAccessDenied", "the execution role may not use the function's KMS key"},
    Advice{"KMSKeyNotFound", "the function's KMS key is gone"},
    Advice{"DisabledKMSKey", "the function's KMS key is disabled"},
    Advice{"InvalidStateKMSKey", "the function's KMS key is not usable as it is"},
    Advice{"EniLimitExceeded", "the account has no network interfaces left for the function's VPC"},
    Advice{"SubnetOutOfIPAddresses", "the function's subnets have no addresses left"},
    Advice{"InvalidSubnet", "a subnet of the function's VPC settings does not exist"},
    Advice{"InvalidSecurityGroup", "a security group of the function does not exist"},
    Advice{"InvalidConfiguration", "correct the function's settings"},
    Advice{"InternalError", "Lambda had a fault of its own: deploy again"},
    Advice{"FunctionError", "the function ended, or failed, while it started: its log says why"},
};

std::string_view advice_about(std::string_view code) {
  for (const auto& each : kAdvice)
    if (each.code == code) return each.what_to_do;
  return "check that the function's role may read the repository, and the image's platform";
}

}  // namespace

Error update_failed(const FunctionState& state) {
  const bool by_state = state.state == "Failed";
  const std::string& reason = by_state ? state.state_reason : state.last_update_reason;
  const std::string& code = by_state ? state.state_reason_code : state.last_update_reason_code;
  const std::string why = reason.empty() ? "no reason was given" : reason;
  const std::string subject = state.version.empty() || state.version == "$LATEST"
                                  ? state.name
                                  : fmt::format("{}:{}", state.name, state.version);
  return Error(ErrorKind::failed, fmt::format("{} could not take the image: {}{}", subject, why,
                                              code.empty() ? "" : fmt::format(" ({})", code)))
      .with_code(code)
      .with_hint(std::string(advice_about(code)));
}

}  // namespace pawl::steps
