// pawl copy: an image from one registry to another, digest, index and attachments kept.
#pragma once

#include <string>

#include "cli/copy_view.h"
#include "cli/globals.h"
#include "core/image_reference.h"
#include "net/loop.h"
#include "oci/registries.h"

namespace pawl {

struct CopyArguments {
  std::string source;
  std::string target;
  std::string platform;  // empty: all of them
  bool all_platforms = false;
  bool plain_http = false;
  bool no_referrers = false;
  int jobs = 6;
};

struct CopyOutcome {
  ImageReference source;
  ImageReference target;
  oci::CopyReport report;
  std::chrono::milliseconds duration{0};
};

/// The target's tag: its own, else the source's. Kind usage when the arguments make no sense.
struct CopyPlan {
  ImageReference source;
  ImageReference target;
  oci::CopyRequest request;
  oci::CopyOptions options;
};
Result<CopyPlan> plan_copy(const CopyArguments& arguments);

/// `registries` and `view` must outlive the task.
Task<Result<CopyOutcome>> run_copy(CopyPlan plan, oci::Registries& registries, Clock& clock,
                                   CopyView& view);

/// The whole command: connections from the environment, Ctrl-C, the view that fits the terminal.
Result<CopyOutcome> copy_between_registries(const CopyArguments& arguments, const Globals& globals);

/// "copied 200.0 MiB in 0.6 s (333.3 MiB/s), 9 layers; 127.0.0.1:5002/a:v1 is sha256:..."
std::string describe_copy(const CopyOutcome& outcome);

}  // namespace pawl
