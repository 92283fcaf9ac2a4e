// What the engine needs of AWS Lambda. https://docs.aws.amazon.com/lambda/latest/api/
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"

namespace pawl {

struct FunctionState {
  std::string name;
  std::string arn;
  std::string version;             // "$LATEST" or "7"
  std::string revision_id;         // may be empty (a stand-in without them)
  std::string image_uri;           // as it was given
  std::string resolved_image_uri;  // by digest; may be empty
  std::string code_sha256;
  std::string description;
  std::string state;  // Pending, Active, Inactive, Failed
  std::string state_reason;
  std::string last_update_status;  // InProgress, Successful, Failed
  std::string last_update_reason;
  std::string state_reason_code;        // "ImageDeleted"; may be empty
  std::string last_update_reason_code;  // "ImageAccessDenied"; may be empty
  std::string architecture;             // x86_64, arm64
  // What a version pins beside its code.
  std::string role;  // ARN
  int memory_mb = 0;
  int timeout_seconds = 0;
  /// Environment variables: name -> hash of the value. The values may be secrets, and stay out.
  std::map<std::string, std::string> environment;
};

struct AliasState {
  std::string function;
  std::string name;
  std::string version;
  std::string description;
  std::string revision_id;
  std::map<std::string, double> additional_weights;  // version -> 0..1
};

class Functions {
 public:
  virtual ~Functions() = default;
  /// `qualifier`: a version, an alias, or empty for $LATEST. not_found when there is none.
  virtual Task<Result<FunctionState>> get(std::string name, std::string qualifier) = 0;
  /// A wrong `revision_id` is a conflict; empty: not checked.
  virtual Task<Result<FunctionState>> update_code(std::string name, std::string image_uri,
                                                  std::string revision_id) = 0;
  /// Publishing unchanged code gives the version that exists. Preconditions may be empty.
  virtual Task<Result<FunctionState>> publish_version(std::string name, std::string code_sha256,
                                                      std::string revision_id,
                                                      std::string description) = 0;
  /// All pages, $LATEST left out, oldest first.
  virtual Task<Result<std::vector<FunctionState>>> list_versions(std::string name) = 0;
  /// No value: there is no such alias.
  virtual Task<Result<std::optional<AliasState>>> get_alias(std::string function,
                                                            std::string alias) = 0;
  virtual Task<Result<AliasState>> create_alias(AliasState alias) = 0;
  /// Version, description and weights become those of `alias`; its revision_id is the precondition.
  virtual Task<Result<AliasState>> update_alias(AliasState alias) = 0;
  virtual Task<Result<void>> delete_alias(std::string function, std::string alias) = 0;
};

}  // namespace pawl
