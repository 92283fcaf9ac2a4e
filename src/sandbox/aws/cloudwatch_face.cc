#include "sandbox/aws/cloudwatch_face.h"

#include <algorithm>

#include <fmt/format.h>

#include "sandbox/aws/cbor.h"
#include "sandbox/aws/query_form.h"
#include "sandbox/aws/sts_face.h"
#include "sim/cloud/state_json.h"

namespace pawl::sandbox {

namespace {

using cloud::object_or_empty;
using cloud::objects_in;
using cloud::read_list;

constexpr const char* kNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/";
constexpr std::string_view kTarget = "GraniteServiceVersion20100801";

cloud::Dimensions dimensions_of(const json::object& o) {
  cloud::Dimensions dimensions;
  for (const json::object* d : objects_in(o, "Dimensions"))
    dimensions[string_or(*d, "Name")] = string_or(*d, "Value");
  return dimensions;
}

cloud::MetricId metric_of(const json::object& o) {
  return {string_or(o, "Namespace"), string_or(o, "MetricName"), dimensions_of(o)};
}

json::array shown(const cloud::Dimensions& dimensions) {
  json::array list;
  for (const auto& [name, value] : dimensions)
    list.push_back(json::object{{"Name", name}, {"Value", value}});
  return list;
}

Error missing(const char* what) {
  return cloud::aws_error(400, "MissingParameter",
                          fmt::format("The parameter {} is required.", what));
}

}  // namespace

void CloudWatchFace::name(AwsCall& call) {
  std::string operation;
  // /service/GraniteServiceVersion20100801/operation/DescribeAlarms
  if (call.path.size() == 4 && call.path[0] == "service") {
    call.protocol = AwsProtocol::cbor;
    operation = call.path[3];
  } else if (const std::string target = call.headers.get_or("X-Amz-Target", ""); !target.empty()) {
    call.protocol = AwsProtocol::json;
    if (target.rfind(kTarget, 0) == 0 && target.size() > kTarget.size())
      operation = target.substr(kTarget.size() + 1);
  } else {
    call.protocol = AwsProtocol::query;
    if (!call.body.empty()) call.query = parse_form(call.body);
    operation = call.param("Action");
  }
  for (const char* known :
       {"DescribeAlarms", "PutMetricAlarm", "DeleteAlarms", "SetAlarmState", "PutMetricData",
        "GetMetricData", "GetMetricStatistics", "ListMetrics"}) {
    if (operation == known) call.operation = operation;
  }
}

ServerResponse CloudWatchFace::error(const AwsCall& call, const Error& error) {
  ServerResponse response = error_answer(call, error);
  if (call.protocol != AwsProtocol::cbor) return response;
  response.headers.set("Content-Type", "application/cbor");
  response.headers.set("smithy-protocol", "rpc-v2-cbor");
  response.body = cbor_encode(json::object{{"__type", error.code()}, {"message", error.what()}});
  return response;
}

ServerResponse CloudWatchFace::answer(const AwsCall& call) {
  json::object in;
  if (call.protocol == AwsProtocol::query) {
    in = nest_form(call.query);
  } else if (!call.body.empty()) {
    auto parsed = call.protocol == AwsProtocol::cbor ? cbor_decode(call.body)
                                                     : parse_json(call.body, "the request");
    if (!parsed.ok() || !parsed->is_object())
      return error(call, cloud::aws_error(400, "SerializationException",
                                          "The request body could not be read"));
    in = parsed->get_object();
  }
  Output out = work(call.operation, in, call.now);
  if (!out.ok()) return error(call, out.error());
  if (call.protocol == AwsProtocol::query) return query_answer(call, kNamespace, query_xml(*out));
  if (call.protocol == AwsProtocol::json) return json_answer(call, 200, json_times(*out));
  ServerResponse response = empty_answer(call, 200);
  response.headers.set("Content-Type", "application/cbor");
  response.headers.set("smithy-protocol", "rpc-v2-cbor");
  response.body = cbor_encode(*out);
  return response;
}

CloudWatchFace::Output CloudWatchFace::work(const std::string& operation, const json::object& in,
                                            WallTime now) {
  if (operation == "DescribeAlarms") return describe_alarms(in, now);
  if (operation == "PutMetricAlarm") return put_alarm(in, now);
  if (operation == "PutMetricData") return put_metric_data(in, now);
  if (operation == "GetMetricData") return get_metric_data(in);
  if (operation == "GetMetricStatistics") return get_metric_statistics(in);
  if (operation == "ListMetrics") return list_metrics(in);
  if (operation == "DeleteAlarms") {
    PAWL_CHECK(cloud_.watch.delete_alarms(read_list(in, "AlarmNames"), now));
    return json::object{};
  }
  PAWL_CHECK(cloud_.watch.set_state(string_or(in, "AlarmName"), string_or(in, "StateValue"),
                                    string_or(in, "StateReason"), now));
  return json::object{};
}

CloudWatchFace::Output CloudWatchFace::describe_alarms(const json::object& in, WallTime now) {
  cloud::CloudWatch::AlarmQuery query;
  query.names = read_list(in, "AlarmNames");
  query.prefix = string_or(in, "AlarmNamePrefix");
  query.state = string_or(in, "StateValue");
  query.marker = string_or(in, "NextToken");
  query.max = static_cast<size_t>(std::max(1, int_in(in, "MaxRecords", 50)));
  const auto page = cloud_.watch.alarms(query, now);
  json::array alarms;
  for (const cloud::Alarm& a : page.items) {
    json::object o{{"AlarmName", a.name},
                   {"AlarmArn", cloud_.watch.alarm_arn(a.name)},
                   {"AlarmConfigurationUpdatedTimestamp", timestamp(a.configured)},
                   {"ActionsEnabled", a.actions_enabled},
                   {"OKActions", json::array{}},
                   {"AlarmActions", cloud::write_list(a.alarm_actions)},
                   {"InsufficientDataActions", json::array{}},
                   {"StateValue", a.state},
                   {"StateReason", a.state_reason},
                   {"StateUpdatedTimestamp", timestamp(a.state_updated)},
                   {"StateTransitionedTimestamp", timestamp(a.state_updated)},
                   {"MetricName", a.metric.name},
                   {"Namespace", a.metric.metric_namespace},
                   {"Statistic", a.statistic},
                   {"Dimensions", shown(a.metric.dimensions)},
                   {"Period", a.period_seconds},
                   {"EvaluationPeriods", a.evaluation_periods},
                   {"Threshold", a.threshold},
                   {"ComparisonOperator", a.comparison},
                   {"TreatMissingData", a.missing_data}};
    if (!a.description.empty()) o["AlarmDescription"] = a.description;
    if (a.datapoints_to_alarm > 0) o["DatapointsToAlarm"] = a.datapoints_to_alarm;
    if (!a.unit.empty()) o["Unit"] = a.unit;
    alarms.push_back(std::move(o));
  }
  json::object out{{"MetricAlarms", std::move(alarms)}, {"CompositeAlarms", json::array{}}};
  if (!page.next.empty()) out["NextToken"] = page.next;
  return out;
}

CloudWatchFace::Output CloudWatchFace::put_alarm(const json::object& in, WallTime now) {
  cloud::Alarm alarm;
  alarm.name = string_or(in, "AlarmName");
  alarm.description = string_or(in, "AlarmDescription");
  alarm.metric = metric_of(in);
  alarm.statistic = string_or(in, "Statistic", "Average");
  alarm.period_seconds = int_in(in, "Period", 60);
  alarm.evaluation_periods = int_in(in, "EvaluationPeriods", 1);
  alarm.datapoints_to_alarm = int_in(in, "DatapointsToAlarm", 0);
  alarm.threshold = number_in(in, "Threshold", 0);
  alarm.comparison = string_or(in, "ComparisonOperator");
  alarm.missing_data = string_or(in, "TreatMissingData", "missing");
  alarm.unit = string_or(in, "Unit");
  alarm.alarm_actions = read_list(in, "AlarmActions");
  PAWL_CHECK(cloud_.watch.put_alarm(std::move(alarm), now));
  return json::object{};
}

CloudWatchFace::Output CloudWatchFace::put_metric_data(const json::object& in, WallTime now) {
  const std::string metric_namespace = string_or(in, "Namespace");
  const auto data = objects_in(in, "MetricData");
  if (metric_namespace.empty()) return missing("Namespace");
  if (data.empty()) return missing("MetricData");
  for (const json::object* o : data) {
    cloud::MetricId metric = metric_of(*o);
    metric.metric_namespace = metric_namespace;
    cloud::Sample sample;
    sample.time = time_in(*o, "Timestamp", now);
    sample.unit = string_or(*o, "Unit", "None");
    const json::object& summed = object_or_empty(*o, "StatisticValues");
    const double value = number_in(*o, "Value", 0);
    const bool whole = !summed.empty();
    sample.count = whole ? number_in(summed, "SampleCount", 1) : 1;
    sample.sum = whole ? number_in(summed, "Sum", 0) : value;
    sample.minimum = whole ? number_in(summed, "Minimum", 0) : value;
    sample.maximum = whole ? number_in(summed, "Maximum", 0) : value;
    PAWL_CHECK(cloud_.watch.put(metric, std::move(sample), now));
  }
  return json::object{};
}

CloudWatchFace::Output CloudWatchFace::get_metric_data(const json::object& in) {
  const WallTime from = time_in(in, "StartTime", {});
  const WallTime to = time_in(in, "EndTime", {});
  const bool newest_first = string_or(in, "ScanBy", "TimestampDescending") != "TimestampAscending";
  json::array results;
  for (const json::object* query : objects_in(in, "MetricDataQueries")) {
    if (query->if_contains("Expression"))
      return cloud::aws_error(400, "ValidationError",
                              "the sandbox does not evaluate metric math expressions");
    if (!bool_in(*query, "ReturnData", true)) continue;
    const json::object& stat = object_or_empty(*query, "MetricStat");
    const cloud::MetricId metric = metric_of(object_or_empty(stat, "Metric"));
    PAWL_TRY(auto points, cloud_.watch.statistic(metric, string_or(stat, "Stat"),
                                                 int_in(stat, "Period", 60), from, to));
    if (newest_first) std::reverse(points.begin(), points.end());
    json::array times;
    json::array values;
    for (const cloud::Datapoint& point : points) {
      times.push_back(timestamp(point.start));
      values.push_back(point.value);
    }
    results.push_back(json::object{{"Id", string_or(*query, "Id")},
                                   {"Label", string_or(*query, "Label", metric.name)},
                                   {"Timestamps", std::move(times)},
                                   {"Values", std::move(values)},
                                   {"StatusCode", "Complete"}});
  }
  return json::object{{"MetricDataResults", std::move(results)}, {"Messages", json::array{}}};
}

CloudWatchFace::Output CloudWatchFace::get_metric_statistics(const json::object& in) {
  const cloud::MetricId metric = metric_of(in);
  const WallTime from = time_in(in, "StartTime", {});
  const WallTime to = time_in(in, "EndTime", {});
  const int period = int_in(in, "Period", 60);
  auto wanted = read_list(in, "Statistics");
  const auto extended = read_list(in, "ExtendedStatistics");
  if (wanted.empty() && extended.empty()) return missing("Statistics");
  std::map<int64_t, json::object> rows;
  auto add = [&](const std::string& statistic, bool percentile) -> Result<void> {
    PAWL_TRY(const auto points, cloud_.watch.statistic(metric, statistic, period, from, to));
    for (const cloud::Datapoint& point : points) {
      json::object& row = rows[point.start.unix_ms];
      row["Timestamp"] = timestamp(point.start);
      row["Unit"] = cloud_.watch.unit_of(metric);
      if (percentile) {
        if (!row.if_contains("ExtendedStatistics")) row["ExtendedStatistics"] = json::object{};
        row["ExtendedStatistics"].get_object()[statistic] = point.value;
      } else {
        row[statistic] = point.value;
      }
    }
    return ok();
  };
  for (const std::string& statistic : wanted) PAWL_CHECK(add(statistic, false));
  for (const std::string& statistic : extended) PAWL_CHECK(add(statistic, true));
  json::array points;
  for (auto& [start, row] : rows) points.push_back(std::move(row));
  return json::object{{"Label", metric.name}, {"Datapoints", std::move(points)}};
}

CloudWatchFace::Output CloudWatchFace::list_metrics(const json::object& in) {
  json::array metrics;
  for (const auto& id :
       cloud_.watch.metrics(string_or(in, "Namespace"), string_or(in, "MetricName")))
    metrics.push_back(json::object{{"Namespace", id.metric_namespace},
                                   {"MetricName", id.name},
                                   {"Dimensions", shown(id.dimensions)}});
  return json::object{{"Metrics", std::move(metrics)}};
}

}  // namespace pawl::sandbox
