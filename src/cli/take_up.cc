#include "cli/take_up.h"

#include <fmt/format.h>

#include "base/secret.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/trigger_options.h"
#include "cli/view.h"
#include "engine/take_up.h"
#include "store/process_owner.h"

namespace pawl {
namespace {

constexpr std::chrono::milliseconds kOpenAgainAfter{2'000};

// Several deployments at a time: each line says of which one it speaks. Steps are in `pawl show`.
class TakeUpLines : public RunObserver, public TakeUpObserver {
 public:
  TakeUpLines(Clock& clock, const Globals& globals)
      : clock_(clock), is_silent_(globals.json || globals.quiet) {}

  void on_event(const Deployment& deployment, const Event& event) override {
    switch (event.type) {
      case EventType::resumed:
        return say(deployment, "resumed");
      case EventType::step_failed:
        return say(deployment,
                   fmt::format("{} failed: {}", event.step, string_or(event.data, "error")));
      case EventType::rollback_started:
        return say(deployment, "rolling back: " + string_or(event.data, "reason"));
      case EventType::finished:
        return say(deployment,
                   fmt::format("{}: {}", to_string(deployment.phase), deployment.reason));
      default:
        return;
    }
  }
  void on_taking_up(const Deployment& deployment, std::string_view why) override {
    say(deployment, fmt::format("is in line, and {}", why));
  }
  void on_freed(const Lease& lease) override {
    line(lease.deployment, lease.environment,
         fmt::format("{} is gone; the environment is free", owner_for_people(lease.owner)));
  }
  void on_claimed(const Lease& lease) override {
    line(lease.deployment, lease.environment, "taking it up");
  }
  void on_left(const Lease& lease, const Error& error) override {
    line(lease.deployment, lease.environment, "cannot be taken up here: " + error.message());
    if (!error.hint().empty()) line("", "", error.hint());
  }
  void on_silence(const std::optional<Error>& error) override {
    line("", "",
         error ? "the store does not answer: " + error->message() : "the store answers again");
  }

 private:
  void say(const Deployment& deployment, const std::string& words) {
    line(deployment.id, deployment.environment, words);
  }
  void line(const std::string& id, const std::string& environment, const std::string& words) {
    if (is_silent_) return;
    fmt::print("{} {:<12} {:<9} {}\n", to_iso8601(clock_.now()).substr(11, 8), id, environment,
               printable(redact(words)));
    std::fflush(stdout);
  }

  Clock& clock_;
  bool is_silent_;
};

// A session and a runner for each environment, made when it is first needed.
class Node {
 public:
  Node(Loop& loop, const Globals& globals, const LoadedConfig& config, std::shared_ptr<Store> store,
       std::string owner, RunObserver& observer)
      : loop_(loop),
        globals_(globals),
        config_(config),
        store_(std::move(store)),
        owner_(std::move(owner)),
        observer_(observer) {}

  Task<Result<Deployment>> run(Lease lease) {
    PAWL_CO_TRY(Runner * runner, runner_of(lease.environment));
    auto never_begun = []() -> Task<Result<Plan>> {
      co_return Error(ErrorKind::refused, "it was interrupted before it began");
    };
    co_return co_await runner->run(lease.deployment, never_begun);
  }

 private:
  struct Place {
    std::unique_ptr<Session> session;
    std::unique_ptr<Runner> runner;
  };

  Result<Runner*> runner_of(const std::string& name) {
    const auto known = places_.find(name);
    if (known != places_.end()) return known->second.runner.get();
    PAWL_TRY(const EnvironmentConfig* environment, config_.config.environment(name));
    Place place;
    PAWL_TRY(place.session, open_session(loop_, globals_, config_, *environment, store_));
    RunnerOptions options = place.session->runner_options();
    options.owner = owner_;
    place.runner =
        std::make_unique<Runner>(place.session->runner_ports(), std::move(options), observer_);
    return places_.emplace(name, std::move(place)).first->second.runner.get();
  }

  Loop& loop_;
  const Globals& globals_;
  const LoadedConfig& config_;
  std::shared_ptr<Store> store_;
  std::string owner_;
  RunObserver& observer_;
  std::map<std::string, Place> places_;
};

int say_totals(const TakeUpTotals& totals, const Globals& globals) {
  const bool is_all = totals.left == 0;
  if (globals.json) {
    fmt::print("{}", pretty(json::object{{"taken_up", totals.taken_up},
                                         {"ended_in_line", totals.ended_in_line},
                                         {"left", totals.left}}));
  } else if (totals.taken_up + totals.ended_in_line + totals.left == 0) {
    fmt::print("nothing to take up\n");
  } else {
    fmt::print("{} taken to an end, {} ended in line, {} left\n", totals.taken_up,
               totals.ended_in_line, totals.left);
  }
  return is_all ? kDone : kFailed;
}

}  // namespace

int take_up_all(const Globals& globals, const TakeUpRequest& request) {
  if (request.at_once < 1)
    return report(Error(ErrorKind::usage, "--at-once must be at least 1"), globals);
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  Loop loop;
  std::stop_source stop;
  loop.stop_on_signals(stop);
  auto opened = open_store(loop, globals, *config);
  while (!opened.ok() && request.follow && is_transient(opened.error().kind())) {
    if (!globals.json && !globals.quiet)
      fmt::print("waiting for the store: {}\n", redact(opened.error().message()));
    std::fflush(stdout);
    auto slept = loop.run(loop.clock().sleep_for(kOpenAgainAfter), stop.get_token());
    if (!slept.ok()) return report(slept.error(), globals);
    opened = open_store(loop, globals, *config);
  }
  if (!opened.ok()) return report(opened.error(), globals);
  const std::shared_ptr<Store> store = *std::move(opened);
  const auto processes = make_process_table(actor_of(globals.environment));

  TakeUpLines lines(loop.clock(), globals);
  TakeUpOptions options;
  options.app = config->config.app;
  options.owner = processes->describe_this_process();
  options.at_once = static_cast<size_t>(request.at_once);
  options.follow = request.follow;
  Node node(loop, globals, *config, store, options.owner, lines);
  TakeUpAll all({*store, loop.clock(), *processes, lines, lines}, options,
                [&node](Lease lease) { return node.run(std::move(lease)); });
  auto totals = loop.run(all.run(), stop.get_token());
  if (!totals.ok()) return report(totals.error(), globals);
  return say_totals(*totals, globals);
}

}  // namespace pawl
