// Amazon CloudWatch: the state of alarms and the values of metrics, as far as a rollout asks.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aws/client.h"

namespace pawl::aws {

struct Alarm {
  std::string name;
  std::string state;  // OK, ALARM, INSUFFICIENT_DATA
  std::string reason;
};

struct MetricQuery {
  std::string id = "m";  // begins with a small letter
  std::string metric_namespace;
  std::string name;
  std::map<std::string, std::string> dimensions;
  std::string statistic = "Sum";
  int period_seconds = 60;
};

struct MetricPoint {
  WallTime time;
  double value = 0;
};

class CloudWatch {
 public:
  explicit CloudWatch(Client& client) : client_(client) {}
  /// Those of the names that exist.
  Task<Result<std::vector<Alarm>>> alarms(std::vector<std::string> names);
  /// Oldest first.
  Task<Result<std::vector<MetricPoint>>> metric(MetricQuery query, WallTime from, WallTime to);

 private:
  Client& client_;
};

}  // namespace pawl::aws
