// Which program builds: the one that the config names, else the first that is here and can do what
// is asked. Always with the reason, since two machines may choose differently.
#pragma once

#include <string>

#include "builder/commands.h"

namespace pawl {

struct BuilderChoice {
  BuildTool tool = BuildTool::buildah;
  std::string version;  // as it says it: "buildah version 1.28.2 (image-spec 1.0.2, ...)"
  std::string reason;   // "the first that is here of ..."
};

/// Errors: not_found (what to install), failed (docker without a daemon), config (the builder that
/// is named cannot do what is asked).
Task<Result<BuilderChoice>> choose_builder(Processes& processes, BuildSettings settings);

/// The last line that tells what went wrong ("Error: ..."), else the last one.
std::string telling_line(const Exited& exited);

}  // namespace pawl
