// Calling a function and waiting for its answer, as hooks do.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
#pragma once

#include <chrono>
#include <string>

#include "base/task.h"

namespace pawl {

struct FunctionCall {
  std::string function;
  std::string qualifier;  // a version, an alias, or empty for $LATEST
  std::string payload;    // JSON
  std::string key;        // that the payload carries: the same for calls that are one
  std::chrono::milliseconds timeout{15 * 60'000};
};

struct FunctionAnswer {
  std::string payload;
  std::string function_error;  // "Unhandled" and the like: the function itself failed; else empty
  std::string executed_version;
  std::string log_tail;  // the last 4 KB that it printed
};

class FunctionCalls {
 public:
  virtual ~FunctionCalls() = default;
  /// Never repeated once the function may have run: then the Error has outcome_unknown(). An Error
  /// without it says that the function did not run.
  virtual Task<Result<FunctionAnswer>> call(FunctionCall call) = 0;
};

}  // namespace pawl
