// What a deployment would do to the static files, for `pawl plan`: found out by reading only.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/session.h"
#include "core/config.h"

namespace pawl {

struct StaticPlan {
  bool is_known = false;  // else `why_not` says why it cannot be told
  std::string why_not;
  StaticPreview preview;
};

/// No value when the environment has none. Never an Error: a bucket that Terraform has yet to make,
/// or files that CI has yet to build, are no reason not to show the rest.
Task<Result<std::optional<StaticPlan>>> preview_files(Session& session,
                                                      const EnvironmentConfig& environment);

json::object to_json(const StaticPlan& plan);
/// Lines for people, each with its end.
std::string in_words(const StaticPlan& plan);

}  // namespace pawl
