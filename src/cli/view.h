// What a person sees while a deployment runs: on a terminal a block of steps that is redrawn (what
// runs, how long, attempt and next wait), in a pipe plain lines with the time of day.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/terminal.h"
#include "engine/runner.h"

namespace pawl {

class DeploymentView : public RunObserver {
 public:
  /// Called every now and then while the deployment runs: the block's clocks move.
  virtual void tick() = 0;
  /// The last word: outcome, URL, what to do next.
  virtual void finish(const Deployment& deployment) = 0;
};

enum class ViewKind { live, plain, silent };

std::unique_ptr<DeploymentView> make_view(ViewKind kind, Terminal terminal, const Clock& clock);

/// The closing lines, the same in every view.
std::string describe_outcome(const Deployment& deployment, const Terminal& terminal);

/// One step's line without colour: "ok    copy the image to ...          1.2 s". For the view and
/// for `pawl show`. The title takes `title_columns`, cut or filled.
constexpr size_t kTitleColumns = 58;
std::string describe_step(const Deployment& deployment, const StepState& state, WallTime now,
                          size_t title_columns = kTitleColumns);

/// "127.0 of 200.0 MiB"
std::string format_bytes(uint64_t bytes);

}  // namespace pawl
