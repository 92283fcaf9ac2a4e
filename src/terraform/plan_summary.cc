#include "terraform/plan_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace pawl {
namespace {

constexpr size_t kMaxLines = 200;
constexpr size_t kMaxAttributes = 12;

std::set<std::string> words_at(const json::object& object, std::string_view path) {
  std::set<std::string> words;
  if (const auto* list = find(object, path); list != nullptr && list->is_array())
    for (const auto& each : list->get_array())
      if (each.is_string()) words.emplace(each.get_string());
  return words;
}

std::optional<PlannedAction> action_of(const json::object& resource) {
  const auto actions = words_at(resource, "change.actions");
  const bool is_created = actions.count("create") > 0;
  const bool is_destroyed = actions.count("delete") > 0;
  if (is_created && is_destroyed) return PlannedAction::replace;
  if (is_created) return PlannedAction::create;
  if (is_destroyed) return PlannedAction::destroy;
  if (actions.count("update") > 0) return PlannedAction::update;
  if (actions.count("forget") > 0) return PlannedAction::forget;
  return std::nullopt;  // no-op, read
}

json::object part_of(const json::object& resource, std::string_view path) {
  const auto* part = find(resource, path);
  return part != nullptr && part->is_object() ? part->get_object() : json::object();
}

std::vector<std::string> differing_attributes(const json::object& resource) {
  const auto before = part_of(resource, "change.before");
  const auto after = part_of(resource, "change.after");
  std::set<std::string> names;
  for (const auto& [name, value] : after) {
    const auto* old_value = before.if_contains(name);
    if (old_value == nullptr ? !value.is_null() : *old_value != value) names.emplace(name);
  }
  for (const auto& [name, mask] : part_of(resource, "change.after_unknown"))
    if (has_mark(mask)) names.emplace(name);
  return {names.begin(), names.end()};
}

// "bucket, tags.Name" of [["bucket"], ["tags", "Name"]].
std::string paths_at(const json::object& resource, std::string_view path) {
  std::string text;
  const auto* paths = find(resource, path);
  if (paths == nullptr || !paths->is_array()) return text;
  for (const auto& each : paths->get_array()) {
    if (!each.is_array()) continue;
    std::string one;
    for (const auto& part : each.get_array()) {
      if (!one.empty()) one += '.';
      one += part.is_string() ? std::string(part.get_string()) : json::serialize(part);
    }
    text += (text.empty() ? "" : ", ") + one;
  }
  return text.substr(0, 300);
}

// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation lists them.
std::string reason_of(const json::object& resource) {
  const std::string reason = string_or(resource, "action_reason");
  const std::string paths = paths_at(resource, "change.replace_paths");
  if (reason == "replace_because_cannot_update")
    return paths.empty() ? "it cannot be changed in place" : paths + " cannot be changed in place";
  if (reason == "replace_because_tainted") return "it is tainted: its creation failed half-way";
  if (reason == "replace_by_request") return "it was asked for";
  if (reason == "replace_by_triggers") return "replace_triggered_by names what changes";
  if (reason == "delete_because_no_resource_config") return "it is not in the tree any more";
  if (reason == "delete_because_no_module") return "its module is not in the tree any more";
  if (reason == "delete_because_count_index" || reason == "delete_because_wrong_repetition" ||
      reason == "delete_because_each_key")
    return "its count or for_each leaves it out";
  if (!string_or(resource, "deposed").empty()) return "left over by an earlier replacement";
  return paths.empty() ? "" : paths + " changes";
}

std::string sign_of(PlannedAction action) {
  switch (action) {
    case PlannedAction::create:
      return "+";
    case PlannedAction::update:
      return "~";
    case PlannedAction::replace:
      return "-/+";
    case PlannedAction::destroy:
      return "-";
    case PlannedAction::forget:
      return ".";
  }
  return "?";
}

std::string line_of(const PlannedChange& change) {
  std::string line = fmt::format("  {:<3} {:<7} {}", sign_of(change.action),
                                 to_string(change.action), change.address);
  if (!change.because.empty()) return line + fmt::format(" ({})", change.because);
  if (change.action != PlannedAction::update || change.attributes.empty()) return line;
  const size_t told = std::min(change.attributes.size(), kMaxAttributes);
  line += ": ";
  for (size_t i = 0; i < told; ++i) line += (i > 0 ? ", " : "") + change.attributes[i];
  if (told < change.attributes.size())
    line += fmt::format(" and {} more", change.attributes.size() - told);
  return line;
}

std::string heading_of(const PlanSummary& summary) {
  std::string text;
  for (const auto action : {PlannedAction::create, PlannedAction::update, PlannedAction::replace,
                            PlannedAction::destroy, PlannedAction::forget}) {
    const auto count =
        std::count_if(summary.changes.begin(), summary.changes.end(),
                      [action](const PlannedChange& each) { return each.action == action; });
    if (count > 0)
      text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", count, to_string(action));
  }
  if (!text.empty()) return "the plan: " + text;
  return summary.outputs.empty() ? "the plan changes nothing" : "the plan changes outputs only";
}

std::string joined_names(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.substr(0, 1'000);
}

}  // namespace

std::string_view to_string(PlannedAction action) {
  switch (action) {
    case PlannedAction::create:
      return "create";
    case PlannedAction::update:
      return "update";
    case PlannedAction::replace:
      return "replace";
    case PlannedAction::destroy:
      return "destroy";
    case PlannedAction::forget:
      return "forget";
  }
  return "?";
}

bool has_mark(const json::value& mask) {
  if (mask.is_bool()) return mask.get_bool();
  if (mask.is_array())
    return std::any_of(mask.get_array().begin(), mask.get_array().end(), has_mark);
  if (!mask.is_object()) return false;
  return std::any_of(mask.get_object().begin(), mask.get_object().end(),
                     [](const auto& member) { return has_mark(member.value()); });
}

PlanSummary summarise_plan(const json::object& plan) {
  PlanSummary summary;
  if (const auto* changes = plan.if_contains("resource_changes"); changes && changes->is_array())
    for (const auto& each : changes->get_array()) {
      if (!each.is_object() || string_or(each.get_object(), "mode") == "data") continue;
      const json::object& resource = each.get_object();
      const auto action = action_of(resource);
      if (!action) continue;
      PlannedChange change{
          string_or(resource, "address"), string_or(resource, "type"), *action, {}, ""};
      if (*action == PlannedAction::update) change.attributes = differing_attributes(resource);
      if (*action == PlannedAction::replace || *action == PlannedAction::destroy)
        change.because = reason_of(resource);
      summary.changes.push_back(std::move(change));
    }
  if (const auto* drift = plan.if_contains("resource_drift"); drift && drift->is_array())
    for (const auto& each : drift->get_array())
      if (each.is_object()) summary.drifted.push_back(string_or(each.get_object(), "address"));
  for (const auto& [name, output] : part_of(plan, "output_changes"))
    if (output.is_object()) {
      const auto actions = words_at(output.get_object(), "actions");
      if (actions.count("no-op") == 0 && !actions.empty()) summary.outputs.emplace_back(name);
    }
  return summary;
}

std::vector<std::string> summary_lines(const PlanSummary& summary) {
  std::vector<std::string> lines = {heading_of(summary)};
  for (const auto& change : summary.changes) {
    if (lines.size() > kMaxLines) {
      lines.push_back(fmt::format("  and {} more", summary.changes.size() - kMaxLines));
      break;
    }
    lines.push_back(line_of(change));
  }
  if (!summary.outputs.empty())
    lines.push_back("  outputs that change: " + joined_names(summary.outputs));
  if (!summary.drifted.empty())
    lines.push_back("  changed outside of Terraform: " + joined_names(summary.drifted));
  return lines;
}

json::array to_json(const std::vector<PlannedChange>& changes, size_t most) {
  json::array array;
  for (const auto& change : changes) {
    if (array.size() == most) break;
    json::object one{{"address", change.address}, {"action", to_string(change.action)}};
    json::array attributes;
    for (const auto& name : change.attributes) attributes.push_back(json::string(name));
    if (!attributes.empty()) one["attributes"] = std::move(attributes);
    if (!change.because.empty()) one["because"] = change.because;
    array.push_back(std::move(one));
  }
  return array;
}

}  // namespace pawl
