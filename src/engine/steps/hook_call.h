// One call of a hook, and what its answer means: done, failed in the function, refused before the
// function ran, or not known.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "engine/ports/function_calls.h"
#include "engine/ports/functions.h"
#include "engine/step.h"

namespace pawl::steps {

struct HookAnswer {
  std::string effect;  // core/hooks.h
  std::string result;  // in words, without secrets: "done by version 7", "failed (Unhandled): ..."
  std::string version;
  std::string payload;           // shortened, without secrets
  std::vector<std::string> log;  // what the function printed last, without secrets
  bool may_pass = false;  // what hinders it may pass by itself: throttled, busy, not to be reached
  ErrorKind kind = ErrorKind::failed;
};

/// Whether what the function says may be written down: its log and its answer may hold the values
/// of its variables, and which of them are secrets is known only when those could be read.
enum class FunctionWords { shown, withheld };

/// Reads the function's variables, so that those which are secrets are taken out of what it says.
/// Where that cannot be done, the step's log says why, and nothing that it says is shown.
Task<FunctionWords> learn_secrets(StepContext& context, Functions& functions, FunctionCall call);

/// `payload` with `idempotency_key` in it.
std::string with_key(json::object payload, const std::string& key);

/// Calls it under before_change(), and reads the answer. Waits for the answer also when the process
/// is asked to stop: to break off would leave it open whether the hook did its work. An Error:
/// it was not called.
Task<Result<HookAnswer>> call_hook(StepContext& context, FunctionCalls& calls, FunctionCall call,
                                   std::map<std::string, std::string> expected,
                                   FunctionWords words);

}  // namespace pawl::steps
