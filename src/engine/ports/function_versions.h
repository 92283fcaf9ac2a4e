// The published versions of a function as things to be cleared away.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
#pragma once

#include <string>
#include <vector>

#include "engine/ports/functions.h"

namespace pawl {

class FunctionVersions {
 public:
  virtual ~FunctionVersions() = default;
  /// All pages.
  virtual Task<Result<std::vector<AliasState>>> list_aliases(std::string function) = 0;
  /// A version that is not there is no error. One that an alias names is a conflict.
  virtual Task<Result<void>> delete_version(std::string function, std::string version) = 0;
};

}  // namespace pawl
