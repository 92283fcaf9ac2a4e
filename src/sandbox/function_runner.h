// What the sandbox's faces (Lambda's Invoke, the HTTP APIs) need of whoever runs a function's code:
// start the image of one version when it is called, hand it one event, give back its answer. Which
// version an alias means is decided before this, by the cloud model.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/task.h"

namespace pawl::sandbox {

/// Lambda's own limit for a synchronous call, both ways.
constexpr size_t kMaxInvokePayloadBytes = 6u << 20;

/// One immutable version's code and settings: all that is needed to start it.
struct FunctionCode {
  std::string function;      // "meals-dev"
  std::string version;       // "7" or "$LATEST"
  std::string image_uri;     // as it was given: "127.0.0.1:4513/meals-dev-lambda@sha256:..."
  std::string repository;    // in the ECR-like registry: "meals-dev-lambda"
  std::string image_digest;  // "sha256:...", of the platform's manifest
  std::string revision;      // changes when $LATEST's code or settings change: start it afresh
  std::map<std::string, std::string> environment;
  std::vector<std::string> command;  // overrides of ImageConfig; empty: the image's own
  std::vector<std::string> entry_point;
  std::string working_directory;
  std::chrono::milliseconds timeout{3000};
  int64_t memory_mb = 128;
};

struct InvokeRequest {
  FunctionCode code;
  std::string request_id;      // becomes Lambda-Runtime-Aws-Request-Id
  std::string invoked_arn;     // with the qualifier that was asked for
  std::string payload;         // JSON
  std::string client_context;  // base64 of X-Amz-Client-Context; usually empty
};

struct InvokeResult {
  std::string payload;
  /// "" when the handler answered; "Unhandled" when it failed, timed out, exited or never started
  /// (payload: {"errorType": "...", "errorMessage": "..."}).
  std::string function_error;
  std::string log_tail;  // the last 4 KB that it printed
  bool cold_start = false;
  std::chrono::milliseconds duration{0};
};

class FunctionRunner {
 public:
  virtual ~FunctionRunner() = default;
  /// An Error means that the sandbox itself could not do it (an image that is not there: not_found,
  /// too many at once: throttled); what the function did wrong is in function_error.
  virtual Task<Result<InvokeResult>> invoke(InvokeRequest request) = 0;
  /// Starts instances ahead of calls and keeps them (provisioned concurrency); 0: none are kept.
  virtual void keep_warm(FunctionCode code, int instances) = 0;
  /// The version was deleted, or $LATEST's code changed: end its idle instances now and the busy
  /// ones after their call. Never fails; safe for what never ran. Version empty: all of the
  /// function.
  virtual void retire(std::string function, std::string version) = 0;
  /// Ends every instance, and waits for them.
  virtual Task<void> stop() = 0;
};

}  // namespace pawl::sandbox
