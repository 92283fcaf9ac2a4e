// CloudFront's REST protocol over the cloud model, as far as invalidations go.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations.html
#pragma once

#include "sandbox/aws/call.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class CloudFrontFace {
 public:
  explicit CloudFrontFace(cloud::Cloud& cloud) : cloud_(cloud) {}
  static void name(AwsCall& call);
  ServerResponse answer(const AwsCall& call);

 private:
  using Answer = Result<ServerResponse>;
  Answer work(const AwsCall& call);
  Answer invalidate(const AwsCall& call);

  cloud::Cloud& cloud_;
};

}  // namespace pawl::sandbox
