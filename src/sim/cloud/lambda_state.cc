// Functions to and from JSON, for a state file. Test: tests/sim/lambda_test.cc (StateSurvives...).
#include "sim/cloud/lambda.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

json::object to_json(const FunctionSettings& s) {
  return {{"description", s.description},
          {"role", s.role},
          {"imageUri", s.image_uri},
          {"resolvedImageUri", s.resolved_image_uri},
          {"codeSha256", s.code_sha256},
          {"architecture", s.architecture},
          {"timeout", s.timeout_seconds},
          {"memory", s.memory_mb},
          {"ephemeralStorage", s.ephemeral_storage_mb},
          {"environment", write_map(s.environment)},
          {"entryPoint", write_list(s.entry_point)},
          {"command", write_list(s.command)},
          {"workingDirectory", s.working_directory}};
}

FunctionSettings read_settings(const json::object& o) {
  FunctionSettings s;
  s.description = string_or(o, "description");
  s.role = string_or(o, "role");
  s.image_uri = string_or(o, "imageUri");
  s.resolved_image_uri = string_or(o, "resolvedImageUri");
  s.code_sha256 = string_or(o, "codeSha256");
  s.architecture = string_or(o, "architecture");
  s.timeout_seconds = static_cast<int>(int_or(o, "timeout"));
  s.memory_mb = static_cast<int>(int_or(o, "memory"));
  s.ephemeral_storage_mb = static_cast<int>(int_or(o, "ephemeralStorage"));
  s.environment = read_map(o, "environment");
  s.entry_point = read_list(o, "entryPoint");
  s.command = read_list(o, "command");
  s.working_directory = string_or(o, "workingDirectory");
  return s;
}

json::object to_json(const FunctionVersion& v) {
  return {{"version", v.version},
          {"settings", to_json(v.settings)},
          {"revisionId", v.revision_id},
          {"lastModified", v.last_modified.unix_ms},
          {"state", v.state},
          {"stateReason", v.state_reason},
          {"stateReasonCode", v.state_reason_code},
          {"activeAt", v.active_at.unix_ms},
          {"lastUpdateStatus", v.last_update_status},
          {"lastUpdateReason", v.last_update_reason},
          {"lastUpdateReasonCode", v.last_update_reason_code},
          {"updateDoneAt", v.update_done_at.unix_ms},
          {"lastInvoked", v.last_invoked.unix_ms}};
}

FunctionVersion read_version(const json::object& o, const std::string& function) {
  FunctionVersion v;
  v.function = function;
  v.version = string_or(o, "version");
  v.settings = read_settings(object_or_empty(o, "settings"));
  v.revision_id = string_or(o, "revisionId");
  v.last_modified = time_or(o, "lastModified");
  v.state = string_or(o, "state");
  v.state_reason = string_or(o, "stateReason");
  v.state_reason_code = string_or(o, "stateReasonCode");
  v.active_at = time_or(o, "activeAt");
  v.last_update_status = string_or(o, "lastUpdateStatus");
  v.last_update_reason = string_or(o, "lastUpdateReason");
  v.last_update_reason_code = string_or(o, "lastUpdateReasonCode");
  v.update_done_at = time_or(o, "updateDoneAt");
  v.last_invoked = time_or(o, "lastInvoked");
  return v;
}

json::object to_json(const Alias& a) {
  json::object weights;
  for (const auto& [version, weight] : a.weights) weights[version] = weight;
  return {{"name", a.name},
          {"version", a.version},
          {"description", a.description},
          {"revisionId", a.revision_id},
          {"weights", std::move(weights)}};
}

Alias read_alias(const json::object& o, const std::string& function) {
  Alias a{function,
          string_or(o, "name"),
          string_or(o, "version"),
          string_or(o, "description"),
          string_or(o, "revisionId"),
          {}};
  for (const auto& entry : object_or_empty(o, "weights"))
    if (entry.value().is_number()) a.weights[entry.key()] = entry.value().to_number<double>();
  return a;
}

