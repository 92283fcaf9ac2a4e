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
#include "engine/ports/concurrency.h"
#include "engine/ports/function_calls.h"
#include "engine/ports/function_versions.h"
#include "engine/ports/functions.h"

namespace pawl::aws {

class Lambda : public Functions, public FunctionCalls, public Concurrency, public FunctionVersions {
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

  /// Waits for the answer, and a little longer than the call may take.
  Task<Result<FunctionAnswer>> call(FunctionCall wanted) override;

  Task<Result<std::optional<ProvisionedConcurrency>>> provisioned(std::string function,
                                                                  std::string qualifier) override;
  Task<Result<ProvisionedConcurrency>> provision(std::string function, std::string qualifier,
                                                 int executions) override;
  Task<Result<void>> unprovision(std::string function, std::string qualifier) override;
  Task<Result<std::optional<int>>> reserved(std::string function) override;

  Task<Result<std::vector<AliasState>>> list_aliases(std::string function) override;
  Task<Result<void>> delete_version(std::string function, std::string version) override;

  Task<Result<std::map<std::string, std::string>>> tags(std::string function_arn);
  Task<Result<void>> set_tags(std::string function_arn, std::map<std::string, std::string> tags);

 private:
  Client& client_;
};

}  // namespace pawl::aws
