#include "aws/api_gateway.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr int kMaxPages = 100;

HttpApi read_api(const json::object& object) {
  HttpApi api;
  api.id = string_or(object, "apiId");
  api.name = string_or(object, "name");
  api.endpoint = string_or(object, "apiEndpoint");
  api.protocol = string_or(object, "protocolType");
  return api;
}

}  // namespace

Task<Result<std::vector<HttpApi>>> ApiGateway::apis() {
  std::vector<HttpApi> apis;
  std::string next;
  for (int page = 0; page < kMaxPages; ++page) {
    Call call;
    call.service = Service::api_gateway;
    call.action = "apigateway:GET on /apis";
    call.path = "/v2/apis";
    call.query = "maxResults=100" + (next.empty() ? "" : "&nextToken=" + url_encode(next));
    PAWL_CO_TRY(auto answer, co_await client_.send_json(std::move(call)));
    if (const json::value* items = find(answer, "items"); items != nullptr && items->is_array())
      for (const auto& each : items->get_array())
        if (each.is_object()) apis.push_back(read_api(each.get_object()));
    next = string_or(answer, "nextToken");
    if (next.empty()) co_return apis;
  }
  co_return Error(ErrorKind::corrupt, "the list of APIs does not end");
}

Task<Result<std::string>> ApiGateway::find_url(std::string api_name) {
  auto all = co_await apis();
  if (!all.ok())
    co_return std::move(all).while_doing(fmt::format("looking for the API {}", api_name)).error();
  std::vector<HttpApi> found;
  for (const auto& api : *all)
    if (api.name == api_name && !api.endpoint.empty()) found.push_back(api);
  if (found.empty())
    co_return Error(ErrorKind::not_found,
                    fmt::format("there is no HTTP API named {} among {}", api_name, all->size()));
  if (found.size() > 1)
    co_return Error(ErrorKind::conflict,
                    fmt::format("{} HTTP APIs are named {}: {} and {}", found.size(), api_name,
                                found[0].id, found[1].id));
  co_return found[0].endpoint;
}

}  // namespace pawl::aws
