// Names that Terraform gives: `{terraform.NAME}` in a text of pawl.yaml stands for an output of the
// state. They stay in the plan as they are written, and are filled in just before a step that names
// one is run: from what the apply of this deployment left, since only then are they known.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "core/config.h"
#include "core/plan.h"

namespace pawl {

bool names_output(std::string_view text);
/// The same of any text within.
bool names_output(const json::value& value);

/// What is wrong with the names in `text` ("names no output: ..."); empty when nothing is.
std::string flaw_in_output_names(std::string_view text);

/// `text` with each name replaced: texts, numbers and booleans; `{terraform.api.url}` is a member
/// of an object. not_found names the one that there is not (or that is sensitive: Pawl reads none).
Result<std::string> fill_outputs(std::string_view text, const json::object& outputs);
/// The same of every text within.
Result<json::object> fill_outputs(const json::object& params, const json::object& outputs);

/// The settings before Terraform has run: each name that the outputs know is filled in, and a text
/// with one that they do not is emptied ("not known yet").
EnvironmentConfig with_known_outputs(EnvironmentConfig environment, const json::object& outputs);
/// Whether any of its settings names an output.
bool names_output(const EnvironmentConfig& environment);

/// Steps that name an output come after the apply that says what it is.
void let_names_wait_for_terraform(Plan& plan);

}  // namespace pawl
