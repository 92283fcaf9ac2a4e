#include "terraform/plan_review.h"

#include <fmt/format.h>

#include <vector>

#include "terraform/plan_summary.h"

namespace pawl {
namespace {

struct Intrusion {
  std::string address;                  // module.app.aws_lambda_function.app
  std::string resource;                 // resource "aws_lambda_function" "app"
  std::vector<std::string> attributes;  // image_uri
  std::string change;                   // image_uri: "a" -> "b"
};

bool has_action(const json::object& resource, std::string_view wanted) {
  const auto* actions = find(resource, "change.actions");
  if (actions == nullptr || !actions->is_array()) return false;
  for (const auto& action : actions->get_array())
    if (action.is_string() && action.get_string() == wanted) return true;
  return false;
}

json::object member(const json::object& resource, std::string_view path) {
  const auto* found = find(resource, path);
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

// Absent, null, "" and [] are all Terraform's way of saying "not set".
bool is_unset(const json::value* value) {
  if (value == nullptr || value->is_null()) return true;
  if (value->is_string()) return value->get_string().empty();
  return value->is_array() && value->get_array().empty();
}

std::string text_of(const json::value* value) {
  if (is_unset(value)) return "nothing";
  return json::serialize(*value).substr(0, 300);
}

// In after_unknown, or one of the masks of what is sensitive.
bool is_marked(const json::object& mask, std::string_view attribute) {
  const auto* found = mask.if_contains(attribute);
  return found != nullptr && has_mark(*found);
}

void compare(const json::object& resource, std::string_view attribute, Intrusion* intrusion) {
  const json::object before = member(resource, "change.before");
  const json::object after = member(resource, "change.after");
  const auto* old_value = before.if_contains(attribute);
  const auto* new_value = after.if_contains(attribute);
  const bool unknown = is_marked(member(resource, "change.after_unknown"), attribute);
  if (!unknown && is_unset(old_value) && is_unset(new_value)) return;
  if (!unknown && old_value != nullptr && new_value != nullptr && *old_value == *new_value) return;
  intrusion->attributes.emplace_back(attribute);
  if (!intrusion->change.empty()) intrusion->change += ", ";
  const bool is_secret = is_marked(member(resource, "change.before_sensitive"), attribute) ||
                         is_marked(member(resource, "change.after_sensitive"), attribute);
  intrusion->change += is_secret ? fmt::format("{}: a sensitive value", attribute)
                                 : fmt::format("{}: {} -> {}", attribute, text_of(old_value),
                                               unknown ? "known after apply" : text_of(new_value));
}

// Empty when the resource is not the function or the alias that Pawl deploys to.
std::vector<const char*> attributes_of_ours(const json::object& resource,
                                            const std::string& function, const std::string& alias) {
  const std::string type = string_or(resource, "type");
  const json::object before = member(resource, "change.before");
  // An alias holds its function's name or ARN.
  const std::string name = string_or(before, "function_name");
  if (name.substr(name.rfind(':') + 1) != function) return {};
  if (type == "aws_lambda_function") return {"image_uri"};
  if (type == "aws_lambda_alias" && !alias.empty() && string_or(before, "name") == alias)
    return {"function_version", "routing_config", "description"};
  return {};
}

Intrusion intrusion_of(const json::object& resource, const std::string& function,
                       const std::string& alias) {
  Intrusion intrusion;
  intrusion.address = string_or(resource, "address");
  intrusion.resource = fmt::format("resource \"{}\" \"{}\"", string_or(resource, "type"),
                                   string_or(resource, "name"));
  const auto attributes = attributes_of_ours(resource, function, alias);
  if (attributes.empty()) return intrusion;
  if (has_action(resource, "delete")) {
    intrusion.change =
        has_action(resource, "create") ? "it would be replaced" : "it would be destroyed";
  } else if (has_action(resource, "update")) {
    for (const char* attribute : attributes) compare(resource, attribute, &intrusion);
  }
  return intrusion;
}

std::string remedy(const Intrusion& intrusion) {
  if (intrusion.attributes.empty())
    return fmt::format(
        "  {}: a deployment does not take away what it deploys to; run `terraform "
        "apply` by hand, then deploy\n",
        intrusion.address);
  std::string names;
  for (const auto& attribute : intrusion.attributes)
    names += (names.empty() ? "" : ", ") + attribute;
  return fmt::format("  {} {{\n    lifecycle {{\n      ignore_changes = [{}]\n    }}\n  }}\n",
                     intrusion.resource, names);
}

}  // namespace

Result<void> review_plan(const json::object& plan, const std::string& function,
                         const std::string& alias) {
  const auto* changes = plan.if_contains("resource_changes");
  if (function.empty() || changes == nullptr || !changes->is_array()) return ok();
  std::string what;
  std::string hint;
  for (const auto& each : changes->get_array()) {
    if (!each.is_object()) continue;
    const Intrusion intrusion = intrusion_of(each.get_object(), function, alias);
    if (intrusion.change.empty()) continue;
    what += fmt::format("{}{} ({})", what.empty() ? "" : "; ", intrusion.address, intrusion.change);
    hint += remedy(intrusion);
  }
  if (what.empty()) return ok();
  return Error(ErrorKind::refused,
               "the Terraform plan would change what Pawl deploys, behind its back: " + what)
      .with_hint("mend the Terraform tree:\n" + hint);
}

}  // namespace pawl
