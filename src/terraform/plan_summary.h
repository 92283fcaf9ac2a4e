// Reads a saved plan (`terraform show -json`) for people: which resources are added, changed,
// replaced and destroyed, and why. Names of attributes only, never their values.
// https://developer.hashicorp.com/terraform/internals/json-format#change-representation
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace pawl {

enum class PlannedAction { create, update, replace, destroy, forget };
/// "create", "update", "replace", "destroy", "forget" (taken out of the state, and left alone).
std::string_view to_string(PlannedAction action);

struct PlannedChange {
  std::string address;  // module.app.aws_lambda_function.app
  std::string type;     // aws_lambda_function
  PlannedAction action = PlannedAction::create;
  std::vector<std::string> attributes;  // that differ, of an update
  std::string because;                  // of a replacement or destruction, when Terraform says it
};

struct PlanSummary {
  std::vector<PlannedChange> changes;  // in Terraform's order, which is that of the addresses
  std::vector<std::string> drifted;    // addresses of what was changed outside of Terraform
  std::vector<std::string> outputs;    // names of those whose value changes
};

/// Whether a mask of a plan (after_unknown, before_sensitive, ...) says `true` anywhere: in nested
/// values `false` and empty containers stand for "no".
bool has_mark(const json::value& mask);

PlanSummary summarise_plan(const json::object& plan);

/// A heading with the counts, and a line for each resource ("-/+ replace aws_s3_bucket.files (its
/// bucket changes)"). Bounded.
std::vector<std::string> summary_lines(const PlanSummary& summary);

/// {address, action, attributes?, because?} of each, at most `most` of them: for the journal.
json::array to_json(const std::vector<PlannedChange>& changes, size_t most);

}  // namespace pawl
