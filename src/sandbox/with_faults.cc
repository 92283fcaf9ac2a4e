#include "sandbox/with_faults.h"

#include "base/json.h"

namespace pawl::sandbox {
namespace {

ServerResponse json_refusal(int status, const json::object& body) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(body);
  return response;
}

}  // namespace

Task<ServerResponse> with_faults(Clock& clock, FaultAction action,
                                 std::function<ServerResponse(const FaultAction&)> refuse,
                                 std::function<Task<ServerResponse>()> work) {
  if (action.delay.count() > 0) {
    auto slept = co_await clock.sleep_for(action.delay);
    (void)slept;  // asked to stop: then at once
  }
  ServerResponse response;
  if (action.stops_the_work())
    response = refuse(action);
  else
    response = co_await work();
  response.drop = response.drop || action.drop_answer;
  co_return response;
}

ServerResponse refuse_as_registry(const FaultAction& action) {
  const int status = action.throttle ? 429 : action.status;
  json::object one{{"code", action.throttle ? "TOOMANYREQUESTS" : "UNKNOWN"},
                   {"message", action.throttle ? "Rate exceeded" : "a fault that was asked for"},
                   {"detail", nullptr}};
  if (!action.code.empty()) one["code"] = action.code;
  json::array errors;
  errors.push_back(std::move(one));
  auto response = json_refusal(status, {{"errors", std::move(errors)}});
  if (action.throttle) response.headers.set("Retry-After", "1");
  return response;
}

ServerResponse refuse_as_github(const FaultAction& action) {
  if (!action.throttle) return json_refusal(action.status, {{"message", "Server Error"}});
  auto response = json_refusal(
      403, {{"message",
             "You have exceeded a secondary rate limit. Please wait a few minutes before "
             "you try again."},
            {"documentation_url",
             "https://docs.github.com/rest/overview/"
             "rate-limits-for-the-rest-api#about-secondary-rate-limits"}});
  response.headers.set("Retry-After", "1");
  return response;
}

ServerResponse refuse_as_gateway(const FaultAction& action) {
  if (action.throttle) return json_refusal(429, {{"message", "Too Many Requests"}});
  return json_refusal(action.status, {{"message", action.status == 503 ? "Service Unavailable"
                                                                       : "Internal Server Error"}});
}

}  // namespace pawl::sandbox
