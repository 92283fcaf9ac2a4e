// HTTP requests as API Gateway hands them to a function, and what a function returns as an HTTP
// response: payload format 2.0 of HTTP APIs, both ways.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "net/http_server.h"

namespace pawl::sandbox {

struct GatewayContext {
  std::string account_id;
  std::string api_id;
  std::string domain_name;  // the Host that was asked
  std::string stage = "$default";
  std::string route_key = "$default";
  std::string request_id;
  std::string source_ip;
  WallTime time;
};

struct GatewayRequest {
  std::string method;
  std::string raw_path;  // as it came, encoded
  std::string raw_query;
  Headers headers;
  std::string body;
};

json::object gateway_event(const GatewayRequest& request, const GatewayContext& context);

/// The response for a function's payload: with a statusCode it says all, without one it is the body
/// of a 200 ("inferred"). What cannot be understood is a 500, as there.
ServerResponse gateway_response(std::string_view payload);
/// {"message": "..."} as API Gateway says it.
ServerResponse gateway_message(int status, std::string_view message);

}  // namespace pawl::sandbox
