#include "sim/cloud/cloudwatch.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

constexpr size_t kMaxSamples = 20'000;  // of one metric; the oldest go
constexpr size_t kMaxMetrics = 5'000;
constexpr size_t kMaxAlarmsInPage = 100;
constexpr int64_t kMsPerSecond = 1000;

bool is_statistic(const std::string& name) {
  return name == "Sum" || name == "Average" || name == "Minimum" || name == "Maximum" ||
         name == "SampleCount";
}

std::optional<double> percentile_of(const std::string& name) {
  if (name.size() < 2 || name[0] != 'p') return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(name.c_str() + 1, &end);
  if (*end != '\0' || value < 0 || value > 100) return std::nullopt;
  return value;
}

double summarise(const std::vector<const Sample*>& samples, const std::string& statistic) {
  double count = 0;
  double sum = 0;
  double low = samples.front()->minimum;
  double high = samples.front()->maximum;
  for (const Sample* s : samples) {
    count += s->count;
    sum += s->sum;
    low = std::min(low, s->minimum);
    high = std::max(high, s->maximum);
  }
  if (statistic == "Sum") return sum;
  if (statistic == "SampleCount") return count;
  if (statistic == "Minimum") return low;
  if (statistic == "Maximum") return high;
  if (const auto percent = percentile_of(statistic)) {
    std::vector<double> values;
    for (const Sample* s : samples) values.push_back(s->sum / std::max(1.0, s->count));
    std::sort(values.begin(), values.end());
    const auto rank =
        static_cast<size_t>(std::ceil(*percent / 100.0 * static_cast<double>(values.size())));
    return values[rank == 0 ? 0 : rank - 1];
  }
  return count == 0 ? 0 : sum / count;
}

bool breaches(const Alarm& alarm, double value) {
  if (alarm.comparison == "GreaterThanThreshold") return value > alarm.threshold;
  if (alarm.comparison == "GreaterThanOrEqualToThreshold") return value >= alarm.threshold;
  if (alarm.comparison == "LessThanThreshold") return value < alarm.threshold;
  return value <= alarm.threshold;  // LessThanOrEqualToThreshold
}

bool is_alarm_state(const std::string& state) {
  return state == "OK" || state == "ALARM" || state == "INSUFFICIENT_DATA";
}

}  // namespace

Result<void> CloudWatch::put(const MetricId& metric, Sample sample, WallTime now) {
  PAWL_CHECK(count(metric, std::move(sample), now));
  ledger_.record(now, "monitoring", "PutMetricData", metric.metric_namespace + "/" + metric.name);
  return ok();
}

Result<void> CloudWatch::count(const MetricId& metric, Sample sample, WallTime now) {
  if (metric.metric_namespace.empty() || metric.name.empty())
    return aws_error(400, "MissingParameter",
                     "The parameter Namespace and MetricName are required.");
  if (!metrics_.contains(metric) && metrics_.size() >= kMaxMetrics)
    return aws_error(400, "LimitExceeded", "Too many metrics");
  if (sample.time == WallTime{}) sample.time = now;
  auto& samples = metrics_[metric];
  samples.push_back(std::move(sample));
  if (samples.size() > kMaxSamples) samples.pop_front();
  return ok();
}

std::vector<MetricId> CloudWatch::metrics(const std::string& metric_namespace,
                                          const std::string& name) const {
  std::vector<MetricId> found;
  for (const auto& [id, samples] : metrics_) {
    if (!metric_namespace.empty() && id.metric_namespace != metric_namespace) continue;
    if (!name.empty() && id.name != name) continue;
    found.push_back(id);
  }
  return found;
}

std::string CloudWatch::unit_of(const MetricId& metric) const {
  auto found = metrics_.find(metric);
  return found == metrics_.end() || found->second.empty() ? "None" : found->second.back().unit;
}

