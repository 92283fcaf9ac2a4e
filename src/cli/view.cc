#include "cli/view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "base/secret.h"
#include "core/hooks.h"

namespace pawl {
namespace {

std::string time_of_day(WallTime time) {
  const auto seconds = static_cast<std::time_t>(time.unix_ms / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string_view mark(StepStatus status) {
  switch (status) {
    case StepStatus::pending:
      return "·";
    case StepStatus::running:
      return "▸";
    case StepStatus::succeeded:
      return "✓";
    case StepStatus::failed:
      return "✗";
    case StepStatus::skipped:
      return "-";
    case StepStatus::undoing:
      return "◂";
    case StepStatus::undone:
      return "↺";
    case StepStatus::undo_failed:
      return "!";
  }
  return "?";
}

std::string title_of(const Deployment& deployment, const std::string& id) {
  const PlanStep* step = deployment.plan ? deployment.plan->step(id) : nullptr;
  return step != nullptr ? step->title : id;
}

std::string heading(const Deployment& deployment) {
  const bool back = deployment.kind == DeploymentKind::rollback;
  return fmt::format("{} {} {} {}{}", deployment.app, back ? "back to" : "->",
                     back ? deployment.release.version : deployment.environment,
                     back ? "in " + deployment.environment : deployment.release.version,
                     deployment.release.sha.empty()
                         ? ""
                         : fmt::format(" ({})", short_sha(deployment.release.sha)));
}

struct Progress {
  uint64_t done = 0;
  uint64_t total = 0;
  std::string unit;
  std::string text() const {
    if (total == 0) return "";
    if (unit == "bytes") return fmt::format("{} of {}", format_bytes(done), format_bytes(total));
    return fmt::format("{} of {} {}", done, total, unit);
  }
};

std::string attempt_text(const StepState& state) {
  if (state.try_number == 0) return "";
  // What the line may be cut of on a narrow terminal comes last.
  std::string text = fmt::format("{} of {}", state.try_number, state.try_of);
  if (state.next_wait_ms > 0)
    text +=
        fmt::format(", next in {}", format_duration(std::chrono::milliseconds(state.next_wait_ms)));
  return text + ": " + state.try_result;
}

/// Plain lines for pipes and logs: one line for each thing that happened.
class PlainView : public DeploymentView {
 public:
  PlainView(Terminal terminal, const Clock& clock) : terminal_(terminal), clock_(clock) {}

  void on_event(const Deployment& deployment, const Event& event) override {
    const std::string text = words(deployment, event);
    if (!text.empty()) line(event.at, text);
  }
  void on_log(const std::string& step, std::string_view text) override {
    line(clock_.now(), fmt::format("{}: {}", step, printable(redact(text))));
  }
  void tick() override {}
  void finish(const Deployment& deployment) override {
    fmt::print("{}", describe_outcome(deployment, terminal_));
    std::fflush(stdout);
  }

 private:
  void line(WallTime at, const std::string& text) {
    fmt::print("{} {}\n", time_of_day(at), redact(text));
    std::fflush(stdout);
  }

  static std::string took(const Deployment& deployment, const std::string& id) {
    const StepState* state = deployment.step(id);
    if (state == nullptr || !state->started_at || !state->ended_at) return "";
    return " (" + format_duration(*state->ended_at - *state->started_at) + ")";
  }

  static std::string words(const Deployment& deployment, const Event& event) {
    const auto data = [&](std::string_view name) { return string_or(event.data, name); };
    const std::string title = event.step.empty() ? "" : title_of(deployment, event.step);
    switch (event.type) {
      case EventType::accepted:
        return fmt::format("deployment {} of {} in {} accepted", deployment.id, deployment.app,
                           deployment.environment);
      case EventType::validated:
        return "validate: " + data("reason");
      case EventType::planned:
        return deployment.plan ? fmt::format("plan: {} steps", deployment.plan->steps.size()) : "";
      case EventType::waiting:
        return "waiting: " + data("reason");
      case EventType::started:
        return "started: " + heading(deployment);
      case EventType::resumed:
        return "resumed: " + heading(deployment);
      case EventType::step_started:
        return event.step + ": " + title;
      // The step's own log says the same.
      case EventType::step_attempt:
        return "";
      case EventType::step_succeeded:
        return fmt::format("{}: {}{}", event.step,
                           bool_or(event.data, "observed") ? "done already" : "done",
                           took(deployment, event.step));
      case EventType::step_failed:
        return fmt::format("{}: FAILED{}: {}", event.step, took(deployment, event.step),
                           data("error"));
      case EventType::step_skipped:
        return event.step + ": skipped: " + data("reason");
      case EventType::rollback_started:
        return "rolling back: " + data("reason");
      case EventType::undo_started:
        return event.step + ": undoing";
      case EventType::undo_succeeded:
        return event.step + ": undone";
      case EventType::undo_failed:
        return fmt::format("{}: could not be undone: {}", event.step, data("error"));
      case EventType::rollback_verified:
        return "rollback: " + data("reason");
      case EventType::cancel_requested:
        return "cancel requested by " + data("by");
      case EventType::interrupted:
        return "interrupted: " + data("reason");
      case EventType::notified:
        if (data("what") == "problem") return "not told: " + data("problem");
        return "told: " + data("what") + " " + data("reference");
      case EventType::finished:
        return "";
    }
    return "";
  }

  Terminal terminal_;
  const Clock& clock_;
};

/// A block of lines that is drawn over itself.
class LiveView : public DeploymentView {
 public:
  LiveView(Terminal terminal, const Clock& clock) : terminal_(terminal), clock_(clock) {}
  ~LiveView() override {
    if (drawn_lines_ > 0) fmt::print("\x1b[?25h");
    std::fflush(stdout);
  }

  void on_event(const Deployment& deployment, const Event& event) override {
    // Another deployment may be taken up before ours: its block stays, ours begins below.
    if (deployment.id != deployment_.id) drawn_lines_ = 0;
    deployment_ = deployment;
    if (event.type == EventType::waiting) note_ = string_or(event.data, "reason");
    if (event.type == EventType::started || event.type == EventType::resumed) note_.clear();
    if (event.type == EventType::cancel_requested)
      note_ = "cancel requested by " + string_or(event.data, "by");
    if (event.type == EventType::rollback_verified) note_ = string_or(event.data, "reason");
    draw();
  }
  void on_log(const std::string& step, std::string_view text) override {
    last_log_[step] = printable(redact(text));
  }
  void on_progress(const std::string& step, uint64_t done, uint64_t total,
                   std::string_view unit) override {
    progress_[step] = {done, total, std::string(unit)};
  }
  void tick() override { draw(); }
  void finish(const Deployment& deployment) override {
    deployment_ = deployment;
    note_.clear();
    draw();
    drawn_lines_ = 0;
    fmt::print("\x1b[?25h\n{}", describe_outcome(deployment, terminal_));
    std::fflush(stdout);
  }

 private:
  void draw() {
    if (deployment_.id.empty()) return;
    std::vector<std::string> lines;
    lines.push_back(terminal_.bold(fit(heading(deployment_), width())) + "  " +
                    terminal_.dim(deployment_.id));
    for (const StepState& state : deployment_.steps) lines.push_back(step_line(state));
    if (!note_.empty()) lines.push_back(terminal_.yellow(fit("  " + note_, width())));
    // More lines than the screen has cannot be drawn over: keep what moves.
    const auto room = static_cast<size_t>(std::max(terminal_.rows - 2, 4));
    if (lines.size() > room)
      lines.erase(lines.begin() + 1, lines.end() - static_cast<long>(room - 1));
    std::string frame = "\x1b[?25l";
    if (drawn_lines_ > 0) frame += fmt::format("\x1b[{}A", drawn_lines_);
    for (const auto& each : lines) frame += "\r\x1b[2K" + each + "\n";
    if (drawn_lines_ > lines.size()) frame += "\x1b[0J";
    drawn_lines_ = lines.size();
    std::fwrite(frame.data(), 1, frame.size(), stdout);
    std::fflush(stdout);
  }

  size_t width() const { return static_cast<size_t>(std::max(terminal_.columns - 16, 20)); }

  // A narrow terminal needs room for what happens more than for the whole of what is meant to.
  size_t title_columns() const {
    return std::clamp(static_cast<size_t>(std::max(terminal_.columns, 0)) / 2, size_t{24},
                      kTitleColumns);
  }

  std::string step_line(const StepState& state) const {
    std::string text = describe_step(deployment_, state, clock_.now(), title_columns());
    if (state.status == StepStatus::running && state.try_number == 0) text += detail(state.id);
    text = fit(text, static_cast<size_t>(std::max(terminal_.columns - 1, 20)));
    switch (state.status) {
      case StepStatus::succeeded:
        return terminal_.green(text);
      case StepStatus::failed:
      case StepStatus::undo_failed:
        return terminal_.red(text);
      case StepStatus::undoing:
      case StepStatus::undone:
        return terminal_.yellow(text);
      case StepStatus::pending:
      case StepStatus::skipped:
        return terminal_.dim(text);
      case StepStatus::running:
        return terminal_.bold(text);
    }
    return text;
  }

  std::string detail(const std::string& id) const {
    if (const auto found = progress_.find(id); found != progress_.end()) {
      const auto text = found->second.text();
      if (!text.empty()) return "  " + text;
    }
    if (const auto found = last_log_.find(id); found != last_log_.end())
      return "  " + found->second;
    return "";
  }

  Terminal terminal_;
  const Clock& clock_;
  Deployment deployment_;
  std::map<std::string, Progress> progress_;
  std::map<std::string, std::string> last_log_;
  std::string note_;
  size_t drawn_lines_ = 0;
};

class SilentView : public DeploymentView {
 public:
  void on_event(const Deployment&, const Event&) override {}
  void tick() override {}
  void finish(const Deployment&) override {}
};

// Past the point of no return a rollback would be refused.
std::string next_after_failure(const Deployment& deployment, const std::string& where) {
  if (deployment.plan && !past_the_point_of_no_return(*deployment.plan, deployment).empty())
    return fmt::format("  next: pawl status {0}, then deploy a release that mends it\n", where);
  return fmt::format("  next: pawl status {0}, then pawl rollback {0}\n", where);
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < uint64_t{1024} * 1024) return fmt::format("{:.1f} KiB", value / 1024);
  if (bytes < 1024ull * 1024 * 1024) return fmt::format("{:.1f} MiB", value / 1024 / 1024);
  return fmt::format("{:.2f} GiB", value / 1024 / 1024 / 1024);
}

std::string describe_step(const Deployment& deployment, const StepState& state, WallTime now,
                          size_t title_columns) {
  const std::string title = fit(title_of(deployment, state.id), title_columns);
  std::string text = fmt::format("  {} {:<{}}", mark(state.status), title, title_columns);
  if (state.started_at) {
    const WallTime end =
        state.ended_at.value_or(is_terminal(deployment.phase) ? *state.started_at : now);
    text += fmt::format(" {:>9}", format_duration(end - *state.started_at));
  }
  if (state.observed) text += "  (done already)";
  const auto tries = attempt_text(state);
  if (!tries.empty() && state.status == StepStatus::running) text += "  " + tries;
  if (!state.error.empty()) text += "  " + printable(state.error);
  if (!state.reason.empty()) text += "  " + printable(state.reason);
  return text;
}

std::string describe_outcome(const Deployment& deployment, const Terminal& terminal) {
  const std::string version = deployment.release.version;
  const std::string where = deployment.environment;
  std::string text;
  switch (deployment.phase) {
    case Phase::succeeded:
      text = terminal.green(fmt::format("{} {} is live in {}", deployment.app, version, where));
      break;
    case Phase::rolled_back:
      text = terminal.yellow(deployment.rollback_status == "nothing_to_undo"
                                 ? fmt::format("{} {} failed before anything was changed in {}",
                                               deployment.app, version, where)
                                 : fmt::format("{} {} failed; {} is back on what was live before",
                                               deployment.app, version, where));
      break;
    case Phase::failed:
      text = terminal.red(
          fmt::format("{} {} failed, and {} is not as it was", deployment.app, version, where));
      break;
    case Phase::cancelled:
      text = terminal.yellow(
          fmt::format("the deployment of {} {} to {} was cancelled{}", deployment.app, version,
                      where, deployment.rollback_status == "left" ? ", and left part-way" : ""));
      break;
    case Phase::refused:
      text = terminal.red(fmt::format("not deployed to {}", where));
      break;
    case Phase::superseded:
      text = terminal.yellow(fmt::format("not deployed to {}: superseded", where));
      break;
    case Phase::nothing_to_do:
      text = fmt::format("nothing to deploy to {}", where);
      break;
    default:
      text = terminal.yellow(fmt::format("deployment {} is not finished ({})", deployment.id,
                                         to_string(deployment.phase)));
  }
  text += "\n";
  if (!deployment.reason.empty() && deployment.phase != Phase::succeeded)
    text += "  why: " + printable(redact(deployment.reason)) + "\n";
  const bool is_good = deployment.phase == Phase::succeeded;
  if (!deployment.hint.empty() && !is_good)
    text += "  hint: " + printable(redact(deployment.hint)) + "\n";
  if (!deployment.rollback_reason.empty() && deployment.rollback_reason != deployment.reason)
    text += "  rollback: " + printable(redact(deployment.rollback_reason)) + "\n";
  const auto outputs = workflow_outputs(deployment);
  for (const auto& [label, key] :
       {std::pair<const char*, const char*>{"digest", "digest"}, {"url", "deployment_url"}}) {
    // After a failure the outputs are those of what is not live.
    const auto value = deployment.phase == Phase::succeeded ? string_or(outputs, key) : "";
    if (!value.empty()) text += fmt::format("  {}: {}\n", label, value);
  }
  if (deployment.started_at && deployment.finished_at)
    text += fmt::format("  took: {}\n",
                        format_duration(*deployment.finished_at - *deployment.started_at));
  if (deployment.phase == Phase::failed || deployment.phase == Phase::rolled_back)
    text += fmt::format("  look: pawl show {0}, pawl logs {0}\n", deployment.id);
  if (deployment.rollback_status == "left")
    text += fmt::format(
        "  next: pawl deploy {0} (it goes on from what it finds), or pawl rollback {0}\n", where);
  if (deployment.phase == Phase::failed) text += next_after_failure(deployment, where);
  return text;
}

std::unique_ptr<DeploymentView> make_view(ViewKind kind, Terminal terminal, const Clock& clock) {
  switch (kind) {
    case ViewKind::live:
      return std::make_unique<LiveView>(terminal, clock);
    case ViewKind::plain:
      return std::make_unique<PlainView>(terminal, clock);
    case ViewKind::silent:
      return std::make_unique<SilentView>();
  }
  return std::make_unique<SilentView>();
}

}  // namespace pawl
