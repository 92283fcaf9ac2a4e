#include "aws/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "aws/canonical.h"
#include "aws/partitions.h"
#include "net/http.h"

namespace pawl::aws {
namespace {

// In us-gov the plain host is the FIPS one for some services: on IPv4 alone, or on both stacks.
enum class GovFips { apart, plain_host, plain_host_on_both };

struct ServiceNames {
  const char* variable;
  const char* host;
  const char* signing;
  GovFips gov_fips = GovFips::apart;
};

ServiceNames names_of(Service service) {
  switch (service) {
    case Service::sts:
      return {"STS", "sts", "sts", GovFips::plain_host};
    case Service::ecr:
      return {"ECR", "api.ecr", "ecr"};
    case Service::lambda:
      return {"LAMBDA", "lambda", "lambda"};
    case Service::api_gateway:
      return {"APIGATEWAYV2", "apigateway", "apigateway"};
    case Service::cloud_watch:
      return {"CLOUDWATCH", "monitoring", "monitoring", GovFips::plain_host_on_both};
    case Service::s3:
      return {"S3", "s3", "s3"};
    case Service::sso:
      return {"SSO", "portal.sso", "awsssoportal", GovFips::plain_host};
    case Service::sso_oidc:
      return {"SSO_OIDC", "oidc", "sso-oauth", GovFips::plain_host};
    case Service::cloud_front:
      return {"CLOUDFRONT", "cloudfront", "cloudfront"};
  }
  panic(__FILE__, __LINE__, "unknown service");
}

constexpr std::string_view kVariable = "AWS_ENDPOINT_URL";
constexpr int kMostAttempts = 20;

// What decides a setting, and where it stands: a variable, or a setting of the profile.
struct Setting {
  std::string value;
  std::string name;
};

class Settings {
 public:
  Settings(const Variables& variables, const Profiles& profiles)
      : variables_(variables), profiles_(profiles) {}

  Setting find(const std::string& name_of_variable, const std::string& name_of_setting) const {
    if (auto value = variable(variables_, name_of_variable); !value.empty())
      return {value, name_of_variable};
    return {profiles_.setting(name_of_setting),
            fmt::format("{} of profile [{}]", name_of_setting, profiles_.chosen)};
  }

  Result<bool> flag(const std::string& variable, const std::string& setting) const {
    const Setting found = find(variable, setting);
    const std::string value = lower_case(found.value);
    if (value != "true" && value != "false" && !value.empty())
      return Error(ErrorKind::usage, fmt::format("{} is '{}'", found.name, found.value))
          .with_hint("it must be true or false");
    return value == "true";
  }

  Result<int> attempts(int otherwise) const {
    const Setting found = find("AWS_MAX_ATTEMPTS", "max_attempts");
    if (found.value.empty()) return otherwise;
    int number = 0;
    const char* end = found.value.data() + found.value.size();
    const auto [stopped, failure] = std::from_chars(found.value.data(), end, number);
    if (failure != std::errc() || stopped != end || number < 1)
      return Error(ErrorKind::usage, fmt::format("{} is '{}'", found.name, found.value))
          .with_hint("it must be a number, 1 or more: the tries of one call");
    return std::min(number, kMostAttempts);
  }

 private:
  const Variables& variables_;
  const Profiles& profiles_;
};

Result<void> set_endpoint(AwsOptions& options, std::string key, const std::string& name,
                          const std::string& value) {
  if (value.empty()) return ok();
  if (!split_url(value))
    return Error(ErrorKind::usage, fmt::format("{} is not a URL: '{}'", name, value))
        .with_hint("it must look like http://127.0.0.1:4510");
  std::string url = value;
  while (url.back() == '/') url.pop_back();
  options.endpoints[std::move(key)] = std::move(url);
  return ok();
}

// What is read later counts more: a service's own over the common one, a variable over the file.
Result<void> read_endpoints(AwsOptions& options, const Variables& variables,
                            const Profiles& profiles) {
  PAWL_CHECK(set_endpoint(options, "", "endpoint_url", profiles.setting("endpoint_url")));
  if (const auto found = profiles.services.find(profiles.setting("services"));
      found != profiles.services.end())
    for (const auto& [service, settings] : found->second.nested)
      if (const auto url = settings.find("endpoint_url"); url != settings.end()) {
        std::string key = service;
        std::transform(key.begin(), key.end(), key.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        PAWL_CHECK(set_endpoint(options, std::move(key), service + ".endpoint_url", url->second));
      }
  if (const auto all = variable(variables, std::string(kVariable)); !all.empty()) {
    options.endpoints.clear();
    PAWL_CHECK(set_endpoint(options, "", std::string(kVariable), all));
  }
  for (const auto& [name, value] : variables)
    if (name.rfind(std::string(kVariable) + "_", 0) == 0)
      PAWL_CHECK(set_endpoint(options, name.substr(kVariable.size() + 1), name, value));
  return ok();
}

Result<std::string> region_from(const Settings& settings, const Variables& variables,
                                std::string region) {
  if (region.empty()) region = variable(variables, "AWS_REGION");
  if (region.empty()) region = settings.find("AWS_DEFAULT_REGION", "region").value;
  if (region.empty())
    return Error(ErrorKind::usage, "no AWS region is set")
        .with_hint("set AWS_REGION, or `region` of the environment in pawl.yaml");
  // It becomes part of host names.
  if (region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    return Error(ErrorKind::usage, fmt::format("'{}' is no AWS region", region));
  return region;
}

// https://docs.aws.amazon.com/general/latest/gr/rande.html; held against botocore's rules by a
// test.
std::string host_of(Service service, const AwsOptions& options) {
  const ServiceNames names = names_of(service);
  const Partition& partition = partition_of(options.region);
  // One for a whole partition.
  if (service == Service::cloud_front)
    return partition.name == "aws-cn" ? "cloudfront.cn-northwest-1.amazonaws.com.cn"
                                      : "cloudfront.amazonaws.com";
  const bool dual = options.use_dual_stack;
  std::string host = names.host;
  if (service == Service::ecr && dual) host = "ecr";
  const bool is_plain_fips =
      partition.name == "aws-us-gov" && (names.gov_fips == GovFips::plain_host_on_both ||
                                         (names.gov_fips == GovFips::plain_host && !dual));
  if (options.use_fips && !is_plain_fips) host += "-fips";
  if (service == Service::s3 && dual) host += ".dualstack";
  const bool has_own_suffix = dual && service != Service::s3;
  return fmt::format("{}.{}.{}", host, options.region,
                     has_own_suffix ? partition.dual_stack_suffix : partition.dns_suffix);
}

}  // namespace

std::string_view signing_name(Service service) {
  return names_of(service).signing;
}

Result<AwsOptions> aws_options_from(const Variables& variables, std::string region,
                                    const Profiles& profiles) {
  const Settings settings(variables, profiles);
  AwsOptions options;
  PAWL_TRY(options.region, region_from(settings, variables, std::move(region)));
  PAWL_TRY(options.use_fips, settings.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
  PAWL_TRY(options.use_dual_stack,
           settings.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"));
  PAWL_TRY(options.max_attempts, settings.attempts(options.max_attempts));
  PAWL_TRY(const bool ignored,
           settings.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"));
  if (!ignored) PAWL_CHECK(read_endpoints(options, variables, profiles));
  return options;
}

Endpoint endpoint_of(const AwsOptions& options, Service service) {
  for (const char* key : {names_of(service).variable, ""})
    if (const auto found = options.endpoints.find(key); found != options.endpoints.end())
      return {found->second, true};
  return {"https://" + host_of(service, options), false};
}

}  // namespace pawl::aws
