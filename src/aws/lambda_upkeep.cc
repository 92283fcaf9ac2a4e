// Lambda beside code and aliases: invocations, concurrency that is set aside, and old versions.
#include <fmt/format.h>

#include "aws/lambda.h"
#include "aws/lambda_json.h"
#include "aws/lambda_requests.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr int kMaxAliasPages = 200;
// The connection's own time beside the function's.
constexpr std::chrono::seconds kBesideTheCall{30};

std::string provisioned_path(std::string_view name) {
  return fmt::format("/2019-09-30/functions/{}/provisioned-concurrency", url_encode(name));
}

}  // namespace

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
Task<Result<FunctionAnswer>> Lambda::call(FunctionCall wanted) {
  Call call = lambda_read("InvokeFunction", function_path(wanted.function, "/invocations"),
                          qualifier_query(wanted.qualifier));
  call.method = "POST";
  call.headers.set("Content-Type", "application/json");
  call.headers.set("X-Amz-Invocation-Type", "RequestResponse");
  call.headers.set("X-Amz-Log-Type", "Tail");
  call.body = std::move(wanted.payload);
  call.repeat = Repeat::when_not_done;
  call.timeout = wanted.timeout + kBesideTheCall;
  auto response = co_await client_.send(std::move(call));
  if (!response.ok())
    co_return std::move(response).while_doing(fmt::format("invoking {}", wanted.function)).error();
  FunctionAnswer answer;
  answer.payload = std::move(response->body);
  answer.function_error = response->headers.get_or("X-Amz-Function-Error", "");
  answer.executed_version = response->headers.get_or("X-Amz-Executed-Version", "");
  // A tail that cannot be read is no reason to lose the answer.
  auto tail = base64_decode(response->headers.get_or("X-Amz-Log-Result", ""));
  if (tail.ok()) answer.log_tail = *std::move(tail);
  co_return answer;
}

Task<Result<std::optional<ProvisionedConcurrency>>> Lambda::provisioned(std::string function,
                                                                        std::string qualifier) {
  Call call = lambda_read("GetProvisionedConcurrencyConfig", provisioned_path(function),
                          qualifier_query(qualifier));
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok() && answer.error().kind() == ErrorKind::not_found)
    co_return std::optional<ProvisionedConcurrency>();
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("reading what is provisioned for {}:{}", function, qualifier))
        .error();
  co_return std::optional<ProvisionedConcurrency>(provisioned_from_json(*answer));
}

Task<Result<ProvisionedConcurrency>> Lambda::provision(std::string function, std::string qualifier,
                                                       int executions) {
  json::object body;
  body["ProvisionedConcurrentExecutions"] = executions;
  Call call =
      lambda_change("PutProvisionedConcurrencyConfig", "PUT", provisioned_path(function), body);
  call.query = qualifier_query(qualifier);
  call.repeat = Repeat::always;  // declarative
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("provisioning {} for {}:{}", executions, function, qualifier))
        .error();
  co_return provisioned_from_json(*answer);
}

Task<Result<void>> Lambda::unprovision(std::string function, std::string qualifier) {
  Call call = lambda_read("DeleteProvisionedConcurrencyConfig", provisioned_path(function),
                          qualifier_query(qualifier));
  call.method = "DELETE";
  auto answer = co_await client_.send(std::move(call));
  if (!answer.ok() && answer.error().kind() != ErrorKind::not_found)
    co_return std::move(answer).error();
  co_return ok();
}

// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html
Task<Result<std::optional<int>>> Lambda::reserved(std::string function) {
  const std::string path =
      fmt::format("/2019-09-30/functions/{}/concurrency", url_encode(function));
  auto answer = co_await client_.send_json(lambda_read("GetFunctionConcurrency", path, ""));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("reading what is reserved for {}", function))
        .error();
  constexpr int64_t kNone = -1;
  const int64_t found = int_or(*answer, "ReservedConcurrentExecutions", kNone);
  if (found == kNone) co_return std::optional<int>();
  co_return std::optional<int>(static_cast<int>(found));
}

Task<Result<std::vector<AliasState>>> Lambda::list_aliases(std::string function) {
  std::vector<AliasState> aliases;
  std::string marker;
  for (int page = 0; page < kMaxAliasPages; ++page) {
    const std::string query =
        "MaxItems=50" + (marker.empty() ? "" : "&Marker=" + url_encode(marker));
    auto answer = co_await client_.send_json(
        lambda_read("ListAliases", function_path(function, "/aliases"), query));
    if (!answer.ok())
      co_return std::move(answer)
          .while_doing(fmt::format("listing the aliases of {}", function))
          .error();
    if (const json::value* list = find(*answer, "Aliases"); list != nullptr && list->is_array())
      for (const auto& each : list->get_array())
        if (each.is_object()) aliases.push_back(alias_from_json(each.get_object(), function));
    marker = string_or(*answer, "NextMarker");
    if (marker.empty()) co_return aliases;
  }
  co_return Error(ErrorKind::corrupt,
                  fmt::format("the list of aliases of {} does not end", function));
}

// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
Task<Result<void>> Lambda::delete_version(std::string function, std::string version) {
  // Without a qualifier it would be the whole function.
  PAWL_ASSERT(!version.empty());
  Call call = lambda_read("DeleteFunction", function_path(function, ""), qualifier_query(version));
  call.method = "DELETE";
  auto answer = co_await client_.send(std::move(call));
  if (!answer.ok() && answer.error().kind() != ErrorKind::not_found)
    co_return std::move(answer)
        .while_doing(fmt::format("deleting version {} of {}", version, function))
        .error();
  co_return ok();
}

}  // namespace pawl::aws
