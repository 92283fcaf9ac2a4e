// The door that an application's users use: one HTTP API, on a port of its own, in front of a
// function, and of the static files as a CDN would have them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "sandbox/function_runner.h"
#include "sandbox/gateway/event.h"

namespace pawl::sandbox {

constexpr size_t kMaxGatewayBodyBytes = 10u << 20;
constexpr std::chrono::milliseconds kIntegrationLimit{30'000};

struct GatewayOptions {
  std::string account_id;
  std::string api_id;
  std::string stage = "$default";
  /// Calls the function that the API's integration names.
  std::function<Task<Result<InvokeResult>>(std::string payload, std::string request_id)> invoke;
  /// A static file for this path ("/static/app.css"); nullopt: not one, ask the function.
  std::function<std::optional<ServerResponse>(const std::string& path, bool head_only)> static_file;
};

class HttpApiGateway {
 public:
  HttpApiGateway(Loop& loop, GatewayOptions options) : loop_(loop), options_(std::move(options)) {}
  Task<ServerResponse> handle(ServerRequest& request);

 private:
  Task<ServerResponse> call(GatewayRequest request, GatewayContext context);
  Task<void> run(std::string event, std::string id, OneShot<Result<InvokeResult>> answer);
  Task<void> give_up(OneShot<Result<InvokeResult>> answer);
  Loop& loop_;
  GatewayOptions options_;
  Scope calls_;
};

/// "8f9e2a31-..." from two random words.
std::string random_uuid(Entropy& entropy);

}  // namespace pawl::sandbox
