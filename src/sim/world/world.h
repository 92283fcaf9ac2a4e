// One simulated world: what survives a crash. The cloud, the record (the store's synced bytes) and
// the releases that there are; time and chance; requests on their way. Nodes come and go in it.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/config.h"
#include "engine/ports/forge.h"
#include "engine/ports/image_registry.h"
#include "sim/cloud/cloud.h"
#include "sim/memory_store.h"
#include "sim/virtual_clock.h"
#include "sim/world/chance.h"
#include "sim/world/faults.h"
#include "sim/world/invariants.h"
#include "sim/world/seen.h"

namespace pawl::sim {

/// A release as its makers know it, whatever the engine believes.
struct Release {
  std::string version;
  std::string digest;
  bool is_healthy = true;
};

struct WorldOptions {
  uint64_t seed = 1;
  Faults faults;
  bool tells = false;  // writes the story
};

class World {
 public:
  explicit World(WorldOptions options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  VirtualClock clock;
  Chance chance;
  Faults faults;
  Seen seen;
  MemoryStore store;
  cloud::MemoryBlobStore blobs;
  cloud::Cloud cloud;
  Config config;
  std::map<std::string, Release> releases;       // by digest
  std::map<std::string, std::string> source;     // version -> digest, in the source registry
  std::map<std::string, std::string> work_tree;  // path -> content: the assets of each release
  std::vector<DeploymentReport> told;            // what people were told, in order
  std::set<std::string> gone;                    // owners whose process is known to have gone
  std::vector<std::string> story;
  Invariants invariants;

  /// Makes a release that can be deployed; gives its version.
  std::string make_release(bool is_healthy);
  /// The environment as Terraform leaves it: a function with a placeholder, a bucket, a repository.
  void make_environment(const std::string& name);
  const EnvironmentConfig& environment(const std::string& name) const;
  LiveView look(const std::string& environment);

  /// From here on nothing goes wrong; `faults` still says what could have before.
  void be_silent() { faults.quiet(); }

  /// A request that arrives whatever becomes of its sender.
  void carry(Task<void> request) { on_the_way_.spawn(std::move(request)); }

  template <class... Parts>
  void tell(const std::string& who, fmt::format_string<Parts...> text, Parts&&... parts) {
    if (!tells_) return;
    write(who, fmt::format(text, std::forward<Parts>(parts)...));
  }
  bool tells() const { return tells_; }

  static constexpr const char* kApp = "meals";
  static constexpr const char* kAlias = "live";

 private:
  void write(const std::string& who, const std::string& what);

  bool tells_;
  int releases_made_ = 0;
  TaskContext no_stop_;
  Scope on_the_way_{&no_stop_};
};

}  // namespace pawl::sim
