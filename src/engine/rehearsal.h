// A rehearsal of a plan: what each step would do, with what it found. Reads only. What it asks is
// what the steps themselves ask; a step that would change something is refused by the context that
// it is given, so that no mistake here can change anything.
#pragma once

#include <string>
#include <vector>

#include "core/plan.h"
#include "engine/steps.h"

namespace pawl {

struct StepFinding {
  std::string step;                // id in the plan
  std::vector<std::string> lines;  // for people: "live: ...@sha256:..., version 6"
  std::string error;               // why it could not be told; empty: it could
  std::string hint;
};

struct RehearsalOptions {
  std::string app;
  bool plans_infrastructure = true;  // terraform init and plan, without the state's lock
};

/// One for each step that has something to say, in the plan's order. What cannot be read is said
/// there, and stops nothing: the deployment itself may be allowed more.
Task<std::vector<StepFinding>> rehearse(StepPorts ports, StepLibrary& library, Plan plan,
                                        RehearsalOptions options);

json::array to_json(const std::vector<StepFinding>& findings);

}  // namespace pawl
