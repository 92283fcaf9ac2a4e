// CloudWatch over the cloud model, in the three protocols that its clients speak: the query
// protocol (XML), JSON 1.0 and Smithy's RPC v2 (CBOR). All are brought to one form of parameters
// and results. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
#pragma once

#include "sandbox/aws/call.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class CloudWatchFace {
 public:
  explicit CloudWatchFace(cloud::Cloud& cloud) : cloud_(cloud) {}
  /// Also settles the protocol.
  static void name(AwsCall& call);
  ServerResponse answer(const AwsCall& call);
  /// An error in the call's protocol, CBOR included.
  static ServerResponse error(const AwsCall& call, const Error& error);

 private:
  using Output = Result<json::object>;
  Output work(const std::string& operation, const json::object& in, WallTime now);
  Output describe_alarms(const json::object& in, WallTime now);
  Output put_alarm(const json::object& in, WallTime now);
  Output put_metric_data(const json::object& in, WallTime now);
  Output get_metric_data(const json::object& in);
  Output get_metric_statistics(const json::object& in);
  Output list_metrics(const json::object& in);

  cloud::Cloud& cloud_;
};

}  // namespace pawl::sandbox
