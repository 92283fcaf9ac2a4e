// A CDN that keeps what it was told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/ports/cdn.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

/// Keeps what it was told: "E1 /index.html,/style.css".
class FakeCdn : public Cdn {
 public:
  Task<Result<std::string>> invalidate(std::string distribution, std::vector<std::string> paths,
                                       std::string reference) override;
  Task<Result<bool>> is_done(std::string, std::string) override;
  std::vector<std::string> told;
  std::map<std::string, std::string> references;
  int looks_until_done = 1;
  Faults faults;
};

}  // namespace pawl::fakes
