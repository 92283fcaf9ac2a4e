#include "sim/cloud/apigateway.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/cloud/lambda.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

Error no_such(std::string_view what, std::string_view id) {
  return aws_error(404, "NotFoundException",
                   fmt::format("Invalid {} identifier specified {}", what, id));
}

/// The function's ARN, as it is or within ".../functions/ARN/invocations".
std::string function_arn_in(std::string uri) {
  constexpr std::string_view kPath = "/functions/";
  constexpr std::string_view kEnd = "/invocations";
  if (const size_t at = uri.find(kPath); at != std::string::npos) {
    uri = uri.substr(at + kPath.size());
    if (const size_t end = uri.rfind(kEnd); end != std::string::npos) uri.resize(end);
  }
  return uri;
}

}  // namespace

Result<HttpApi*> ApiGateway::find(const std::string& id) {
  auto found = apis_.find(id);
  if (found == apis_.end()) return no_such("API", fmt::format("{}:{}", account_.id, id));
  return &found->second;
}

Result<HttpApi> ApiGateway::create(HttpApi api, const std::string& target, WallTime now) {
  if (api.name.empty())
    return aws_error(400, "BadRequestException", "Unable to create Api: name must not be empty");
  if (api.protocol != "HTTP")
    return aws_error(400, "BadRequestException",
                     "Invalid protocol specified. Must be one of [HTTP]");
  std::set<int> numbers;
  for (const auto& [id, other] : apis_) numbers.insert(other.number);
  api.number = 0;
  while (numbers.contains(api.number)) ++api.number;
  api.id = ids_.lower(10);
  api.created = now;
  api.endpoint = endpoint_of_(api.number);
  if (!target.empty()) {
    Integration integration;
    integration.id = ids_.lower(7);
    integration.uri = target;
    HttpRoute route{ids_.lower(7), "$default", "integrations/" + integration.id};
    api.routes[route.id] = route;
    api.integrations[integration.id] = std::move(integration);
    api.stages["$default"] = {"$default", true, now};
  }
  ledger_.record(now, "apigateway", "CreateApi", api.id, {{"name", api.name}});
  return apis_[api.id] = std::move(api);
}

Result<HttpApi> ApiGateway::get(const std::string& id) const {
  auto found = apis_.find(id);
  if (found == apis_.end()) return no_such("API", fmt::format("{}:{}", account_.id, id));
  return found->second;
}

std::vector<HttpApi> ApiGateway::list() const {
  std::vector<HttpApi> all;
  for (const auto& [id, api] : apis_) all.push_back(api);
  std::sort(all.begin(), all.end(), [](const HttpApi& a, const HttpApi& b) {
    return std::tie(a.created, a.number) < std::tie(b.created, b.number);
  });
  return all;
}

Result<void> ApiGateway::remove(const std::string& id, WallTime now) {
  PAWL_CHECK(find(id));
  apis_.erase(id);
  ledger_.record(now, "apigateway", "DeleteApi", id);
  return ok();
}

Result<Integration> ApiGateway::create_integration(const std::string& api_id,
                                                   Integration integration, WallTime now) {
  PAWL_TRY(HttpApi * api, find(api_id));
  integration.id = ids_.lower(7);
  ledger_.record(now, "apigateway", "CreateIntegration", api_id, {{"uri", integration.uri}});
  return api->integrations[integration.id] = std::move(integration);
}

Result<Integration> ApiGateway::update_integration(const std::string& api_id, const std::string& id,
                                                   const std::function<void(Integration&)>& change,
                                                   WallTime now) {
  PAWL_TRY(HttpApi * api, find(api_id));
  auto found = api->integrations.find(id);
  if (found == api->integrations.end()) return no_such("Integration", id);
  change(found->second);
  ledger_.record(now, "apigateway", "UpdateIntegration", api_id, {{"uri", found->second.uri}});
  return found->second;
}

Result<HttpRoute> ApiGateway::create_route(const std::string& api_id, HttpRoute route,
                                           WallTime now) {
  PAWL_TRY(HttpApi * api, find(api_id));
  for (const auto& [id, other] : api->routes)
    if (other.key == route.key)
      return aws_error(409, "ConflictException",
                       fmt::format("Route with key {} already exists for this API", route.key));
  route.id = ids_.lower(7);
  ledger_.record(now, "apigateway", "CreateRoute", api_id, {{"key", route.key}});
  return api->routes[route.id] = std::move(route);
}

