// Lambda's REST protocol over the cloud model.
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
#pragma once

#include <string>

#include "sandbox/aws/call.h"
#include "sandbox/aws/invoker.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class LambdaFace {
 public:
  LambdaFace(cloud::Cloud& cloud, Invoker& invoker) : cloud_(cloud), invoker_(invoker) {}

  /// Fills in the operation and the resource; leaves the operation empty for what is not played.
  static void name(AwsCall& call);
  Task<ServerResponse> answer(AwsCall call);

 private:
  using Answer = Result<ServerResponse>;
  Answer change_function(const AwsCall& call, const json::object& body);
  Answer read_function(const AwsCall& call);
  Answer aliases(const AwsCall& call, const json::object& body);
  Answer concurrency(const AwsCall& call, const json::object& body);
  Answer tags(const AwsCall& call, const json::object& body);
  Answer side_questions(const AwsCall& call);
  Answer get_function(const AwsCall& call);
  Answer list_versions(const AwsCall& call);
  Answer list_functions(const AwsCall& call);
  Task<ServerResponse> invoke(AwsCall call);

  cloud::Cloud& cloud_;
  Invoker& invoker_;
};

}  // namespace pawl::sandbox
