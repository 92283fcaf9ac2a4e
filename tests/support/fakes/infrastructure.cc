// What FakeInfrastructure does when it is called.
#include "support/fakes/infrastructure.h"

#include "support/fakes/fake_call.h"
#include "support/fakes/run.h"

namespace pawl::fakes {

Task<Result<std::string>> FakeInfrastructure::available(TerraformSettings) {
  PAWL_FAKE_CALL("available", [&]() -> Result<std::string> { return std::string("fake 1"); });
}

void FakeInfrastructure::discard(const std::string& plan_file) {
  ledger.push_back("discard " + plan_file);
}

Task<Result<InfrastructurePlan>> FakeInfrastructure::plan(InfrastructureRequest request, LogLine) {
  PAWL_FAKE_CALL("plan", [&]() -> Result<InfrastructurePlan> {
    requests.push_back(request);
    InfrastructurePlan made;
    made.has_changes = changes > 0;
    made.to_add = changes;
    made.plan_sha256 = digest("plan");
    return made;
  });
}

Task<Result<void>> FakeInfrastructure::apply(InfrastructureRequest request, std::string plan_sha256,
                                             LogLine) {
  PAWL_FAKE_CALL("apply", [&]() -> Result<void> {
    if (plan_sha256 != digest("plan")) return Error(ErrorKind::refused, "another plan");
    changes = 0;
    ledger.push_back("apply " + request.plan_file);
    if (on_apply) on_apply();
    return ok();
  });
}

Task<Result<json::object>> FakeInfrastructure::outputs(InfrastructureRequest) {
  json::object values{{"url", "https://meals.example"}};
  co_return values;
}

}  // namespace pawl::fakes
