// Terraform as the engine sees it, in memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/ports/infrastructure.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

class FakeInfrastructure : public Infrastructure {
 public:
  Task<Result<std::string>> available(TerraformSettings) override;
  void discard(const std::string& plan_file) override;
  Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine) override;
  Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                           LogLine) override;
  Task<Result<json::object>> outputs(InfrastructureRequest) override;
  int changes = 1;
  std::function<void()> on_apply;
  std::vector<InfrastructureRequest> requests;
  std::vector<std::string> ledger;
  Faults faults;
};

}  // namespace pawl::fakes
