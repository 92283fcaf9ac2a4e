#include "aws/options.h"

#include <fmt/format.h>

#include "net/http.h"

namespace pawl::aws {
namespace {

struct ServiceNames {
  const char* variable;
  const char* host;
  const char* signing;
};

ServiceNames names_of(Service service) {
  switch (service) {
    case Service::sts:
      return {"STS", "sts", "sts"};
    case Service::ecr:
      return {"ECR", "api.ecr", "ecr"};
    case Service::lambda:
      return {"LAMBDA", "lambda", "lambda"};
    case Service::api_gateway:
      return {"APIGATEWAYV2", "apigateway", "apigateway"};
    case Service::cloud_watch:
      return {"CLOUDWATCH", "monitoring", "monitoring"};
    case Service::s3:
      return {"S3", "s3", "s3"};
    case Service::cloud_front:
      return {"CLOUDFRONT", "cloudfront", "cloudfront"};
  }
  panic(__FILE__, __LINE__, "unknown service");
}

constexpr std::string_view kVariable = "AWS_ENDPOINT_URL";

std::string get(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

}  // namespace

std::string_view signing_name(Service service) {
  return names_of(service).signing;
}

Result<AwsOptions> aws_options_from(const Variables& variables, std::string region) {
  AwsOptions options;
  options.region = std::move(region);
  if (options.region.empty()) options.region = get(variables, "AWS_REGION");
  if (options.region.empty()) options.region = get(variables, "AWS_DEFAULT_REGION");
  if (options.region.empty())
    return Error(ErrorKind::usage, "no AWS region is set")
        .with_hint("set AWS_REGION, or `regions` of the environment in pawl.yaml");
  // It becomes part of host names.
  if (options.region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
      std::string::npos)
    return Error(ErrorKind::usage, fmt::format("'{}' is no AWS region", options.region));
  for (const auto& [name, value] : variables) {
    if (name.rfind(kVariable, 0) != 0 || value.empty()) continue;
    if (!split_url(value))
      return Error(ErrorKind::usage, fmt::format("{} is not a URL: '{}'", name, value))
          .with_hint("it must look like http://127.0.0.1:4510");
    std::string url = value;
    while (url.back() == '/') url.pop_back();
    const std::string suffix = name.substr(kVariable.size());
    if (suffix.empty()) options.endpoints[""] = url;
    if (suffix.size() > 1 && suffix[0] == '_') options.endpoints[suffix.substr(1)] = url;
  }
  return options;
}

Endpoint endpoint_of(const AwsOptions& options, Service service) {
  const ServiceNames names = names_of(service);
  for (const char* key : {names.variable, ""})
    if (const auto found = options.endpoints.find(key); found != options.endpoints.end())
      return {found->second, true};
  const bool is_china = options.region.rfind("cn-", 0) == 0;
  // One for a whole partition.
  if (service == Service::cloud_front)
    return {is_china ? "https://cloudfront.cn-northwest-1.amazonaws.com.cn"
                     : "https://cloudfront.amazonaws.com",
            false};
  return {fmt::format("https://{}.{}.amazonaws.com{}", names.host, options.region,
                      is_china ? ".cn" : ""),
          false};
}

}  // namespace pawl::aws
