// Amazon API Gateway v2 (HTTP APIs): the public URL of an API.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html
#pragma once

#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/ports/health_probe.h"

namespace pawl::aws {

struct HttpApi {
  std::string id;
  std::string name;
  std::string endpoint;  // "https://abc123.execute-api.us-east-1.amazonaws.com"
  std::string protocol;  // HTTP or WEBSOCKET
};

class ApiGateway : public Endpoints {
 public:
  explicit ApiGateway(Client& client) : client_(client) {}
  Task<Result<std::vector<HttpApi>>> apis();
  /// Kind conflict when several APIs have that name: which one users come through cannot be told.
  Task<Result<std::string>> find_url(std::string api_name) override;

 private:
  Client& client_;
};

}  // namespace pawl::aws
