// API Gateway v2's REST protocol over the cloud model.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/operations.html
#pragma once

#include "sandbox/aws/call.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class ApiGatewayFace {
 public:
  explicit ApiGatewayFace(cloud::Cloud& cloud) : cloud_(cloud) {}
  static void name(AwsCall& call);
  ServerResponse answer(const AwsCall& call);

 private:
  using Answer = Result<ServerResponse>;
  Answer read(const AwsCall& call);
  Answer change(const AwsCall& call, const json::object& body);

  cloud::Cloud& cloud_;
};

}  // namespace pawl::sandbox
