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
std::string build_arg_name(const std::string& text);

}  // namespace pawl::checks
