// Amazon CloudWatch's metrics and metric alarms as plain state. An alarm whose metric has data is
// evaluated when it is looked at; one without keeps the state that was set.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

using Dimensions = std::map<std::string, std::string>;

struct MetricId {
  std::string metric_namespace;
  std::string name;
  Dimensions dimensions;
  auto operator<=>(const MetricId&) const = default;
};

/// One value, or several that were summed up before they were sent.
struct Sample {
  WallTime time;
  double count = 1;
  double sum = 0;
  double minimum = 0;
  double maximum = 0;
  std::string unit = "None";
};

struct Datapoint {
  WallTime start;  // of the period
  double value = 0;
};

struct Alarm {
  std::string name;
  std::string description;
  MetricId metric;
  std::string statistic = "Average";  // Sum, Average, Minimum, Maximum, SampleCount
  int period_seconds = 60;
  int evaluation_periods = 1;
  int datapoints_to_alarm = 0;  // 0: all of the periods
  double threshold = 0;
  std::string comparison = "GreaterThanThreshold";
  std::string missing_data = "missing";  // missing, notBreaching, breaching, ignore
  std::string unit;
  bool actions_enabled = true;
  std::vector<std::string> alarm_actions;
  std::string state = "INSUFFICIENT_DATA";  // OK, ALARM
  std::string state_reason = "Unchecked: Initial alarm creation";
  WallTime state_updated;
  WallTime configured;
};

class CloudWatch {
 public:
  CloudWatch(Account account, Ledger& ledger) : account_(std::move(account)), ledger_(ledger) {}

  Result<void> put(const MetricId& metric, Sample sample, WallTime now);
  /// The same, without a line in the ledger: what services count by themselves changes no world.
  Result<void> count(const MetricId& metric, Sample sample, WallTime now);
  std::vector<MetricId> metrics(const std::string& metric_namespace, const std::string& name) const;
  /// Periods with data only, oldest first, aligned to the period; times in [from, to).
  Result<std::vector<Datapoint>> statistic(const MetricId& metric, const std::string& statistic,
                                           int period_seconds, WallTime from, WallTime to) const;
  std::string unit_of(const MetricId& metric) const;

  Result<void> put_alarm(Alarm alarm, WallTime now);
  Result<void> delete_alarms(const std::vector<std::string>& names, WallTime now);
  Result<void> set_state(const std::string& name, const std::string& state,
                         const std::string& reason, WallTime now);
  struct AlarmQuery {
    std::vector<std::string> names;
    std::string prefix;
    std::string state;
    std::string marker;
    size_t max = 50;  // at most 100
  };
  Page<Alarm> alarms(const AlarmQuery& query, WallTime now);
  std::string alarm_arn(const std::string& name) const;

  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  void evaluate(Alarm& alarm, WallTime now);

  Account account_;
  Ledger& ledger_;
  std::map<MetricId, std::deque<Sample>> metrics_;
  std::map<std::string, Alarm> alarms_;
};

}  // namespace pawl::cloud
