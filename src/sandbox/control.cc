// The sandbox's own API: what runs, what was printed, faults, reset, end. JSON, with the control
// token as bearer, so that no web page can reach it.
//
//   GET /status      GET /logs?function=F&after=N     POST /reset     POST /stop
//   GET /faults      POST /faults                     DELETE /faults  DELETE /faults/N
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/hash.h"
#include "sandbox/sandbox.h"

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxControlBytes = 64u << 10;
constexpr size_t kFunctionsAtATime = 50;

ServerResponse json_response(int status, const json::value& body) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(body);
  return response;
}

ServerResponse problem(const Error& error) {
  int status = 500;
  if (error.kind() == ErrorKind::usage || error.kind() == ErrorKind::corrupt) status = 400;
  if (error.kind() == ErrorKind::not_found) status = 404;
  return json_response(status, json::object{{"message", error.message()}});
}

}  // namespace

Task<ServerResponse> Sandbox::control(ServerRequest& request) {
  const std::string wanted =
      "Bearer " + connection_.credentials.control_token.reveal_for("the control API");
  if (!equal_in_constant_time(request.headers().get_or("Authorization", ""), wanted))
    co_return json_response(401,
                            json::object{{"message", "the control token is missing or wrong"}});
  const std::string& method = request.method();
  const std::string path(request.raw_path());
  if (!world_) co_return json_response(503, json::object{{"message", "the sandbox is starting"}});
  if (method == "GET" && path == "/status") co_return json_response(200, status());
  if (method == "GET" && path == "/logs") co_return logs(request);
  if (method == "POST" && path == "/reset") co_return co_await reset();
  if (method == "POST" && path == "/stop") {
    // After the answer has gone out.
    loop_.post([stop = stop_]() mutable { stop.request_stop(); });
    co_return json_response(202, json::object{{"stopping", true}});
  }
  if (path == "/faults") co_return co_await change_faults(request, "");
  if (path.starts_with("/faults/")) co_return co_await change_faults(request, path.substr(8));
  co_return json_response(404, json::object{{"message", "there is no such call"}});
}

json::object Sandbox::api_status(const EnvironmentSeed& environment) const {
  json::object shown{{"environment", environment.name},
                     {"function", environment.function},
                     {"alias", environment.alias},
                     {"repository", environment.ecr_repository},
                     {"bucket", environment.bucket}};
  for (const auto& api : connection_.apis)
    if (api.environment == environment.name) shown["url"] = api.url;
  auto live =
      world_->cloud().lambda.get(environment.function, environment.alias, loop_.clock().now());
  if (live.ok()) {
    shown["version"] = live->version;
    shown["image"] = live->settings.resolved_image_uri;
  } else {
    shown["version"] = nullptr;
    shown["image"] = nullptr;
  }
  return shown;
}

json::object Sandbox::status() const {
  json::array environments, functions, warnings, repositories;
  for (const auto& environment : options_.seed.environments)
    environments.push_back(api_status(environment));
  for (const auto& count : world_->runner().counts())
    functions.push_back(json::object{{"function", count.function},
                                     {"version", count.version},
                                     {"instances", count.instances},
                                     {"busy", count.busy}});
  for (const auto& warning : isolation_.warnings) warnings.emplace_back(warning);
  for (const auto& warning : warnings_) warnings.emplace_back(warning);
  if (!keeper_->problem().empty())
    warnings.emplace_back("the state is not saved: " + keeper_->problem());
  for (const auto& name : world_->github_model().repositories()) {
    const auto repository = world_->github_model().repository(name);
    if (!repository.ok()) continue;
    int64_t open = 0;
    for (const auto& [number, issue] : (*repository)->issues) open += issue.state == "open" ? 1 : 0;
    repositories.push_back(json::object{
        {"name", name}, {"open_issues", open}, {"deployments", (*repository)->deployments.size()}});
  }
  const json::object urls{{"aws", connection_.aws_url},
                          {"github", connection_.github_url},
                          {"source_registry", connection_.source_registry_url},
                          {"ecr_registry", connection_.ecr_registry_url},
                          {"control", connection_.control_url}};
  return {{"pid", connection_.pid},
          {"folder", fs::absolute(options_.folder).string()},
          {"uptime_ms", (loop_.clock().steady_now() - started_).count()},
          {"account", connection_.account},
          {"region", connection_.region},
          {"isolation", isolation_.description()},
          {"warnings", std::move(warnings)},
          {"urls", urls},
          {"environments", std::move(environments)},
          {"running", std::move(functions)},
          {"github", std::move(repositories)},
          {"faults", faults_.list().size()}};
}

