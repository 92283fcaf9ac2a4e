#include "aws/cloud_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr int kMaxAlarmPages = 100;

Call watch_call(std::string action) {
  Call call;
  call.service = Service::cloud_watch;
  call.action = "cloudwatch:" + action;
  call.method = "POST";
  call.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  call.body = "Action=" + action + "&Version=2010-08-01";
  return call;
}

void add(Call& call, std::string_view name, std::string_view value) {
  call.body += fmt::format("&{}={}", name, url_encode(value));
}

void add_query(Call& call, const MetricQuery& query) {
  const std::string prefix = "MetricDataQueries.member.1.";
  add(call, prefix + "Id", query.id);
  add(call, prefix + "ReturnData", "true");
  add(call, prefix + "MetricStat.Stat", query.statistic);
  add(call, prefix + "MetricStat.Period", std::to_string(query.period_seconds));
  add(call, prefix + "MetricStat.Metric.Namespace", query.metric_namespace);
  add(call, prefix + "MetricStat.Metric.MetricName", query.name);
  int number = 0;
  for (const auto& [name, value] : query.dimensions) {
    const auto dimension =
        fmt::format("{}MetricStat.Metric.Dimensions.member.{}.", prefix, ++number);
    add(call, dimension + "Name", name);
    add(call, dimension + "Value", value);
  }
}

Result<void> read_points(const XmlElement& result, std::vector<MetricPoint>& points) {
  const XmlElement* times = result.find("Timestamps");
  const XmlElement* values = result.find("Values");
  if (times == nullptr || values == nullptr) return ok();
  const auto time_members = times->all("member");
  const auto value_members = values->all("member");
  for (size_t i = 0; i < std::min(time_members.size(), value_members.size()); ++i) {
    PAWL_TRY(const WallTime time, parse_iso8601(time_members[i]->text));
    points.push_back(MetricPoint{time, std::strtod(value_members[i]->text.c_str(), nullptr)});
  }
  return ok();
}

}  // namespace

Task<Result<std::vector<Alarm>>> CloudWatch::alarms(std::vector<std::string> names) {
  std::vector<Alarm> alarms;
  std::string next;
  for (int page = 0; page < kMaxAlarmPages; ++page) {
    Call call = watch_call("DescribeAlarms");
    for (size_t i = 0; i < names.size(); ++i)
      add(call, fmt::format("AlarmNames.member.{}", i + 1), names[i]);
    if (!next.empty()) add(call, "NextToken", next);
    PAWL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    PAWL_CO_TRY(auto answer, parse_xml(response.body, "the answer of DescribeAlarms"));
    for (const char* list : {"MetricAlarms", "CompositeAlarms"}) {
      const XmlElement* members = answer.find(std::string("DescribeAlarmsResult/") + list);
      if (members == nullptr) continue;
      for (const XmlElement* each : members->all("member"))
        alarms.push_back(Alarm{each->text_of("AlarmName"), each->text_of("StateValue"),
                               each->text_of("StateReason")});
    }
    next = answer.text_of("DescribeAlarmsResult/NextToken");
    if (next.empty()) co_return alarms;
  }
  co_return Error(ErrorKind::corrupt, "the list of alarms does not end");
}

Task<Result<std::vector<MetricPoint>>> CloudWatch::metric(MetricQuery query, WallTime from,
                                                          WallTime to) {
  std::vector<MetricPoint> points;
  std::string next;
  for (int page = 0; page < kMaxAlarmPages; ++page) {
    Call call = watch_call("GetMetricData");
    add(call, "StartTime", to_iso8601(from));
    add(call, "EndTime", to_iso8601(to));
    add(call, "ScanBy", "TimestampAscending");
    add_query(call, query);
    if (!next.empty()) add(call, "NextToken", next);
    PAWL_CO_TRY(auto response, co_await client_.send(std::move(call)));
    PAWL_CO_TRY(auto answer, parse_xml(response.body, "the answer of GetMetricData"));
    if (const XmlElement* results = answer.find("GetMetricDataResult/MetricDataResults"))
      for (const XmlElement* each : results->all("member"))
        PAWL_CO_CHECK(read_points(*each, points));
    next = answer.text_of("GetMetricDataResult/NextToken");
    if (!next.empty()) continue;
    std::sort(points.begin(), points.end(),
              [](const MetricPoint& a, const MetricPoint& b) { return a.time < b.time; });
    co_return points;
  }
  co_return Error(ErrorKind::corrupt, "the values of the metric do not end");
}

}  // namespace pawl::aws
