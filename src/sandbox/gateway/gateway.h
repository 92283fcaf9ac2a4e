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

/// Where a request goes.
struct GatewayTarget {
  std::string api_id;
  std::string route_key = "$default";
  std::string stage = "$default";
  std::string function;
  std::string qualifier;
};

struct GatewayOptions {
  std::string account_id;
  /// nullopt: there is no such API, or no route for this.
  std::function<std::optional<GatewayTarget>(const std::string& method, const std::string& path)>
      target;
  std::function<Task<Result<InvokeResult>>(GatewayTarget target, std::string payload)> invoke;
  /// A static file for this path ("/static/app.css"); nullopt: not one, ask the function.
  std::function<std::optional<ServerResponse>(const ServerRequest& request,
                                              const std::string& path)>
      static_file;
};

class HttpApiGateway {
 public:
  HttpApiGateway(Loop& loop, GatewayOptions options) : loop_(loop), options_(std::move(options)) {}
  Task<ServerResponse> handle(ServerRequest& request);

 private:
  Task<ServerResponse> call(GatewayRequest request, GatewayTarget target, GatewayContext context);
  Task<void> run(GatewayTarget target, std::string event, OneShot<Result<InvokeResult>> answer);
  Task<void> give_up(OneShot<Result<InvokeResult>> answer);
  Loop& loop_;
  GatewayOptions options_;
  Scope calls_;
};

/// "8f9e2a31-..." from two random words.
std::string random_uuid(Entropy& entropy);

/// The code of an Error of `invoke` that says: the API's function or alias has no code yet.
constexpr const char* kNothingDeployed = "NothingDeployed";

}  // namespace pawl::sandbox
