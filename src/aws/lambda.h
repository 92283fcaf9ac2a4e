// AWS Lambda: functions, versions, aliases, provisioned concurrency, invocations.
// https://docs.aws.amazon.com/lambda/latest/api/
//
// Changes are repeated only when Lambda surely did not carry them out; otherwise the error says
// that the outcome is not known, and the caller looks.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/ports/functions.h"

namespace pawl::aws {

struct Invocation {
  std::string payload;
  /// "Unhandled" and the like: the function itself failed. Empty: it did not.
  std::string function_error;
  std::string executed_version;
};

struct ProvisionedConcurrency {
  int requested = 0;
  int available = 0;
  std::string status;  // IN_PROGRESS, READY, FAILED
  std::string status_reason;
};

class Lambda : public Functions {
 public:
  explicit Lambda(Client& client) : client_(client) {}

  Task<Result<FunctionState>> get(std::string name, std::string qualifier) override;
  Task<Result<FunctionState>> update_code(std::string name, std::string image_uri,
                                          std::string revision_id) override;
  Task<Result<FunctionState>> publish_version(std::string name, std::string code_sha256,
                                              std::string revision_id,
                                              std::string description) override;
  Task<Result<std::vector<FunctionState>>> list_versions(std::string name) override;
  Task<Result<std::optional<AliasState>>> get_alias(std::string function,
                                                    std::string alias) override;
  Task<Result<AliasState>> create_alias(AliasState alias) override;
  Task<Result<AliasState>> update_alias(AliasState alias) override;
  Task<Result<void>> delete_alias(std::string function, std::string alias) override;

  /// Waits for the answer, up to Lambda's 15 minutes; never repeated.
  Task<Result<Invocation>> invoke(std::string name, std::string qualifier, std::string payload);

  /// No value: none is configured.
  Task<Result<std::optional<ProvisionedConcurrency>>> get_provisioned_concurrency(
      std::string name, std::string qualifier);
  Task<Result<ProvisionedConcurrency>> put_provisioned_concurrency(std::string name,
                                                                   std::string qualifier,
                                                                   int executions);
  Task<Result<void>> delete_provisioned_concurrency(std::string name, std::string qualifier);

  Task<Result<std::map<std::string, std::string>>> tags(std::string function_arn);
  Task<Result<void>> set_tags(std::string function_arn, std::map<std::string, std::string> tags);

 private:
  Client& client_;
};

}  // namespace pawl::aws
