// A health probe that answers from a script, and the URLs of APIs.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/ports/health_probe.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

/// Gives the answers in order, the last one again and again.
class FakeHealth : public HealthProbe, public Endpoints {
 public:
  Task<Result<ProbeAnswer>> ask(std::string url, std::string, std::chrono::milliseconds) override;
  Task<Result<std::string>> find_url(std::string api_name) override;
  std::deque<ProbeAnswer> answers;
  std::function<Result<ProbeAnswer>()> answer_with;  // wins over `answers`
  std::map<std::string, std::string> urls;
  std::vector<std::string> asked;
  Faults faults;
};

}  // namespace pawl::fakes
