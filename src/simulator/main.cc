// pawl-sim: runs the engine in simulated worlds and checks the invariants after every step.
//
//   pawl-sim --seeds 1000 --from 1 --faults all     the swarm
//   pawl-sim --sweep                                 a crash at each call of each scenario
//   pawl-sim --seeds 1 --from 42 --trace             replays one seed and tells its story
#include <fmt/format.h>

#include "simulator/campaign.h"

int main(int argc, char** argv) {
  auto options = pawl::sim::parse_options({argv + 1, argv + argc});
  if (!options.ok()) {
    fmt::print(stderr, "pawl-sim: {}\n{}\n{}", options.error().message(), options.error().hint(),
               pawl::sim::kUsage);
    return 2;
  }
  return pawl::sim::run_campaign(*options);
}