std::set<std::string> Sandbox::function_names() const {
  std::set<std::string> names;
  for (const auto& environment : options_.seed.environments) names.insert(environment.function);
  for (const auto& name : world_->logs().functions()) names.insert(name);
  std::string next;
  do {
    const auto page = world_->cloud().lambda.list(next, kFunctionsAtATime, loop_.clock().now());
    for (const auto& each : page.items) names.insert(each.function);
    next = page.next;
  } while (!next.empty());
  return names;
}

ServerResponse Sandbox::logs(ServerRequest& request) const {
  const std::string wanted = request.query("function").value_or("");
  const auto known = function_names();
  if (!wanted.empty() && !known.contains(wanted))
    return problem(
        Error(ErrorKind::not_found, fmt::format("the sandbox has no function '{}'; it has {}",
                                                wanted, fmt::join(known, ", "))));
  const std::string after_text = request.query("after").value_or("0");
  const int64_t after = std::strtoll(after_text.c_str(), nullptr, 10);
  json::array lines;
  for (const auto& function : world_->logs().functions()) {
    if (!wanted.empty() && function != wanted) continue;
    for (const auto& line : world_->logs().read(function, after))
      lines.push_back(json::object{{"sequence", line.sequence},
                                   {"time", to_iso8601(line.time)},
                                   {"function", function},
                                   {"version", line.version},
                                   {"text", line.text}});
  }
  return json_response(200, json::object{{"lines", std::move(lines)}});
}

Task<ServerResponse> Sandbox::change_faults(ServerRequest& request, std::string id) {
  if (request.method() == "POST" && id.empty()) {
    auto body = co_await request.read_all(kMaxControlBytes);
    if (!body.ok()) co_return problem(body.error());
    auto object = parse_json_object(*body, "the fault");
    if (!object.ok()) co_return problem(object.error());
    auto rule = fault_rule_from_json(*object);
    if (!rule.ok()) co_return problem(rule.error());
    auto added = faults_.add(*std::move(rule));
    if (!added.ok()) co_return problem(added.error());
    co_return json_response(201, sandbox::to_json(*added));
  }
  if (request.method() == "DELETE") {
    auto cleared =
        faults_.clear(id.empty() ? 0 : std::max(1ll, std::strtoll(id.c_str(), nullptr, 10)));
    if (!cleared.ok()) co_return problem(cleared.error());
  } else if (request.method() != "GET" || !id.empty()) {
    co_return json_response(405, json::object{{"message", "there is no such call"}});
  }
  json::array rules;
  for (const auto& rule : faults_.list()) rules.push_back(sandbox::to_json(rule));
  co_return json_response(200, json::object{{"faults", std::move(rules)}});
}

// Everything that was deployed, pushed and said is forgotten; ports and credentials stay.
Task<ServerResponse> Sandbox::reset() {
  const std::shared_ptr<World> old = world_;
  co_await old->stop();
  std::error_code ignored;
  for (const char* part : {"objects", "registries", "functions"})
    fs::remove_all(options_.folder / part, ignored);
  auto fresh = new_world();
  if (!fresh.ok()) co_return problem(fresh.error());
  auto seeded = (*fresh)->seed(options_.seed);
  if (!seeded.ok()) co_return problem(seeded.error());
  world_ = *std::move(fresh);
  ++generation_;
  (void)faults_.clear(0);
  auto saved = keeper_->save_now();
  if (!saved.ok()) co_return problem(saved.error());
  list_apis();
  auto written = write_connection(options_.folder, connection_);
  if (!written.ok()) co_return problem(written.error());
  co_return json_response(200, status());
}

}  // namespace pawl::sandbox
