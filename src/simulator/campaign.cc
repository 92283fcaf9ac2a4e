#include "simulator/campaign.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

#include "sim/world/invariant_names.h"
#include "simulator/memory.h"

namespace pawl::sim {
namespace {

constexpr uint64_t kRunTwiceEvery = 100;
// More than are tried in a second: campaigns that begin at the time do not repeat each other.
constexpr uint64_t kSeedsASecond = 10'000;

// What this process had of a processor, however busy the machine is.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

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
  std::fflush(stdout);
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
    for (size_t at = 1; at <= calls && totals.broken == 0; at += options.every) {
      one.crashes = {at};
      sweep_one(one, totals, false);
    }
    const std::string each = options.every == 1 ? "each" : fmt::format("one in {}", options.every);
    fmt::print("{}: {} calls, a crash at {}\n", kScenarioNames[i], calls, each);
    if (totals.broken >= options.most_broken) return;
  }
}

// ---- the swarm ----

// By time, by deployments or by seeds, whichever was asked for.
class Measure {
 public:
  explicit Measure(const CampaignOptions& options) : options_(options) {}
  bool is_full(const Totals& totals) const {
    if (options_.limit.count() > 0)
      return std::chrono::steady_clock::now() - begun_ >= options_.limit;
    if (options_.deployments > 0) return totals.deployments >= options_.deployments;
    return totals.runs >= options_.seeds;
  }

 private:
  const CampaignOptions& options_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

RunResult run_in_memory_of_its_own(uint64_t seed, const CampaignOptions& options) {
  const RunMemory memory;
  return run_seed(seed, options.faults, options.trace);
}

void swarm(const CampaignOptions& options, Totals& totals) {
  const Measure measure(options);
  for (uint64_t seed = options.from; !measure.is_full(totals); ++seed) {
    auto result = run_in_memory_of_its_own(seed, options);
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
    if (totals.broken >= options.most_broken) return;
  }
}

bool say_seen(const Totals& totals, bool must_see_all) {
  for (const auto& [what, count] : totals.seen.counts())
    fmt::print("SEEN {:>8}  {}\n", count, what);
  bool is_all = true;
  for (const char* what : kMustBeSeen)
    if (totals.seen.of(what) == 0) {
      is_all = false;
      if (must_see_all) fmt::print("NEVER SEEN  {}\n", what);
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
      } else if (name == "--deployments") {
        PAWL_TRY(options.deployments, number(value));
      } else if (name == "--for") {
        PAWL_TRY(const auto seconds, number(value));
        options.limit = std::chrono::seconds(seconds);
      } else if (name == "--every") {
        PAWL_TRY(const auto every, number(value));
        options.every = std::max<size_t>(every, 1);
      } else if (name == "--most-broken") {
        PAWL_TRY(options.most_broken, number(value));
      } else if (name == "--from" && value == "time") {
        options.from = static_cast<uint64_t>(std::time(nullptr)) * kSeedsASecond;
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
  const double cpu_before = cpu_seconds();
  Totals totals;
  if (options.sweep)
    sweep(options, totals);
  else
    swarm(options, totals);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const double cpu = cpu_seconds() - cpu_before;
  const bool saw = say_seen(totals, options.must_see_all);
  if (!options.sweep) fmt::print("seeds from {}; ", options.from);
  const auto a_minute = [&](double seconds) {
    return 60.0 * static_cast<double>(totals.deployments) / seconds;
  };
  fmt::print("{} runs, {} deployments, {} broken\n", totals.runs, totals.deployments,
             totals.broken);
  fmt::print(
      "{:.1f} s, {:.1f} s of processor; simulated deployments: {:.0f} a minute, {:.0f} a "
      "minute of processor\n",
      took.count(), cpu, a_minute(took.count()), a_minute(cpu));
  return totals.broken == 0 && saw ? 0 : 1;
}

}  // namespace pawl::sim
