// Where AWS is, as the standard variables and the profiles of the AWS tools say it. Reading the
// process's environment is the caller's; here it is a map.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/profiles.h"
#include "base/result.h"

namespace pawl::aws {

enum class Service { sts, ecr, lambda, api_gateway, cloud_watch, s3, sso, sso_oidc, cloud_front };

/// "lambda", as in the credential scope and in the names of permissions.
std::string_view signing_name(Service service);

struct AwsOptions {
  std::string region;
  /// By "S3", "LAMBDA" ...; "" is for those without one of their own.
  std::map<std::string, std::string> endpoints;
  bool use_fips = false;
  bool use_dual_stack = false;
  int max_attempts = 3;  // of one call, the first among them
};

/// AWS_REGION or AWS_DEFAULT_REGION; AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and
/// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS; AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT;
/// AWS_MAX_ATTEMPTS; and what the chosen profile says of the same. `region`, when not empty, wins.
/// Kind usage when there is no region or a value is not what it must be.
Result<AwsOptions> aws_options_from(const Variables& variables, std::string region,
                                    const Profiles& profiles = {});

struct Endpoint {
  std::string url;           // without a slash at its end
  bool is_override = false;  // not AWS's own: S3 is then spoken to path-style
};
Endpoint endpoint_of(const AwsOptions& options, Service service);

}  // namespace pawl::aws
