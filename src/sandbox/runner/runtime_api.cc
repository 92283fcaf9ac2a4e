// The Runtime API of an instance, as a function's runtime calls it.
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/runner/instance.h"

namespace pawl::sandbox {
namespace {

constexpr std::string_view kRuntime = "/2018-06-01/runtime/";
// Room for what comes around a payload of the greatest size.
constexpr size_t kMaxPostBytes = kMaxInvokePayloadBytes + (64u << 10);

ServerResponse runtime_error(int status, const char* type, const std::string& message) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(json::object{{"errorMessage", message}, {"errorType", type}});
  return response;
}

ServerResponse accepted() {
  ServerResponse response;
  response.status = 202;
  response.headers.set("Content-Type", "application/json");
  response.body = R"({"status":"OK"})";
  return response;
}

}  // namespace

Task<ServerResponse> Instance::runtime_api(ServerRequest& request) {
  std::string path(request.raw_path());
  if (!path.starts_with(kRuntime)) co_return runtime_error(404, "NotFound", "no such call");
  path = path.substr(kRuntime.size());
  if (path == "invocation/next" && request.method() == "GET") co_return co_await next_event();
  if (request.method() != "POST") co_return runtime_error(404, "NotFound", "no such call");
  if (path == "init/error") co_return co_await take_outcome(request, "", Outcome::Kind::init_error);
  constexpr std::string_view kInvocation = "invocation/";
  if (path.starts_with(kInvocation)) {
    path = path.substr(kInvocation.size());
    const auto slash = path.find('/');
    const std::string id = path.substr(0, slash);
    const std::string what = slash == std::string::npos ? "" : path.substr(slash + 1);
    if (what == "response") co_return co_await take_outcome(request, id, Outcome::Kind::response);
    if (what == "error") co_return co_await take_outcome(request, id, Outcome::Kind::error);
  }
  co_return runtime_error(404, "NotFound", "no such call");
}

Task<ServerResponse> Instance::next_event() {
  if (!initialised_) settle({Outcome::Kind::ready, "", ""});
  // A runtime that asks twice (it lost the connection) gets its event at the second call.
  while (!event_) {
    const OneShot<bool> arrival;
    next_waiter_ = arrival;
    if (!co_await arrival.wait()) co_return runtime_error(403, "Shutdown", "the sandbox ends");
  }
  const Event event = *std::exchange(event_, std::nullopt);
  current_id_ = event.id;
  ServerResponse response;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Lambda-Runtime-Aws-Request-Id", event.id);
  response.headers.set("Lambda-Runtime-Deadline-Ms", std::to_string(event.deadline_ms));
  response.headers.set("Lambda-Runtime-Invoked-Function-Arn", event.arn);
  response.headers.set(
      "Lambda-Runtime-Trace-Id",
      fmt::format("Root=1-{:08x}-{};Parent={};Sampled=0", event.deadline_ms / 1000,
                  sha256_hex(event.id).substr(0, 24), sha256_hex(event.id).substr(24, 16)));
  if (!event.client_context.empty()) {
    auto context = base64_decode(event.client_context);
    if (context.ok()) response.headers.set("Lambda-Runtime-Client-Context", *context);
  }
  response.body = event.payload;
  co_return response;
}

Task<ServerResponse> Instance::take_outcome(ServerRequest& request, std::string wanted,
                                            Outcome::Kind kind) {
  const std::string error_type =
      request.headers().get_or("Lambda-Runtime-Function-Error-Type", "Runtime.Unknown");
  auto body = co_await request.read_all(kMaxPostBytes);
  const bool is_init = kind == Outcome::Kind::init_error;
  if (is_init ? initialised_ : (wanted != current_id_ || current_id_.empty()))
    co_return runtime_error(400, "InvalidRequestID", "Invalid request ID");
  if (!is_init) current_id_.clear();
  if (!body.ok() || body->size() > kMaxInvokePayloadBytes) {
    const std::string message =
        fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).",
                    kMaxInvokePayloadBytes);
    settle({Outcome::Kind::error,
            json::serialize(json::object{{"errorType", "Function.ResponseSizeTooLarge"},
                                         {"errorMessage", message}}),
            "Function.ResponseSizeTooLarge"});
    co_return runtime_error(413, "RequestEntityTooLarge", message);
  }
  std::string text = *std::move(body);
  if (is_init && !text.starts_with("{"))
    text = json::serialize(json::object{{"errorType", error_type}, {"errorMessage", text}});
  settle({kind, std::move(text), error_type});
  co_return accepted();
}

}  // namespace pawl::sandbox
