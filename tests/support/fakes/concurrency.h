// Provisioned and reserved concurrency in memory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/concurrency.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

/// What is set aside, by "function:qualifier"; it is ready after some looks.
class FakeConcurrency : public Concurrency {
 public:
  Task<Result<std::optional<ProvisionedConcurrency>>> provisioned(std::string function,
                                                                  std::string qualifier) override;
  Task<Result<ProvisionedConcurrency>> provision(std::string function, std::string qualifier,
                                                 int executions) override;
  Task<Result<void>> unprovision(std::string function, std::string qualifier) override;
  Task<Result<std::optional<int>>> reserved(std::string) override;
  std::map<std::string, ProvisionedConcurrency> set_aside;
  std::optional<int> reserved_for_it;
  bool fails = false;
  int looks_left = 0;
  std::vector<std::string> ledger;
  Faults faults;
};

}  // namespace pawl::fakes
