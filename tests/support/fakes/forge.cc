// What FakeForge does when it is called.
#include "support/fakes/forge.h"

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

Task<Result<ReportResult>> FakeForge::report_started(DeploymentReport report) {
  PAWL_FAKE_CALL("report_started", [&]() -> Result<ReportResult> {
    started.push_back(report);
    ReportResult told;
    told.check_run = "https://github.example/check/1";
    told.deployment = "https://github.example/deployment/1";
    told.cut_off = cut_off;
    return told;
  });
}

Task<Result<ReportResult>> FakeForge::report_finished(DeploymentReport report) {
  PAWL_FAKE_CALL("report_finished", [&]() -> Result<ReportResult> {
    finished.push_back(report);
    return ReportResult{};
  });
}

Task<Result<std::string>> FakeForge::check_access(std::string) {
  co_return std::string("all");
}

}  // namespace pawl::fakes