Result<Stage> ApiGateway::create_stage(const std::string& api_id, Stage stage, WallTime now) {
  PAWL_TRY(HttpApi * api, find(api_id));
  if (api->stages.contains(stage.name))
    return aws_error(409, "ConflictException", "Stage already exists");
  stage.created = now;
  ledger_.record(now, "apigateway", "CreateStage", api_id, {{"name", stage.name}});
  return api->stages[stage.name] = std::move(stage);
}

Result<ApiTarget> ApiGateway::target(const std::string& api_id, std::string_view method,
                                     std::string_view path) const {
  PAWL_TRY(const HttpApi api, get(api_id));
  for (const std::string& wanted :
       {fmt::format("{} {}", method, path), fmt::format("ANY {}", path), std::string("$default")}) {
    for (const auto& [id, route] : api.routes) {
      if (route.key != wanted) continue;
      auto integration = api.integrations.find(route.target.substr(route.target.find('/') + 1));
      if (integration == api.integrations.end()) continue;
      Lambda::Name name = Lambda::parse_name(function_arn_in(integration->second.uri));
      return ApiTarget{name.name, name.qualifier, integration->second, route.key};
    }
  }
  return aws_error(404, "NotFoundException", "Not Found");
}

json::object ApiGateway::to_json() const {
  json::array apis;
  for (const auto& [id, a] : apis_) {
    json::array integrations;
    for (const auto& [key, i] : a.integrations)
      integrations.push_back(json::object{{"id", i.id},
                                          {"type", i.type},
                                          {"uri", i.uri},
                                          {"method", i.method},
                                          {"payloadFormat", i.payload_format},
                                          {"timeoutMs", i.timeout_ms}});
    json::array routes;
    for (const auto& [key, r] : a.routes)
      routes.push_back(json::object{{"id", r.id}, {"key", r.key}, {"target", r.target}});
    json::array stages;
    for (const auto& [key, s] : a.stages)
      stages.push_back(json::object{
          {"name", s.name}, {"autoDeploy", s.auto_deploy}, {"created", s.created.unix_ms}});
    apis.push_back(json::object{{"id", id},
                                {"number", a.number},
                                {"name", a.name},
                                {"description", a.description},
                                {"tags", write_map(a.tags)},
                                {"created", a.created.unix_ms},
                                {"integrations", std::move(integrations)},
                                {"routes", std::move(routes)},
                                {"stages", std::move(stages)}});
  }
  return {{"apis", std::move(apis)}};
}

Result<void> ApiGateway::load(const json::object& object) {
  apis_.clear();
  for (const json::object* o : objects_in(object, "apis")) {
    HttpApi api;
    api.id = string_or(*o, "id");
    api.number = static_cast<int>(int_or(*o, "number"));
    api.name = string_or(*o, "name");
    api.description = string_or(*o, "description");
    api.endpoint = endpoint_of_(api.number);
    api.tags = read_map(*o, "tags");
    api.created = time_or(*o, "created");
    for (const json::object* i : objects_in(*o, "integrations"))
      api.integrations[string_or(*i, "id")] = {string_or(*i, "id"),
                                               string_or(*i, "type"),
                                               string_or(*i, "uri"),
                                               string_or(*i, "method"),
                                               string_or(*i, "payloadFormat"),
                                               static_cast<int>(int_or(*i, "timeoutMs"))};
    for (const json::object* r : objects_in(*o, "routes"))
      api.routes[string_or(*r, "id")] = {string_or(*r, "id"), string_or(*r, "key"),
                                         string_or(*r, "target")};
    for (const json::object* s : objects_in(*o, "stages"))
      api.stages[string_or(*s, "name")] = {string_or(*s, "name"), bool_or(*s, "autoDeploy"),
                                           time_or(*s, "created")};
    apis_[api.id] = std::move(api);
  }
  return ok();
}

}  // namespace pawl::cloud
