// Amazon API Gateway's HTTP APIs (version 2) as plain state: an API with integrations, routes and
// stages. Whoever serves the APIs asks target() which function a request goes to.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

struct Integration {
  std::string id;
  std::string type = "AWS_PROXY";
  std::string uri;  // the function's ARN, with the alias
  std::string method = "POST";
  std::string payload_format = "2.0";
  int timeout_ms = 30'000;
};

struct HttpRoute {
  std::string id;
  std::string key;     // "$default", "GET /health"
  std::string target;  // "integrations/<id>"
};

struct Stage {
  std::string name = "$default";
  bool auto_deploy = true;
  WallTime created;
};

struct HttpApi {
  std::string id;
  int number = 0;  // the smallest free one when it was made: gives it its port
  std::string name;
  std::string description;
  std::string protocol = "HTTP";
  std::string endpoint;  // "http://127.0.0.1:4520"
  std::map<std::string, std::string> tags;
  WallTime created;
  std::map<std::string, Integration> integrations;
  std::map<std::string, HttpRoute> routes;
  std::map<std::string, Stage> stages;
};

/// The function behind an API.
struct ApiTarget {
  std::string function;
  std::string qualifier;  // an alias, a version, or empty
  Integration integration;
  std::string route_key;
};

class ApiGateway {
 public:
  /// `endpoint_of` says where the API with this number is served.
  ApiGateway(Account account, std::function<std::string(int number)> endpoint_of, IdSource& ids,
             Ledger& ledger)
      : account_(std::move(account)),
        endpoint_of_(std::move(endpoint_of)),
        ids_(ids),
        ledger_(ledger) {}

  /// With a `target` (a function's ARN) it gets an integration, the $default route and stage.
  Result<HttpApi> create(HttpApi api, const std::string& target, WallTime now);
  Result<HttpApi> get(const std::string& id) const;
  /// In the order in which they were made.
  std::vector<HttpApi> list() const;
  Result<void> remove(const std::string& id, WallTime now);

  Result<Integration> create_integration(const std::string& api, Integration integration,
                                         WallTime now);
  Result<Integration> update_integration(const std::string& api, const std::string& id,
                                         const std::function<void(Integration&)>& change,
                                         WallTime now);
  Result<HttpRoute> create_route(const std::string& api, HttpRoute route, WallTime now);
  Result<Stage> create_stage(const std::string& api, Stage stage, WallTime now);

  /// An exact "METHOD /path", else "ANY /path", else "$default".
  Result<ApiTarget> target(const std::string& api, std::string_view method,
                           std::string_view path) const;

  json::object to_json() const;
  /// Endpoints are asked for anew: the ports may have moved since.
  Result<void> load(const json::object& object);

 private:
  Result<HttpApi*> find(const std::string& id);

  Account account_;
  std::function<std::string(int)> endpoint_of_;
  IdSource& ids_;
  Ledger& ledger_;
  std::map<std::string, HttpApi> apis_;
};

}  // namespace pawl::cloud
