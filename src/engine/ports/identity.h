// Who we are to AWS.
#pragma once

#include <string>

#include "base/task.h"

namespace pawl {

struct CallerIdentity {
  std::string account;
  std::string arn;
};

class Identity {
 public:
  virtual ~Identity() = default;
  virtual Task<Result<CallerIdentity>> caller() = 0;
};

}  // namespace pawl
