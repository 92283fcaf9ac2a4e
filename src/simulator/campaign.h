// A campaign of simulations: the sweep, or a number of seeds; what failed, how to replay it, what
// was seen and how fast it went.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/world/simulation.h"

namespace pawl::sim {

inline constexpr const char* kUsage =
    "usage: pawl-sim [--seeds N | --deployments N | --for SECONDS] [--from S|time]\n"
    "                [--faults all|none|crash,answer-lost,...] [--most-broken N] [--trace]\n"
    "       pawl-sim --sweep [--scenario NAME] [--crash K[,K...] | --every N] [--plain] "
    "[--unseen]\n"
    "                [--trace]\n";

struct CampaignOptions {
  uint64_t seeds = 1'000;
  uint64_t deployments = 0;       // goes on until there were so many, instead of so many seeds
  std::chrono::seconds limit{0};  // goes on for so long
  uint64_t from = 1;
  uint64_t most_broken = 3;  // then it has seen enough
  Faults faults = Faults::all();
  std::string faults_text = "all";
  bool sweep = false;
  std::optional<Scenario> scenario;
  std::vector<size_t> crashes;  // replays just this one
  size_t every = 1;             // sweep: a crash at every such call
  bool is_plain = false;        // the environment without an alias
  bool is_unseen = false;       // nobody sees that the process is gone: its lease must run out
  bool trace = false;
  bool must_see_all = false;  // fails when a state was never reached
};

Result<CampaignOptions> parse_options(std::vector<std::string> arguments);
/// 0: all held; 1: something was broken, and was said.
int run_campaign(const CampaignOptions& options);

}  // namespace pawl::sim
