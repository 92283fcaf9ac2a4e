// What FakeCalls does when it is called.
#include "support/fakes/calls.h"

#include <utility>

namespace pawl::fakes {

Task<Result<FunctionAnswer>> FakeCalls::call(FunctionCall call) {
  calls.push_back(call);
  if (on_call) on_call();
  if (answers.empty()) co_return FunctionAnswer{"{\"done\": true}", "", call.qualifier, ""};
  auto answer = std::move(answers.front());
  answers.pop_front();
  co_return answer;
}

}  // namespace pawl::fakes