Result<std::vector<Datapoint>> CloudWatch::statistic(const MetricId& metric,
                                                     const std::string& statistic,
                                                     int period_seconds, WallTime from,
                                                     WallTime to) const {
  if (!is_statistic(statistic) && !percentile_of(statistic))
    return aws_error(400, "InvalidParameterValue",
                     fmt::format("The parameter Statistics must be one of Average, Sum, Minimum, "
                                 "Maximum, SampleCount or a percentile; got {}",
                                 statistic));
  if (period_seconds < 1)
    return aws_error(400, "InvalidParameterValue", "The parameter Period must be at least 1.");
  if (from >= to)
    return aws_error(400, "InvalidParameterValue",
                     "The parameter StartTime must be less than the parameter EndTime.");
  std::map<int64_t, std::vector<const Sample*>> periods;
  const int64_t period_ms = period_seconds * kMsPerSecond;
  auto found = metrics_.find(metric);
  if (found != metrics_.end()) {
    for (const Sample& sample : found->second)
      if (sample.time >= from && sample.time < to)
        periods[sample.time.unix_ms / period_ms * period_ms].push_back(&sample);
  }
  std::vector<Datapoint> points;
  for (const auto& [start, samples] : periods)
    points.push_back({WallTime{start}, summarise(samples, statistic)});
  return points;
}

Result<void> CloudWatch::put_alarm(Alarm alarm, WallTime now) {
  if (alarm.name.empty())
    return aws_error(400, "MissingParameter", "The parameter AlarmName is required.");
  auto before = alarms_.find(alarm.name);
  if (before != alarms_.end()) {
    alarm.state = before->second.state;
    alarm.state_reason = before->second.state_reason;
    alarm.state_updated = before->second.state_updated;
  } else {
    alarm.state_updated = now;
  }
  alarm.configured = now;
  ledger_.record(now, "monitoring", "PutMetricAlarm", alarm.name);
  alarms_[alarm.name] = std::move(alarm);
  return ok();
}

Result<void> CloudWatch::delete_alarms(const std::vector<std::string>& names, WallTime now) {
  for (const std::string& name : names)
    if (!alarms_.contains(name)) return aws_error(404, "ResourceNotFound", name);
  for (const std::string& name : names) {
    alarms_.erase(name);
    ledger_.record(now, "monitoring", "DeleteAlarms", name);
  }
  return ok();
}

Result<void> CloudWatch::set_state(const std::string& name, const std::string& state,
                                   const std::string& reason, WallTime now) {
  auto found = alarms_.find(name);
  if (found == alarms_.end())
    return aws_error(404, "ResourceNotFound", fmt::format("Alarm {} does not exist", name));
  if (!is_alarm_state(state))
    return aws_error(
        400, "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at 'stateValue' failed to "
                    "satisfy constraint: Member must satisfy enum value set: "
                    "[INSUFFICIENT_DATA, ALARM, OK]",
                    state));
  found->second.state = state;
  found->second.state_reason = reason;
  found->second.state_updated = now;
  ledger_.record(now, "monitoring", "SetAlarmState", name, {{"state", state}});
  return ok();
}

void CloudWatch::evaluate(Alarm& alarm, WallTime now) {
  if (!metrics_.contains(alarm.metric)) return;
  const int64_t period_ms = std::max(1, alarm.period_seconds) * kMsPerSecond;
  // Only periods that are over count: the running one may still change.
  const WallTime to{now.unix_ms / period_ms * period_ms};
  const int periods = std::max(1, alarm.evaluation_periods);
  const WallTime from{to.unix_ms - periods * period_ms};
  auto points = statistic(alarm.metric, alarm.statistic, alarm.period_seconds, from, to);
  if (!points.ok()) return;
  int breaching = 0;
  for (const Datapoint& point : *points) breaching += breaches(alarm, point.value) ? 1 : 0;
  const int missing = periods - static_cast<int>(points->size());
  if (alarm.missing_data == "breaching") breaching += missing;
  if (alarm.missing_data == "ignore" && points->empty()) return;
  const int needed = alarm.datapoints_to_alarm > 0 ? alarm.datapoints_to_alarm : periods;
  std::string state = breaching >= needed ? "ALARM" : "OK";
  if (points->empty() && alarm.missing_data == "missing") state = "INSUFFICIENT_DATA";
  if (state == alarm.state) return;
  alarm.state = state;
  alarm.state_reason = fmt::format(
      "Threshold Crossed: {} of {} datapoints were breaching the "
      "threshold ({}).",
      breaching, periods, alarm.threshold);
  alarm.state_updated = now;
}

Page<Alarm> CloudWatch::alarms(const AlarmQuery& query, WallTime now) {
  const size_t limit = std::clamp<size_t>(query.max, 1, kMaxAlarmsInPage);
  Page<Alarm> page;
  for (auto it = alarms_.lower_bound(query.marker); it != alarms_.end(); ++it) {
    Alarm& alarm = it->second;
    evaluate(alarm, now);
    const bool named = query.names.empty() || std::find(query.names.begin(), query.names.end(),
                                                        alarm.name) != query.names.end();
    if (!named || alarm.name.compare(0, query.prefix.size(), query.prefix) != 0) continue;
    if (!query.state.empty() && alarm.state != query.state) continue;
    if (page.items.size() == limit) {
      page.next = alarm.name;
      break;
    }
    page.items.push_back(alarm);
  }
  return page;
}

