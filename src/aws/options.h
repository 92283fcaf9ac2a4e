// Where AWS is and who we are to it, as the standard variables of the AWS tools say it. Reading the
// process's environment is the caller's; here it is a map.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/credentials.h"

namespace pawl::aws {

enum class Service { sts, ecr, lambda, api_gateway, cloud_watch, s3, cloud_front };

/// "lambda", as in the credential scope and in the names of permissions.
std::string_view signing_name(Service service);

using Variables = std::map<std::string, std::string>;

struct AwsOptions {
  std::string region;
  /// By "S3", "LAMBDA" ...; "" is for those without one of their own.
  std::map<std::string, std::string> endpoints;
};

/// AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>. `region`, when
/// not empty, wins over the variables. Kind usage when there is no region or an endpoint is no URL.
Result<AwsOptions> aws_options_from(const Variables& variables, std::string region);

struct Endpoint {
  std::string url;           // without a slash at its end
  bool is_override = false;  // not AWS's own: S3 is then spoken to path-style
};
Endpoint endpoint_of(const AwsOptions& options, Service service);

}  // namespace pawl::aws
