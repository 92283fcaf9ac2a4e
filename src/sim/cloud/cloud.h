// One account of the cloud: every AWS service that a deployment meets, with one source of
// identifiers and one ledger. The simulator calls it directly, the sandbox puts HTTP in front of
// it, unit tests use it. Nothing here does I/O or reads a clock.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "sim/cloud/apigateway.h"
#include "sim/cloud/cloudfront.h"
#include "sim/cloud/cloudwatch.h"
#include "sim/cloud/common.h"
#include "sim/cloud/ecr.h"
#include "sim/cloud/lambda.h"
#include "sim/cloud/s3.h"
#include "sim/cloud/sts.h"

namespace pawl::cloud {

struct CloudOptions {
  Account account;
  std::string seed = "pawl";
  std::string registry_host = "127.0.0.1:4513";
  std::function<std::string(int number)> api_endpoint = [](int number) {
    return "http://127.0.0.1:" + std::to_string(4520 + number);
  };
  LambdaSettings lambda;
  S3Settings s3;
  size_t ledger_limit = Ledger::kDefaultLimit;
};

class Cloud {
 public:
  /// `blobs` must outlive it.
  Cloud(CloudOptions options, BlobStore& blobs);
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  Account account;
  IdSource ids;
  Ledger ledger;
  Ecr ecr;
  Lambda lambda;
  S3 s3;
  Sts sts;
  ApiGateway apis;
  CloudWatch watch;
  CloudFront cloudfront;

  /// What Lambda itself sends to CloudWatch after each call: Invocations, Errors, Throttles and
  /// Duration in AWS/Lambda, by function, and by alias and version when there is one.
  struct Call {
    std::string function;
    std::string qualifier;
    std::string executed_version;
    std::chrono::milliseconds duration{0};
    bool failed = false;
    bool throttled = false;
  };
  void record_call(const Call& call, WallTime now);

  /// Everything but the bodies of objects.
  json::object to_json() const;
  Result<void> load(const json::object& object);
};

}  // namespace pawl::cloud
