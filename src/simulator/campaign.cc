#include "simulator/campaign.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "sim/world/invariant_names.h"

namespace pawl::sim {
namespace {

constexpr uint64_t kRunTwiceEvery = 100;

Result<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    return Error(ErrorKind::usage, fmt::format("'{}' is no number", text));
  return value;
}

Result<std::vector<size_t>> numbers(std::string_view text) {
  std::vector<size_t> values;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    PAWL_TRY(const auto value, number(text.substr(0, end)));
    values.push_back(value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

Result<Scenario> scenario_of(std::string_view name) {
  for (size_t i = 0; i < kScenarioNames.size(); ++i)
    if (kScenarioNames[i] == name) return static_cast<Scenario>(i);
  return Error(ErrorKind::usage, fmt::format("there is no scenario '{}'", name))
      .with_hint(fmt::format("one of: {}", fmt::join(kScenarioNames, ", ")));
}

struct Totals {
  uint64_t runs = 0, deployments = 0, broken = 0;
  Seen seen;
  void add(const RunResult& result) {
    ++runs;
    deployments += result.deployments;
    seen.add(result.seen);
  }
};

void say_broken(const RunResult& told, const std::string& replay) {
  for (const auto& line : told.story) fmt::print("{}\n", line);
  for (const auto& one : told.violations) fmt::print("broken: {}: {}\n", one.invariant, one.what);
  fmt::print("replay: {}\n\n", replay);
}

// ---- the sweep ----

std::string replay_of(const SweepOptions& options) {
  return fmt::format("pawl-sim --sweep --scenario {} --crash {}{}{} --trace",
                     kScenarioNames[static_cast<size_t>(options.scenario)],
                     fmt::join(options.crashes, ","),
                     options.environment == "plain" ? " --plain" : "",
                     options.is_seen_to_be_gone ? "" : " --unseen");
}

size_t sweep_one(SweepOptions options, Totals& totals, bool trace) {
  options.tells = trace;
  auto result = run_scenario(options);
  totals.add(result);
  if (!result.violations.empty()) {
    ++totals.broken;
    options.tells = true;
    say_broken(run_scenario(options), replay_of(options));
  } else if (trace) {
    for (const auto& line : result.story) fmt::print("{}\n", line);
  }
  return result.calls;
}

void sweep(const CampaignOptions& options, Totals& totals) {
  for (size_t i = 0; i < kScenarioNames.size(); ++i) {
    SweepOptions one;
    one.scenario = static_cast<Scenario>(i);
    if (options.scenario && *options.scenario != one.scenario) continue;
    one.environment = options.is_plain ? "plain" : "dev";
    one.is_seen_to_be_gone = !options.is_unseen;
    one.crashes = options.crashes;
    const size_t calls = sweep_one(one, totals, options.trace);
    if (!options.crashes.empty()) continue;
    for (size_t at = 1; at <= calls && totals.broken == 0; ++at) {
      one.crashes = {at};
      sweep_one(one, totals, false);
    }
    fmt::print("{}: {} calls, a crash at each\n", kScenarioNames[i], calls);
  }
}

// ---- the swarm ----

void swarm(const CampaignOptions& options, Totals& totals) {
  for (uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    auto result = run_seed(seed, options.faults, options.trace);
    totals.add(result);
    const bool is_checked_twice = seed % kRunTwiceEvery == 0;
    if (is_checked_twice && run_seed(seed, options.faults, false).hash != result.hash)
      result.violations.push_back({invariant::kRepeats, "a second run took another course"});
    if (options.trace && result.violations.empty())
      for (const auto& line : result.story) fmt::print("{}\n", line);
    if (result.violations.empty()) continue;
    ++totals.broken;
    auto told = run_seed(seed, options.faults, true);
    told.violations = result.violations;
    say_broken(told, fmt::format("pawl-sim --seeds 1 --from {} --faults {} --trace", seed,
                                 options.faults_text));
    constexpr uint64_t kEnough = 3;
    if (totals.broken == kEnough) return;
  }
}

bool say_seen(const Totals& totals, bool must_see_all) {
  for (const auto& [what, count] : totals.seen.counts())
    fmt::print("SEEN {:>8}  {}\n", count, what);
  bool is_all = true;
  for (const char* what : kMustBeSeen)
    if (totals.seen.of(what) == 0) {
      is_all = false;
      fmt::print("NEVER SEEN  {}\n", what);
    }
  return is_all || !must_see_all;
}

}  // namespace

Result<CampaignOptions> parse_options(std::vector<std::string> arguments) {
  CampaignOptions options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--trace") {
      options.trace = true;
    } else if (name == "--sweep") {
      options.sweep = true;
    } else if (name == "--plain") {
      options.is_plain = true;
    } else if (name == "--unseen") {
      options.is_unseen = true;
    } else if (name == "--must-see-all") {
      options.must_see_all = true;
    } else if (i + 1 == arguments.size()) {
      return Error(ErrorKind::usage, fmt::format("'{}' is not known, or lacks its value", name));
    } else {
      const std::string& value = arguments[++i];
      if (name == "--seeds") {
        PAWL_TRY(options.seeds, number(value));
      } else if (name == "--from") {
        PAWL_TRY(options.from, number(value));
      } else if (name == "--faults") {
        PAWL_TRY(options.faults, Faults::parse(value));
        options.faults_text = value;
      } else if (name == "--scenario") {
        PAWL_TRY(options.scenario, scenario_of(value));
      } else if (name == "--crash") {
        PAWL_TRY(options.crashes, numbers(value));
      } else {
        return Error(ErrorKind::usage, fmt::format("'{}' is not known", name));
      }
    }
  }
  return options;
}

int run_campaign(const CampaignOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  Totals totals;
  if (options.sweep)
    sweep(options, totals);
  else
    swarm(options, totals);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const bool saw = say_seen(totals, options.must_see_all);
  fmt::print(
      "{} runs, {} deployments, {} broken; {:.1f} s, {:.0f} simulated deployments a minute\n",
      totals.runs, totals.deployments, totals.broken, took.count(),
      60.0 * static_cast<double>(totals.deployments) / took.count());
  return totals.broken == 0 && saw ? 0 : 1;
}

}  // namespace pawl::sim
