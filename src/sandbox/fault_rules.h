// The faults that somebody asked for: rules that say which requests go wrong, how, and how often.
// They are kept until they are cleared, or have happened as often as was asked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/faults.h"

namespace pawl::sandbox {

enum class FaultKind { slow, error, throttle, drop };

struct FaultRule {
  int64_t id = 0;
  std::string service = "*";  // globs: '*' and '?'
  std::string operation = "*";
  std::string resource = "*";
  FaultKind kind = FaultKind::error;
  int status = 500;                       // error
  std::string code;                       // error: the service's own code; usually empty
  std::chrono::milliseconds delay{2000};  // slow
  int64_t every = 1;                      // of the matching requests each Nth
  double probability = 1;                 // and of those so many
  int64_t count = 0;                      // so often at most; 0: for ever
  int64_t seen = 0;                       // matching requests
  int64_t happened = 0;
};

/// "slow", "slow:250ms", "500", "503", "throttle", "drop". An Error says what there is.
Result<FaultRule> parse_fault_kind(const std::string& text);
json::object to_json(const FaultRule& rule);
Result<FaultRule> fault_rule_from_json(const json::object& object);
/// Whether all of `text` matches: '*' any characters, '?' one.
bool matches_glob(std::string_view glob, std::string_view text);

class FaultRules : public FaultInjector {
 public:
  static constexpr size_t kMaxRules = 200;

  explicit FaultRules(Entropy& entropy) : entropy_(entropy) {}
  FaultAction decide(const FaultQuery& query) override;
  Result<FaultRule> add(FaultRule rule);
  const std::vector<FaultRule>& list() const { return rules_; }
  /// 0: all of them. not_found for a number that there is not.
  Result<void> clear(int64_t id);

 private:
  bool happens(FaultRule& rule);
  Entropy& entropy_;
  int64_t next_id_ = 1;
  std::vector<FaultRule> rules_;
};

}  // namespace pawl::sandbox