json::object to_json(const ProvisionedConcurrency& p) {
  return {{"qualifier", p.qualifier},        {"requested", p.requested},
          {"allocated", p.allocated},        {"status", p.status},
          {"statusReason", p.status_reason}, {"lastModified", p.last_modified.unix_ms},
          {"readyAt", p.ready_at.unix_ms}};
}

ProvisionedConcurrency read_provisioned(const json::object& o, const std::string& function) {
  ProvisionedConcurrency p;
  p.function = function;
  p.qualifier = string_or(o, "qualifier");
  p.requested = static_cast<int>(int_or(o, "requested"));
  p.allocated = static_cast<int>(int_or(o, "allocated"));
  p.status = string_or(o, "status");
  p.status_reason = string_or(o, "statusReason");
  p.last_modified = time_or(o, "lastModified");
  p.ready_at = time_or(o, "readyAt");
  return p;
}

}  // namespace

json::object Lambda::to_json() const {
  json::array functions;
  for (const auto& [name, f] : functions_) {
    json::array versions;
    for (const auto& [number, version] : f.versions) versions.push_back(cloud::to_json(version));
    json::array aliases;
    for (const auto& [alias_name, alias] : f.aliases) aliases.push_back(cloud::to_json(alias));
    json::array provisioned;
    for (const auto& [qualifier, config] : f.provisioned)
      provisioned.push_back(cloud::to_json(config));
    json::object o{{"name", name},
                   {"latest", cloud::to_json(f.latest)},
                   {"versions", std::move(versions)},
                   {"aliases", std::move(aliases)},
                   {"provisioned", std::move(provisioned)},
                   {"tags", write_map(f.tags)},
                   {"nextVersion", f.next_version},
                   {"change", f.change},
                   {"publishedChange", f.published_change},
                   {"plannedFailureCode", f.planned_failure_code},
                   {"plannedFailure", f.planned_failure},
                   {"failureUnderWay", f.failure_under_way}};
    if (f.serving) o["serving"] = cloud::to_json(*f.serving);
    if (f.reserved_concurrency) o["reservedConcurrency"] = *f.reserved_concurrency;
    functions.push_back(std::move(o));
  }
  return {{"functions", std::move(functions)}};
}

Result<void> Lambda::load(const json::object& object) {
  functions_.clear();
  for (const json::object* o : objects_in(object, "functions")) {
    PAWL_TRY(const std::string name, require_string(*o, "name", "a function in the cloud's state"));
    Function f;
    f.latest = read_version(object_or_empty(*o, "latest"), name);
    for (const json::object* v : objects_in(*o, "versions")) {
      FunctionVersion version = read_version(*v, name);
      const int number = std::atoi(version.version.c_str());
      if (number > 0) f.versions[number] = std::move(version);
    }
    for (const json::object* a : objects_in(*o, "aliases")) {
      Alias alias = read_alias(*a, name);
      f.aliases[alias.name] = std::move(alias);
    }
    for (const json::object* p : objects_in(*o, "provisioned")) {
      ProvisionedConcurrency config = read_provisioned(*p, name);
      f.provisioned[config.qualifier] = std::move(config);
    }
    f.tags = read_map(*o, "tags");
    f.next_version = static_cast<int>(int_or(*o, "nextVersion", 1));
    f.change = int_or(*o, "change", 1);
    f.published_change = int_or(*o, "publishedChange");
    f.planned_failure_code = string_or(*o, "plannedFailureCode");
    f.planned_failure = string_or(*o, "plannedFailure");
    f.failure_under_way = bool_or(*o, "failureUnderWay");
    if (const json::value* serving = find(*o, "serving"); serving && serving->is_object())
      f.serving = read_settings(serving->get_object());
    if (find(*o, "reservedConcurrency"))
      f.reserved_concurrency = static_cast<int>(int_or(*o, "reservedConcurrency"));
    functions_[name] = std::move(f);
  }
  return ok();
}

}  // namespace pawl::cloud
