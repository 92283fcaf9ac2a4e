// ECR's JSON 1.1 protocol over the cloud model.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
#pragma once

#include "sandbox/aws/call.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class EcrFace {
 public:
  explicit EcrFace(cloud::Cloud& cloud) : cloud_(cloud) {}
  /// From X-Amz-Target.
  static void name(AwsCall& call);
  ServerResponse answer(const AwsCall& call);

 private:
  using Answer = Result<ServerResponse>;
  Answer repositories(const AwsCall& call, const json::object& body);
  Answer images(const AwsCall& call, const json::object& body);
  Answer batch(const AwsCall& call, const json::object& body);
  Answer authorization(const AwsCall& call);
  json::object shown(const cloud::Repository& repository) const;

  cloud::Cloud& cloud_;
};

}  // namespace pawl::sandbox
