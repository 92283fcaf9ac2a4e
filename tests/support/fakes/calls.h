// Functions that answer from a script.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "engine/ports/function_calls.h"

namespace pawl::fakes {

/// Functions that are called: answers in the order given, and what they were called with.
class FakeCalls : public FunctionCalls {
 public:
  Task<Result<FunctionAnswer>> call(FunctionCall call) override;
  std::deque<Result<FunctionAnswer>> answers;
  std::vector<FunctionCall> calls;
  std::function<void()> on_call;
};

}  // namespace pawl::fakes
