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
#include "engine/ports/functions.h"
#include "engine/ports/image_registry.h"
#include "sim/cloud/cloud.h"
#include "sim/memory_store.h"
#include "sim/virtual_clock.h"
#include "sim/world/chance.h"
#include "sim/world/faults.h"
#include "sim/world/hook_data.h"
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
  std::map<std::string, Release> releases;              // by digest
  std::map<std::string, std::string> source;            // version -> digest, in the source registry
  std::map<std::string, std::set<std::string>> tagged;  // version -> all that its tag ever named
  std::map<std::string, std::string> work_tree;  // path -> content: the assets of each release
  std::map<std::string, std::string> etags;      // of each of those
  std::map<std::string, HookData> hooks;         // by environment
  std::vector<DeploymentReport> told;            // what people were told, in order
  std::set<std::string> gone;                    // owners whose process is known to have gone
  std::vector<std::string> story;
  std::vector<std::string> commits;  // of the main branch, oldest first
  Invariants invariants;
  /// How often one in line looks.
  std::chrono::milliseconds poll{500};
  /// Called before a change of a resource arrives: somebody may be faster.
  std::function<void(const std::string& resource)> on_arrival;

  /// Makes a release that can be deployed; gives its version.
  std::string make_release(bool is_healthy) { return make_release("", is_healthy); }
  /// The next commit of the main branch, with its image; gives its id.
  std::string make_commit(bool is_healthy);
  /// Its place on the main branch, from 1; 0: none of it.
  size_t place_of(std::string_view commit) const;
  /// The environment that CI deploys to.
  static constexpr const char* kTrunk = "trunk";
  /// Its tag names another image from here on.
  void move_tag(const std::string& version);
  /// The environment as Terraform leaves it: a function with a placeholder, a bucket, a repository.
  void make_environment(const std::string& name);
  const EnvironmentConfig& environment(const std::string& name) const;
  LiveView look(const std::string& environment);

  /// From here on nothing goes wrong; `faults` still says what could have before.
  void be_silent() { faults.quiet(); }

  // ---- reads that are stale for a while ----
  static constexpr std::chrono::milliseconds kSettles{2'000};
  void note_change(const std::string& resource, bool changed);
  /// Whether this read of the resource is to tell of the time before its last change.
  bool is_stale(const std::string& resource);
  template <class T>
  using LastRead = std::map<std::string, T>;
  LastRead<FunctionState> functions_read;
  LastRead<std::optional<AliasState>> aliases_read;
  LastRead<std::string> versions_served;

  template <class... Parts>
  void tell(const std::string& who, fmt::format_string<Parts...> text, Parts&&... parts) {
    if (!tells_) return;
    write(who, fmt::format(text, std::forward<Parts>(parts)...));
  }
  bool tells() const { return tells_; }

  static constexpr const char* kApp = "meals";
  static constexpr const char* kAlias = "live";
  /// What must never leave a process, and how it looks in base64 and in an address.
  static constexpr const char* kSecret = "ghp_Zm9v+bar/Qux?1234567890";
  std::string secret_in_base64, secret_in_url;

 private:
  void write(const std::string& who, const std::string& what);
  std::string make_release(std::string version, bool is_healthy);

  bool tells_;
  int releases_made_ = 0;
  std::map<std::string, SteadyTime> changed_at_;
};

}  // namespace pawl::sim
