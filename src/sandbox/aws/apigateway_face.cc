#include "sandbox/aws/apigateway_face.h"

#include "sim/cloud/state_json.h"

namespace pawl::sandbox {

namespace {

json::object shown(const cloud::HttpApi& api) {
  return {{"apiEndpoint", api.endpoint},
          {"apiId", api.id},
          {"apiKeySelectionExpression", "$request.header.x-api-key"},
          {"createdDate", iso_seconds(api.created)},
          {"description", api.description},
          {"disableExecuteApiEndpoint", false},
          {"name", api.name},
          {"protocolType", api.protocol},
          {"routeSelectionExpression", "$request.method $request.path"},
          {"tags", cloud::write_map(api.tags)}};
}

json::object shown(const cloud::Integration& i) {
  return {{"connectionType", "INTERNET"},   {"integrationId", i.id},
          {"integrationMethod", i.method},  {"integrationType", i.type},
          {"integrationUri", i.uri},        {"payloadFormatVersion", i.payload_format},
          {"timeoutInMillis", i.timeout_ms}};
}

json::object shown(const cloud::HttpRoute& r) {
  return {{"apiKeyRequired", false},
          {"authorizationType", "NONE"},
          {"routeId", r.id},
          {"routeKey", r.key},
          {"target", r.target}};
}

json::object shown(const cloud::Stage& s) {
  return {{"autoDeploy", s.auto_deploy},
          {"createdDate", iso_seconds(s.created)},
          {"lastUpdatedDate", iso_seconds(s.created)},
          {"defaultRouteSettings", json::object{{"detailedMetricsEnabled", false}}},
          {"routeSettings", json::object{}},
          {"stageName", s.name},
          {"stageVariables", json::object{}},
          {"tags", json::object{}}};
}

template <class Map>
json::object items_of(const Map& map) {
  json::array items;
  for (const auto& [key, value] : map) items.push_back(shown(value));
  return {{"items", std::move(items)}};
}

std::string second_of(const AwsCall& call, size_t index) {
  return call.path.size() > index ? call.path[index] : "";
}

}  // namespace

void ApiGatewayFace::name(AwsCall& call) {
  // /v2/apis[/ID[/KIND[/ID]]]
  if (call.path.size() < 2 || call.path[0] != "v2" || call.path[1] != "apis") return;
  const std::string kind = second_of(call, 3);
  call.resource = second_of(call, 2);
  const bool single = call.path.size() > 4;
  const std::string& m = call.method;
  if (call.path.size() == 2) {
    call.operation = m == "GET" ? "GetApis" : m == "POST" ? "CreateApi" : "";
  } else if (call.path.size() == 3) {
    call.operation = m == "GET" ? "GetApi" : m == "DELETE" ? "DeleteApi" : "";
  } else if (kind == "integrations") {
    call.operation = m == "POST"    ? "CreateIntegration"
                     : m == "PATCH" ? "UpdateIntegration"
                     : m == "GET"   ? (single ? "GetIntegration" : "GetIntegrations")
                                    : "";
  } else if (kind == "routes") {
    call.operation = m == "POST"  ? "CreateRoute"
                     : m == "GET" ? (single ? "GetRoute" : "GetRoutes")
                                  : "";
  } else if (kind == "stages") {
    call.operation = m == "POST"  ? "CreateStage"
                     : m == "GET" ? (single ? "GetStage" : "GetStages")
                                  : "";
  }
}

ServerResponse ApiGatewayFace::answer(const AwsCall& call) {
  auto body = parse_json_object(call.body.empty() ? "{}" : call.body, "the request");
  if (!body.ok())
    return error_answer(call,
                        cloud::aws_error(400, "BadRequestException", "Invalid request input"));
  Answer answer = call.method == "GET" ? read(call) : change(call, *body);
  return answer.ok() ? *std::move(answer) : error_answer(call, answer.error());
}

ApiGatewayFace::Answer ApiGatewayFace::read(const AwsCall& call) {
  if (call.operation == "GetApis") {
    const auto all = cloud_.apis.list();
    constexpr size_t kDefaultPage = 25;
    const size_t from = std::min(count_or(call.param("nextToken"), 0), all.size());
    const size_t size = std::max<size_t>(1, count_or(call.param("maxResults"), kDefaultPage));
    json::array items;
    size_t at = from;
    for (; at < all.size() && at - from < size; ++at) items.push_back(shown(all[at]));
    json::object o{{"items", std::move(items)}};
    if (at < all.size()) o["nextToken"] = std::to_string(at);
    return json_answer(call, 200, o);
  }
  PAWL_TRY(const cloud::HttpApi api, cloud_.apis.get(call.resource));
  if (call.operation == "GetApi") return json_answer(call, 200, shown(api));
  if (call.operation == "GetIntegrations")
    return json_answer(call, 200, items_of(api.integrations));
  if (call.operation == "GetRoutes") return json_answer(call, 200, items_of(api.routes));
  if (call.operation == "GetStages") return json_answer(call, 200, items_of(api.stages));
  const std::string id = second_of(call, 4);
  auto one = [&](const auto& map) -> Answer {
    auto found = map.find(id);
    if (found == map.end())
      return cloud::aws_error(404, "NotFoundException", "Unable to find " + id);
    return json_answer(call, 200, shown(found->second));
  };
  if (call.operation == "GetIntegration") return one(api.integrations);
  if (call.operation == "GetRoute") return one(api.routes);
  return one(api.stages);
}

ApiGatewayFace::Answer ApiGatewayFace::change(const AwsCall& call, const json::object& body) {
  cloud::ApiGateway& apis = cloud_.apis;
  if (call.operation == "CreateApi") {
    cloud::HttpApi api;
    api.name = string_or(body, "name");
    api.description = string_or(body, "description");
    api.protocol = string_or(body, "protocolType");
    api.tags = cloud::read_map(body, "tags");
    PAWL_TRY(const auto created, apis.create(std::move(api), string_or(body, "target"), call.now));
    return json_answer(call, 201, shown(created));
  }
  if (call.operation == "DeleteApi") {
    PAWL_CHECK(apis.remove(call.resource, call.now));
    return empty_answer(call, 204);
  }
  if (call.operation == "CreateIntegration") {
    cloud::Integration integration;
    integration.type = string_or(body, "integrationType", "AWS_PROXY");
    integration.uri = string_or(body, "integrationUri");
    integration.method = string_or(body, "integrationMethod", "POST");
    integration.payload_format = string_or(body, "payloadFormatVersion", "2.0");
    integration.timeout_ms = static_cast<int>(int_or(body, "timeoutInMillis", 30'000));
    PAWL_TRY(const auto created, apis.create_integration(call.resource, integration, call.now));
    return json_answer(call, 201, shown(created));
  }
  if (call.operation == "UpdateIntegration") {
    auto change = [&](cloud::Integration& integration) {
      integration.uri = string_or(body, "integrationUri", integration.uri);
      integration.payload_format =
          string_or(body, "payloadFormatVersion", integration.payload_format);
    };
    PAWL_TRY(const auto updated,
             apis.update_integration(call.resource, second_of(call, 4), change, call.now));
    return json_answer(call, 200, shown(updated));
  }
  if (call.operation == "CreateRoute") {
    cloud::HttpRoute route{"", string_or(body, "routeKey"), string_or(body, "target")};
    PAWL_TRY(const auto created, apis.create_route(call.resource, std::move(route), call.now));
    return json_answer(call, 201, shown(created));
  }
  cloud::Stage stage;
  stage.name = string_or(body, "stageName", "$default");
  stage.auto_deploy = bool_or(body, "autoDeploy");
  PAWL_TRY(const auto created, apis.create_stage(call.resource, std::move(stage), call.now));
  return json_answer(call, 201, shown(created));
}

}  // namespace pawl::sandbox
