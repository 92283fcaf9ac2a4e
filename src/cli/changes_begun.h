// Watches a run for its first change, on the way to the view: whether an Error that ends the run
// left the environment as it was.
#pragma once

#include "cli/command.h"
#include "engine/runner.h"

namespace pawl {

class ChangesBegun : public RunObserver {
 public:
  ChangesBegun(RunObserver& view, Effect before) : view_(view), effect_(before) {}

  /// none: no step was begun, and no other deployment was taken up.
  Effect effect() const { return effect_; }

  void on_event(const Deployment& deployment, const Event& event) override {
    if (event.type == EventType::step_started || event.type == EventType::undo_started)
      effect_ = Effect::possible;
    view_.on_event(deployment, event);
  }
  void on_taking_up(const Deployment& deployment, std::string_view why) override {
    effect_ = Effect::possible;
    view_.on_taking_up(deployment, why);
  }
  void on_log(const std::string& step, std::string_view line) override { view_.on_log(step, line); }
  void on_progress(const std::string& step, uint64_t done, uint64_t total,
                   std::string_view unit) override {
    view_.on_progress(step, done, total, unit);
  }

 private:
  RunObserver& view_;
  Effect effect_;
};

}  // namespace pawl
