// What the texts in pawl.yaml must be like. Each gives the complaint, or nothing; the limits are
// those of the service that the name is for.
#pragma once

#include <string>

namespace pawl::checks {

std::string app_name(const std::string& text);
std::string environment_name(const std::string& text);
std::string github_repository(const std::string& text);
std::string branch(const std::string& text);
std::string image_source(const std::string& text);
std::string region(const std::string& text);
std::string role_arn(const std::string& text);
std::string external_id(const std::string& text);
std::string function_name(const std::string& text);
std::string alias(const std::string& text);
std::string repository_name(const std::string& text);
std::string bucket(const std::string& text);
std::string key_prefix(const std::string& text);
std::string header_value(const std::string& text);
std::string distribution_id(const std::string& text);
std::string served_path(const std::string& text);
std::string relative_path(const std::string& text);
std::string url(const std::string& text);
std::string url_path(const std::string& text);
std::string header_name(const std::string& text);
std::string hook_name(const std::string& text);
std::string qualifier(const std::string& text);
std::string build_arg_name(const std::string& text);
/// "env:NAME" or "file:PATH", and an id that BuildKit and buildah take.
std::string build_secret(const std::string& id, const std::string& source);
/// An image reference, or a comma-separated "type=...".
std::string build_cache(const std::string& text);
std::string platform(const std::string& text);
std::string terraform_binary(const std::string& text);
std::string terraform_workspace(const std::string& text);
/// aws_s3_bucket, aws_rds_*, or "default".
std::string resource_type(const std::string& text);

/// Outputs that `text` names must be written well; one with a name in it is checked no further,
/// since what it will be is known only after Terraform.
std::string output_names(const std::string& text);
bool has_output_name(const std::string& text);
template <std::string (*check)(const std::string&)>
std::string or_output(const std::string& text) {
  return has_output_name(text) ? output_names(text) : check(text);
}

}  // namespace pawl::checks
