// What FakeConcurrency does when it is called.
#include "support/fakes/concurrency.h"

#include <fmt/format.h>

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

Task<Result<std::optional<ProvisionedConcurrency>>> FakeConcurrency::provisioned(
    std::string function, std::string qualifier) {
  PAWL_FAKE_CALL("provisioned", [&]() -> Result<std::optional<ProvisionedConcurrency>> {
    const auto found = set_aside.find(function + ":" + qualifier);
    if (found == set_aside.end()) return std::optional<ProvisionedConcurrency>();
    ProvisionedConcurrency& one = found->second;
    if (one.status == "IN_PROGRESS" && looks_left-- <= 0) {
      one.status = fails ? "FAILED" : "READY";
      one.status_reason = fails ? "the image cannot be started" : "";
      one.available = fails ? 0 : one.requested;
    }
    return std::optional<ProvisionedConcurrency>(one);
  });
}

Task<Result<ProvisionedConcurrency>> FakeConcurrency::provision(std::string function,
                                                                std::string qualifier,
                                                                int executions) {
  PAWL_FAKE_CALL("provision", [&]() -> Result<ProvisionedConcurrency> {
    looks_left = 2;
    ledger.push_back(fmt::format("provision {} {}", qualifier, executions));
    return set_aside[function + ":" + qualifier] = {executions, 0, "IN_PROGRESS", ""};
  });
}

Task<Result<void>> FakeConcurrency::unprovision(std::string function, std::string qualifier) {
  PAWL_FAKE_CALL("unprovision", [&]() -> Result<void> {
    ledger.push_back("unprovision " + qualifier);
    set_aside.erase(function + ":" + qualifier);
    return ok();
  });
}

Task<Result<std::optional<int>>> FakeConcurrency::reserved(std::string) {
  PAWL_FAKE_CALL("reserved", [&]() -> Result<std::optional<int>> { return reserved_for_it; });
}

}  // namespace pawl::fakes
