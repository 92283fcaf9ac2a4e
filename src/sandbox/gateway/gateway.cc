#include "sandbox/gateway/gateway.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl::sandbox {

std::string random_uuid(Entropy& entropy) {
  const uint64_t high = entropy.next(), low = entropy.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xfff, 0x8000 | ((low >> 48) & 0x3fff), low & 0xffffffffffff);
}

Task<ServerResponse> HttpApiGateway::handle(ServerRequest& request) {
  GatewayRequest incoming;
  incoming.method = request.method();
  incoming.raw_path = std::string(request.raw_path());
  incoming.raw_query = std::string(request.raw_query());
  incoming.headers = request.headers();
  auto decoded = url_decode(incoming.raw_path);
  const std::string path = decoded.ok() ? *decoded : incoming.raw_path;
  const bool head_only = incoming.method == "HEAD";
  if (options_.static_file && (incoming.method == "GET" || head_only)) {
    if (auto file = options_.static_file(request, path)) co_return *std::move(file);
  }
  const auto target = options_.target(incoming.method, path);
  if (!target) co_return gateway_message(404, "Not Found");
  auto body = co_await request.read_all(kMaxGatewayBodyBytes);
  if (!body.ok()) co_return gateway_message(413, "Request Entity Too Large");
  incoming.body = *std::move(body);

  GatewayContext context;
  context.account_id = options_.account_id;
  context.api_id = target->api_id;
  context.stage = target->stage;
  context.route_key = target->route_key;
  context.domain_name = incoming.headers.get_or("Host", "localhost");
  context.request_id = random_uuid(loop_.entropy());
  context.source_ip = request.peer().substr(0, request.peer().rfind(':'));
  context.time = loop_.clock().now();
  auto response = co_await call(std::move(incoming), *target, context);
  response.headers.set("Apigw-Requestid", context.request_id);
  if (head_only) {
    if (const auto* text = std::get_if<std::string>(&response.body))
      response.headers.set("Content-Length", std::to_string(text->size()));
    response.body = std::string();
  }
  co_return response;
}

Task<void> HttpApiGateway::run(GatewayTarget target, std::string event,
                               OneShot<Result<InvokeResult>> answer) {
  auto result = co_await options_.invoke(std::move(target), std::move(event));
  loop_.post([answer, result = std::move(result)] { answer.set(result); });
}

Task<void> HttpApiGateway::give_up(OneShot<Result<InvokeResult>> answer) {
  auto slept = co_await loop_.clock().sleep_for(kIntegrationLimit);
  if (!slept.ok()) co_return;
  loop_.post([answer] { answer.set(Error(ErrorKind::timeout, "the integration took too long")); });
}

Task<ServerResponse> HttpApiGateway::call(GatewayRequest request, GatewayTarget target,
                                          GatewayContext context) {
  const std::string event = json::serialize(gateway_event(request, context));
  if (event.size() > kMaxInvokePayloadBytes)
    co_return gateway_message(413, "Request Entity Too Large");
  // The caller is told after 30 seconds; the function works on until its own limit.
  const OneShot<Result<InvokeResult>> answer;
  calls_.spawn(run(std::move(target), event, answer));
  Scope timer;
  timer.spawn(give_up(answer));
  auto result = co_await answer.wait();
  if (!result.ok()) {
    const Error& error = result.error();
    if (error.code() == kNothingDeployed) co_return gateway_message(503, "nothing deployed yet");
    const bool busy = error.kind() == ErrorKind::timeout || error.kind() == ErrorKind::throttled;
    co_return busy ? gateway_message(503, "Service Unavailable")
                   : gateway_message(500, "Internal Server Error");
  }
  if (!result->function_error.empty()) co_return gateway_message(500, "Internal Server Error");
  co_return gateway_response(result->payload);
}

}  // namespace pawl::sandbox
