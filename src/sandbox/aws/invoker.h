// A call of a function, whoever makes it (Lambda's Invoke, an HTTP API): the alias is settled, the
// limits are kept, the code runs, and what Lambda counts about it is counted.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "sandbox/function_runner.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

struct InvokeOutcome {
  InvokeResult result;
  std::string executed_version;
  std::string request_id;
};

/// Of one version, ready for the runner.
FunctionCode code_of(const cloud::FunctionVersion& version);

class Invoker {
 public:
  Invoker(cloud::Cloud& cloud, Clock& clock, Entropy& entropy, FunctionRunner& runner);

  /// Errors carry Lambda's code (ResourceNotFoundException, TooManyRequestsException ...).
  Task<Result<InvokeOutcome>> invoke(std::string function, std::string qualifier,
                                     std::string payload, std::string client_context = "");
  /// Calls without waiting (InvocationType Event); refused when too many wait.
  Result<void> invoke_later(std::string function, std::string qualifier, std::string payload);
  /// Brings the runner's warm instances in line with provisioned concurrency.
  void provision(const std::string& function, const std::string& qualifier, int instances);
  void retire(const std::string& function, const std::string& version);

 private:
  Task<void> run_later(std::string function, std::string qualifier, std::string payload);
  std::string new_request_id();

  cloud::Cloud& cloud_;
  Clock& clock_;
  Entropy& entropy_;
  FunctionRunner& runner_;
  cloud::IdSource request_ids_;
  std::map<std::string, int> running_;  // by function
  TaskContext context_;
  Scope later_;
};

}  // namespace pawl::sandbox
