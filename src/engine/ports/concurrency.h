// What is set aside for a function: instances that stand ready (provisioned), and its part of the
// account's (reserved). https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
#pragma once

#include <optional>
#include <string>

#include "base/task.h"

namespace pawl {

struct ProvisionedConcurrency {
  int requested = 0;
  int available = 0;
  std::string status;  // IN_PROGRESS, READY, FAILED
  std::string status_reason;
};

class Concurrency {
 public:
  virtual ~Concurrency() = default;
  /// `qualifier`: an alias or a version. No value: none is set.
  virtual Task<Result<std::optional<ProvisionedConcurrency>>> provisioned(
      std::string function, std::string qualifier) = 0;
  /// Declarative: asking again for what is there changes nothing. It takes minutes until READY.
  virtual Task<Result<ProvisionedConcurrency>> provision(std::string function,
                                                         std::string qualifier, int executions) = 0;
  /// Of what has none: no error.
  virtual Task<Result<void>> unprovision(std::string function, std::string qualifier) = 0;
  /// No value: the function shares what nobody has reserved.
  virtual Task<Result<std::optional<int>>> reserved(std::string function) = 0;
};

}  // namespace pawl
