// What the functions that hooks call have made of the data behind each environment: a schema, a
// cache, a counter. The functions of the simulated application keep the contract of an idempotency
// key, but for `count`, which does its work at every call.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/clock.h"

namespace pawl::sim {

struct HookData {
  std::set<std::string> done;           // keys of calls that did their work, or were taken back
  std::set<std::string> readers;        // digests of code that can read the schema; empty: any
  std::string schema;                   // digest of the code that migrated last
  std::string warm;                     // key of the call that filled the cache; empty: it is cold
  std::map<std::string, int> runs;      // of `count`, by key
  std::map<std::string, int> migrated;  // by digest of the code that did it
  std::map<std::string, std::string> keys;  // of `migrate`, by digest of the code that is asked
  SteadyTime last_sent{0};
  bool is_out_of_order = false;  // each call of a hook fails

  bool can_be_read_by(const std::string& digest) const {
    return readers.empty() || readers.count(digest) > 0;
  }
  /// What serves callers on this data, by somebody's choice, is taken to be able to read it.
  void trust(const std::string& digest) {
    if (!readers.empty()) readers.insert(digest);
  }
};

class World;

/// A call of "migrate", "warm", "cool" or "count" arrives at that code. Calls with a key that was
/// seen before change nothing.
void do_hook(World& world, const std::string& environment, const std::string& operation,
             const std::string& key, const std::string& digest);

/// To tell a change from a repetition.
std::string in_words(const HookData& data);

}  // namespace pawl::sim