std::string CloudWatch::alarm_arn(const std::string& name) const {
  return account_.arn("cloudwatch", "alarm:" + name);
}

namespace {

json::object write(const MetricId& id) {
  return {{"namespace", id.metric_namespace},
          {"name", id.name},
          {"dimensions", write_map(id.dimensions)}};
}

MetricId read_metric(const json::object& o) {
  return {string_or(o, "namespace"), string_or(o, "name"), read_map(o, "dimensions")};
}

json::object write(const Alarm& a) {
  return {{"name", a.name},
          {"description", a.description},
          {"metric", write(a.metric)},
          {"statistic", a.statistic},
          {"period", a.period_seconds},
          {"evaluationPeriods", a.evaluation_periods},
          {"datapointsToAlarm", a.datapoints_to_alarm},
          {"threshold", a.threshold},
          {"comparison", a.comparison},
          {"missingData", a.missing_data},
          {"unit", a.unit},
          {"actionsEnabled", a.actions_enabled},
          {"alarmActions", write_list(a.alarm_actions)},
          {"state", a.state},
          {"stateReason", a.state_reason},
          {"stateUpdated", a.state_updated.unix_ms},
          {"configured", a.configured.unix_ms}};
}

Alarm read_alarm(const json::object& o) {
  Alarm a;
  a.name = string_or(o, "name");
  a.description = string_or(o, "description");
  a.metric = read_metric(object_or_empty(o, "metric"));
  a.statistic = string_or(o, "statistic");
  a.period_seconds = static_cast<int>(int_or(o, "period"));
  a.evaluation_periods = static_cast<int>(int_or(o, "evaluationPeriods"));
  a.datapoints_to_alarm = static_cast<int>(int_or(o, "datapointsToAlarm"));
  a.threshold = number_or(o, "threshold");
  a.comparison = string_or(o, "comparison");
  a.missing_data = string_or(o, "missingData");
  a.unit = string_or(o, "unit");
  a.actions_enabled = bool_or(o, "actionsEnabled", true);
  a.alarm_actions = read_list(o, "alarmActions");
  a.state = string_or(o, "state");
  a.state_reason = string_or(o, "stateReason");
  a.state_updated = time_or(o, "stateUpdated");
  a.configured = time_or(o, "configured");
  return a;
}

}  // namespace

json::object CloudWatch::to_json() const {
  json::array metrics;
  for (const auto& [id, samples] : metrics_) {
    // Samples as arrays: there may be many.
    json::array rows;
    for (const Sample& s : samples)
      rows.push_back(
          json::array{s.time.unix_ms, s.count, s.sum, s.minimum, s.maximum, json::string(s.unit)});
    json::object metric = write(id);
    metric["samples"] = std::move(rows);
    metrics.push_back(std::move(metric));
  }
  json::array alarms;
  for (const auto& [name, alarm] : alarms_) alarms.push_back(write(alarm));
  return {{"metrics", std::move(metrics)}, {"alarms", std::move(alarms)}};
}

Result<void> CloudWatch::load(const json::object& object) {
  metrics_.clear();
  alarms_.clear();
  for (const json::object* o : objects_in(object, "metrics")) {
    auto& samples = metrics_[read_metric(*o)];
    const json::value* rows = o->if_contains("samples");
    if (rows == nullptr || !rows->is_array()) continue;
    for (const json::value& row : rows->get_array()) {
      constexpr size_t kFields = 6;
      if (!row.is_array() || row.get_array().size() != kFields) continue;
      const json::array& r = row.get_array();
      auto number = [&](size_t i) { return r[i].is_number() ? r[i].to_number<double>() : 0.0; };
      samples.push_back({WallTime{static_cast<int64_t>(number(0))}, number(1), number(2), number(3),
                         number(4), r[5].is_string() ? std::string(r[5].get_string()) : "None"});
    }
  }
  for (const json::object* o : objects_in(object, "alarms")) {
    Alarm alarm = read_alarm(*o);
    alarms_[alarm.name] = std::move(alarm);
  }
  return ok();
}

}  // namespace pawl::cloud
