// A forge that keeps the reports that it was given.
#pragma once

#include <string>
#include <vector>

#include "engine/ports/forge.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

class FakeForge : public Forge {
 public:
  Task<Result<ReportResult>> report_started(DeploymentReport report) override;
  Task<Result<ReportResult>> report_finished(DeploymentReport report) override;
  Task<Result<std::string>> check_access(std::string) override;
  std::vector<DeploymentReport> started;
  std::vector<DeploymentReport> finished;
  std::vector<std::string> cut_off;  // of the start
  Faults faults;
};

}  // namespace pawl::fakes
