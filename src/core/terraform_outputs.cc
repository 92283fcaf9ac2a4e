#include "core/terraform_outputs.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

constexpr std::string_view kOpening = "{terraform.";

bool is_output_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// The name that begins at `at`, which is where kOpening stands; empty when it is no name.
std::string_view output_name_at(std::string_view text, size_t at) {
  const size_t begin = at + kOpening.size();
  size_t end = begin;
  while (end < text.size() && is_output_character(text[end])) ++end;
  if (end >= text.size() || text[end] != '}') return {};
  const auto name = text.substr(begin, end - begin);
  const bool is_odd = name.empty() || name.front() == '.' || name.back() == '.' ||
                      name.find("..") != std::string_view::npos;
  return is_odd ? std::string_view() : name;
}

Result<std::string> output_text(std::string_view name, const json::object& outputs) {
  const json::value* value = find(outputs, name);
  if (value == nullptr || value->is_null())
    return Error(ErrorKind::not_found,
                 fmt::format("Terraform has no output '{}', or it is sensitive", name))
        .with_hint(fmt::format("add `output \"{}\"` to the Terraform tree, or correct the name in "
                               "pawl.yaml; sensitive outputs are never read",
                               name.substr(0, name.find('.'))));
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_object() || value->is_array())
    return Error(ErrorKind::failed, fmt::format("Terraform's output '{}' is not a text but {}",
                                                name, value->is_object() ? "an object" : "a list"))
        .with_hint(fmt::format("name a member of it: {{terraform.{}.MEMBER}}", name));
  return json::serialize(*value);
}

Result<json::value> filled_value(const json::value& value, const json::object& outputs) {
  if (value.is_string()) {
    if (!names_output(value)) return value;
    PAWL_TRY(const auto text, fill_outputs(std::string_view(value.get_string()), outputs));
    return json::value(json::string(text));
  }
  if (value.is_object()) {
    PAWL_TRY(auto filled, fill_outputs(value.get_object(), outputs));
    return json::value(std::move(filled));
  }
  if (!value.is_array()) return value;
  json::array filled;
  for (const auto& each : value.get_array()) {
    PAWL_TRY(auto one, filled_value(each, outputs));
    filled.push_back(std::move(one));
  }
  return json::value(std::move(filled));
}

}  // namespace

bool names_output(std::string_view text) {
  return text.find(kOpening) != std::string_view::npos;
}

bool names_output(const json::value& value) {
  if (value.is_string()) return names_output(std::string_view(value.get_string()));
  if (value.is_array())
    return std::any_of(value.get_array().begin(), value.get_array().end(),
                       [](const json::value& each) { return names_output(each); });
  if (!value.is_object()) return false;
  return std::any_of(value.get_object().begin(), value.get_object().end(),
                     [](const auto& member) { return names_output(member.value()); });
}

std::string flaw_in_output_names(std::string_view text) {
  for (size_t at = text.find(kOpening); at != std::string_view::npos;
       at = text.find(kOpening, at + 1))
    if (output_name_at(text, at).empty())
      return "names no output; write {terraform.NAME}, with letters, digits, _ and -";
  return "";
}

Result<std::string> fill_outputs(std::string_view text, const json::object& outputs) {
  std::string filled;
  size_t at = 0;
  for (;;) {
    const size_t open = text.find(kOpening, at);
    filled += text.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) return filled;
    const auto name = output_name_at(text, open);
    if (name.empty())
      return Error(ErrorKind::config,
                   fmt::format("'{}' {}", text.substr(0, 100), flaw_in_output_names(text)));
    PAWL_TRY(const auto value, output_text(name, outputs));
    filled += value;
    at = open + kOpening.size() + name.size() + 1;
  }
}

Result<json::object> fill_outputs(const json::object& params, const json::object& outputs) {
  json::object filled;
  for (const auto& [key, value] : params) {
    PAWL_TRY(auto one, filled_value(value, outputs));
    filled[key] = std::move(one);
  }
  return filled;
}

EnvironmentConfig with_known_outputs(EnvironmentConfig environment, const json::object& outputs) {
  const auto fill = [&](std::string& text) {
    if (!names_output(text)) return;
    auto filled = fill_outputs(text, outputs);
    text = filled.ok() ? *std::move(filled) : "";
  };
  fill(environment.function.name);
  fill(environment.function.repository);
  fill(environment.url.fixed);
  if (environment.static_files) fill(environment.static_files->bucket);
  return environment;
}

bool names_output(const EnvironmentConfig& environment) {
  return names_output(environment.function.name) || names_output(environment.function.repository) ||
         names_output(environment.url.fixed) ||
         (environment.static_files && names_output(environment.static_files->bucket));
}

void let_names_wait_for_terraform(Plan& plan) {
  for (auto& step : plan.steps) {
    if (step.id == "apply_infrastructure" || !names_output(json::value(step.params))) continue;
    if (std::find(step.needs.begin(), step.needs.end(), "apply_infrastructure") == step.needs.end())
      step.needs.emplace_back("apply_infrastructure");
  }
}

}  // namespace pawl
