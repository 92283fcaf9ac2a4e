// The fold of a deployment's events: canned histories, the transition table, and random sequences.
#include "core/deployment.h"

#include <gtest/gtest.h>

#include <random>

namespace pawl {
namespace {

Plan small_plan() {
  Plan plan;
  plan.release = {"dev", "1.4.2", "1.4.2", "v1.4.2", std::string(40, 'a')};
  for (const auto* id : {"capture_live", "copy_image", "find_url", "check_health"}) {
    PlanStep step;
    step.id = step.kind = id;
    if (!plan.steps.empty()) step.needs = {plan.steps.back().id};
    plan.steps.push_back(step);
  }
  return plan;
}

// Writes a history as a journal would have it.
class History {
 public:
  History& add(EventType type, const std::string& step = "", json::object data = {}) {
    Event event;
    event.deployment = "d-1";
    event.sequence = events.size() + 1;
    event.at = {1'000 * static_cast<int64_t>(events.size())};
    event.fencing_token = token;
    event.type = type;
    event.step = step;
    event.data = std::move(data);
    events.push_back(std::move(event));
    return *this;
  }
  History& accepted() {
    json::object data{
        {"kind", "deploy"}, {"app", "meals"}, {"environment", "dev"}, {"actor", "ana"}};
    return add(EventType::accepted, "", std::move(data));
  }
  History& validated(const std::string& verdict) {
    json::object data = to_json(small_plan().release);
    data["verdict"] = verdict;
    data["reason"] = "because";
    return add(EventType::validated, "", std::move(data));
  }
  History& started() {
    token = 7;
    json::object data{{"owner", "ana@laptop pid 1"}};
    add(EventType::started, "", std::move(data));
    return add(EventType::planned, "", to_json(small_plan()));
  }
  History& step(const std::string& id, json::object outputs = {}) {
    add(EventType::step_started, id);
    json::object data{{"outputs", std::move(outputs)}};
    return add(EventType::step_succeeded, id, std::move(data));
  }
  History& finished(const std::string& outcome, const std::string& rollback = "") {
    json::object data{{"outcome", outcome}, {"reason", "the end"}, {"rollback_status", rollback}};
    return add(EventType::finished, "", std::move(data));
  }
  Deployment fold() const { return pawl::fold(events); }

  std::vector<Event> events;
  uint64_t token = 0;
};

History up_to_the_check() {
  History history;
  json::object digest{{"digest", "sha256:1"}};
  json::object url{{"url", "https://x"}};
  history.accepted().validated("deploy").started().step("capture_live");
  history.step("copy_image", digest).step("find_url", url);
  return history;
}

TEST(Fold, OfADeploymentThatSucceeds) {
  auto history = up_to_the_check();
  EXPECT_EQ(history.fold().phase, Phase::deploying);
  history.add(EventType::step_started, "check_health");
  EXPECT_EQ(history.fold().phase, Phase::verifying);
  json::object attempt{{"number", 2}, {"of", 15}, {"result", "HTTP 503"}, {"next_wait_ms", 2000}};
  history.add(EventType::step_attempt, "check_health", attempt);
  EXPECT_EQ(history.fold().step("check_health")->try_result, "HTTP 503");
  history.add(EventType::step_succeeded, "check_health").finished("succeeded");
  const Deployment done = history.fold();
  EXPECT_EQ(done.phase, Phase::succeeded);
  EXPECT_EQ(done.contradictions, 0);
  EXPECT_EQ(done.owner, "ana@laptop pid 1");
  EXPECT_EQ(done.fencing_token, 7u);
  EXPECT_EQ(done.last_sequence, history.events.size());
  EXPECT_EQ(exit_code(done), 0);
  const auto outputs = workflow_outputs(done);
  EXPECT_TRUE(bool_or(outputs, "should_deploy"));
  EXPECT_EQ(string_or(outputs, "environment"), "dev");
  EXPECT_EQ(string_or(outputs, "image_tag"), "1.4.2");
  EXPECT_EQ(string_or(outputs, "version"), "1.4.2");
  EXPECT_EQ(string_or(outputs, "tag"), "v1.4.2");
  EXPECT_EQ(string_or(outputs, "digest"), "sha256:1");
  EXPECT_EQ(string_or(outputs, "deployment_url"), "https://x");
  EXPECT_EQ(string_or(outputs, "deployment_status"), "succeeded");
  EXPECT_EQ(string_or(outputs, "rollback_status"), "");
}

TEST(Fold, OfADeploymentThatIsRolledBack) {
  auto history = up_to_the_check();
  history.add(EventType::step_started, "check_health");
  json::object error{{"error", "did not answer well"}, {"hint", "look at the log"}};
  history.add(EventType::step_failed, "check_health", error);
  json::object reason{{"reason", "check_health failed"}};
  history.add(EventType::rollback_started, "", reason);
  history.add(EventType::undo_started, "copy_image");
  EXPECT_EQ(history.fold().step("copy_image")->status, StepStatus::undoing);
  json::object restored{{"outputs", json::object{{"image_uri", "old"}}}};
  history.add(EventType::undo_succeeded, "copy_image", restored);
  // The look at what answers again is no step of the plan.
  history.add(EventType::step_attempt, "verify_rollback", json::object{{"number", 1}});
  json::object verified{{"ok", true}, {"reason", "1.4.1 answers again"}};
  history.add(EventType::rollback_verified, "", verified).finished("rolled_back", "succeeded");
  const Deployment done = history.fold();
  EXPECT_EQ(done.contradictions, 0);
  EXPECT_EQ(done.phase, Phase::rolled_back);
  EXPECT_EQ(done.rollback_status, "succeeded");
  EXPECT_EQ(done.rollback_reason, "1.4.1 answers again");
  EXPECT_EQ(done.hint, "look at the log");
  EXPECT_EQ(string_or(done.step("copy_image")->undo_outputs, "image_uri"), "old");
  EXPECT_EQ(exit_code(done), 3);
}

TEST(Fold, TakesAPlanThatWasReadAlreadyAsItTakesOneFromTheData) {
  History history;
  history.accepted().validated("ok").started();
  const Deployment read = history.fold();
  Event& planned = history.events.back();
  planned.plan = *plan_from_json(planned.data);
  planned.data = {};  // not looked at any more
  const Deployment handed = history.fold();
  EXPECT_EQ(to_json(*handed.plan), to_json(*read.plan));
  EXPECT_EQ(handed.steps.size(), read.steps.size());
  EXPECT_EQ(handed.contradictions, 0);
  EXPECT_NE(read.step("copy_image"), nullptr);
}

TEST(Fold, OfADecisionNotToDeploy) {
  for (const auto& [verdict, code] : std::vector<std::pair<std::string, int>>{
           {"nothing_to_do", 0}, {"refused", 4}, {"superseded", 4}}) {
    History history;
    history.accepted().validated(verdict).finished(verdict);
    const Deployment done = history.fold();
    EXPECT_EQ(to_string(done.phase), verdict);
    EXPECT_EQ(exit_code(done), code);
    EXPECT_FALSE(bool_or(workflow_outputs(done), "should_deploy", true));
    EXPECT_EQ(done.contradictions, 0);
  }
}

TEST(Fold, AStepThatACrashCutOffIsStartedAgain) {
  auto history = up_to_the_check();
  history.add(EventType::step_started, "check_health");
  history.token = 8;
  history.add(EventType::resumed, "", json::object{{"owner", "ben@server pid 2"}});
  history.add(EventType::step_started, "check_health")
      .add(EventType::step_succeeded, "check_health");
  const Deployment resumed = history.fold();
  EXPECT_EQ(resumed.contradictions, 0);
  EXPECT_EQ(resumed.step("check_health")->attempts, 2);
  EXPECT_EQ(resumed.owner, "ben@server pid 2");
  EXPECT_EQ(resumed.fencing_token, 8u);
}

TEST(Fold, AnInterruptedOneIsNotOverAndACancelIsRemembered) {
  auto history = up_to_the_check();
  history.add(EventType::cancel_requested, "", json::object{{"by", "ben"}});
  history.add(EventType::interrupted);
  const Deployment stopped = history.fold();
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_TRUE(stopped.cancel_requested);
  EXPECT_EQ(stopped.cancelled_by, "ben");
  EXPECT_EQ(exit_code(stopped), 5);
}

TEST(Fold, ACancelledOneIsThreeWhetherSomethingWasUndoneOrNothingBegun) {
  History in_line;
  in_line.accepted().validated("deploy").finished("cancelled", "nothing_to_undo");
  EXPECT_EQ(exit_code(in_line.fold()), 3);
  auto running = up_to_the_check();
  running.add(EventType::rollback_started).add(EventType::undo_started, "copy_image");
  running.add(EventType::undo_succeeded, "copy_image").finished("cancelled", "succeeded");
  EXPECT_EQ(exit_code(running.fold()), 3);
}

TEST(Fold, ACancelledOneThatIsLeftPartWayIsOneAndSaysSo) {
  auto history = up_to_the_check();
  history.add(EventType::step_started, "check_health");  // verifying
  history.add(EventType::step_succeeded, "check_health");
  history.add(EventType::cancel_requested, "", json::object{{"by", "ben"}, {"on_cancel", "leave"}});
  EXPECT_TRUE(history.fold().is_to_be_left());
  history.finished("cancelled", "left");
  const Deployment left = history.fold();
  EXPECT_EQ(left.contradictions, 0);
  EXPECT_EQ(left.phase, Phase::cancelled);
  EXPECT_EQ(left.rollback_status, "left");
  EXPECT_EQ(exit_code(left), 1);
  EXPECT_EQ(string_or(workflow_outputs(left), "rollback_status"), "left");
}

TEST(Fold, WhoCancelsMayChooseWhatIsLeftUntilItIsBeingUndone) {
  auto history = up_to_the_check();
  history.add(EventType::cancel_requested, "", json::object{{"by", "ben"}});
  EXPECT_EQ(history.fold().on_cancel(), OnCancel::undo);  // as planned
  history.add(EventType::cancel_requested, "", json::object{{"by", "eve"}, {"on_cancel", "leave"}});
  EXPECT_EQ(history.fold().on_cancel(), OnCancel::leave);
  history.add(EventType::cancel_requested, "", json::object{{"by", "eve"}, {"on_cancel", "undo"}});
  history.add(EventType::rollback_started);
  history.add(EventType::cancel_requested, "", json::object{{"by", "eve"}, {"on_cancel", "leave"}});
  const Deployment undone = history.fold();
  EXPECT_EQ(undone.on_cancel(), OnCancel::undo);
  EXPECT_EQ(undone.cancelled_by, "ben");
  EXPECT_EQ(undone.contradictions, 0);
}

TEST(Fold, TerminalIsFinalButPeopleMayStillBeTold) {
  auto history = up_to_the_check();
  history.finished("failed", "failed");
  const Deployment before = history.fold();
  history.add(EventType::step_started, "check_health").add(EventType::rollback_started);
  history.finished("succeeded");
  json::object told{{"what", "issue"}, {"reference", "https://issue/1"}};
  history.add(EventType::notified, "", told);
  const Deployment after = history.fold();
  EXPECT_EQ(after.phase, Phase::failed);
  EXPECT_EQ(after.contradictions, 3);
  EXPECT_EQ(after.notifications.size(), 1u);
  EXPECT_EQ(after.finished_at, before.finished_at);
}

TEST(Fold, EventsThatDoNotFitAreCountedAndChangeNothing) {
  struct Case {
    const char* what;
    void (*add)(History&);
  };
  for (const auto& [what, add] : std::vector<Case>{
           {"accepted twice", [](History& h) { h.accepted(); }},
           {"started twice", [](History& h) { h.add(EventType::started); }},
           {"planned twice",
            [](History& h) { h.add(EventType::planned, "", to_json(small_plan())); }},
           {"unknown step", [](History& h) { h.add(EventType::step_started, "make_coffee"); }},
           {"outcome without intent",
            [](History& h) { h.add(EventType::step_succeeded, "check_health"); }},
           {"undo before rollback",
            [](History& h) { h.add(EventType::undo_started, "copy_image"); }},
           {"undone without intent",
            [](History& h) { h.add(EventType::undo_succeeded, "copy_image"); }},
           {"unknown outcome", [](History& h) { h.finished("exploded"); }},
           {"outcome that is no end", [](History& h) { h.finished("deploying"); }},
           {"an old epoch",
            [](History& h) {
              h.token = 3;
              h.add(EventType::step_started, "check_health");
            }},
           {"another deployment's",
            [](History& h) {
              h.add(EventType::interrupted);
              h.events.back().deployment = "d-2";
            }},
       }) {
    auto history = up_to_the_check();
    const Deployment before = history.fold();
    add(history);
    const Deployment after = history.fold();
    EXPECT_EQ(after.contradictions, 1) << what;
    Deployment expected = before;
    expected.contradictions = 1;
    expected.last_sequence = after.last_sequence;
    EXPECT_EQ(json::value(to_json(after)), json::value(to_json(expected))) << what;
  }
}

TEST(Fold, AGapAndARepetitionAreContradictions) {
  auto history = up_to_the_check();
  Deployment deployment = history.fold();
  Event again = history.events.back();
  apply(deployment, again);
  EXPECT_EQ(deployment.contradictions, 1);
  again.sequence = deployment.last_sequence + 5;
  apply(deployment, again);
  EXPECT_EQ(deployment.contradictions, 2);
  EXPECT_EQ(deployment.last_sequence, again.sequence);
}

TEST(Transitions, TerminalPhasesLeadNowhereAndEveryPhaseIsReached) {
  const std::vector<Phase> all = {Phase::queued,       Phase::deploying,    Phase::verifying,
                                  Phase::rolling_back, Phase::succeeded,    Phase::rolled_back,
                                  Phase::failed,       Phase::cancelled,    Phase::refused,
                                  Phase::superseded,   Phase::nothing_to_do};
  for (const auto from : all) {
    EXPECT_EQ(phase_from(to_string(from)), from);
    bool leads_on = false;
    bool is_reached = from == Phase::queued;
    for (const auto other : all) {
      leads_on = leads_on || is_allowed_transition(from, other);
      is_reached = is_reached || is_allowed_transition(other, from);
      EXPECT_FALSE(from == other && is_allowed_transition(from, other));
    }
    EXPECT_EQ(leads_on, !is_terminal(from)) << to_string(from);
    EXPECT_TRUE(is_reached) << to_string(from);
  }
  EXPECT_EQ(phase_from("exploded"), std::nullopt);
  // Success is never reached from a rollback, and a verified phase never goes back to changing.
  EXPECT_FALSE(is_allowed_transition(Phase::rolling_back, Phase::succeeded));
  EXPECT_FALSE(is_allowed_transition(Phase::verifying, Phase::deploying));
  EXPECT_FALSE(is_allowed_transition(Phase::rolling_back, Phase::deploying));
}

json::object random_data(std::mt19937& random) {
  const std::vector<json::object> some = {
      {},
      {{"outcome", "succeeded"}},
      {{"outcome", "failed"}, {"rollback_status", "failed"}},
      {{"outcome", "rolled_back"}},
      {{"outcome", 3}},
      {{"outputs", json::object{{"digest", "x"}}}, {"observed", true}},
      {{"outputs", "no object"}, {"number", "no number"}},
      {{"ok", true}, {"reason", "r"}},
      {{"verdict", "deploy"}, {"version", "1.0"}, {"committed_at", "nonsense"}},
      to_json(small_plan()),
  };
  return some[random() % some.size()];
}

std::vector<Event> random_events(std::mt19937& random) {
  const std::vector<std::string> steps = {"", "copy_image", "check_health", "capture_live", "nope"};
  std::vector<Event> events = random() % 4 == 0 ? std::vector<Event>{} : up_to_the_check().events;
  if (!events.empty()) events.resize(random() % events.size() + 1);
  const size_t more = random() % 40;
  for (size_t i = 0; i < more; ++i) {
    Event event;
    event.deployment = random() % 50 == 0 ? "d-2" : "d-1";
    event.sequence = events.size() + 1;
    if (random() % 30 == 0) event.sequence = random() % 60;
    event.fencing_token = random() % 4 == 0 ? random() % 10 : 7;
    event.type = static_cast<EventType>(random() % (static_cast<int>(EventType::finished) + 1));
    event.step = steps[random() % steps.size()];
    event.data = random_data(random);
    events.push_back(std::move(event));
  }
  return events;
}

TEST(FoldProperty, IsTotalTerminalIsFinalAndEveryPhaseChangeIsARow) {
  std::mt19937 random(20'261'124);
  int ended = 0;
  for (int round = 0; round < 1500; ++round) {
    const auto events = random_events(random);
    Deployment deployment;
    for (const auto& event : events) {
      const Deployment before = deployment;
      apply(deployment, event);
      if (before.phase != deployment.phase) {
        ASSERT_TRUE(is_allowed_transition(before.phase, deployment.phase))
            << to_string(before.phase) << " -> " << to_string(deployment.phase);
      }
      ASSERT_GE(deployment.last_sequence, before.last_sequence);
      ASSERT_GE(deployment.fencing_token, before.fencing_token);
      ASSERT_TRUE(!is_terminal(before.phase) || deployment.phase == before.phase);
      ASSERT_TRUE(deployment.id.empty() || deployment.id == "d-1" || deployment.id == "d-2");
    }
    ended += is_terminal(deployment.phase) ? 1 : 0;
    (void)json::serialize(to_json(deployment));
    (void)exit_code(deployment);
    (void)rollback_target_of(deployment);
  }
  EXPECT_GT(ended, 60);  // else the sequences are too wild to show anything
}

TEST(FoldProperty, AFoldMayBeCutAnywhere) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const auto events = random_events(random);
    const size_t cut = events.empty() ? 0 : random() % events.size();
    Deployment deployment = fold({events.begin(), events.begin() + static_cast<int>(cut)});
    for (size_t i = cut; i < events.size(); ++i) apply(deployment, events[i]);
    ASSERT_EQ(json::value(to_json(deployment)), json::value(to_json(fold(events))));
  }
}

TEST(RollbackTargetOf, TakesWhatTheStepsRecorded) {
  Deployment deployment;
  deployment.id = "d-1";
  deployment.phase = Phase::succeeded;
  deployment.release.version = "1.4.2";
  EXPECT_FALSE(rollback_target_of(deployment).has_value());
  const auto record = [&](const std::string& id, json::object outputs) {
    StepState state;
    state.id = id;
    state.outputs = std::move(outputs);
    deployment.steps.push_back(state);
  };
  record("update_function", {{"image_uri", "r@sha256:1"}});
  record("publish_version", {{"function_version", "7"}});
  record("switch_static", {{"manifest_digest", "abc"}});
  const auto target = rollback_target_of(deployment);
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->image_uri, "r@sha256:1");
  EXPECT_EQ(target->function_version, "7");
  EXPECT_EQ(string_or(target->static_manifest, "digest"), "abc");
  EXPECT_EQ(target->release.version, "1.4.2");
  deployment.phase = Phase::rolled_back;
  EXPECT_FALSE(rollback_target_of(deployment).has_value());
}

}  // namespace
}  // namespace pawl
