// pawl sandbox up|down|status|logs|reset|env|fault
#include "cli/sandbox.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/store_choice.h"
#include "cli/terminal.h"
#include "sandbox/fault_rules.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kFollowEvery{300};
constexpr int kMaxPort = 65'000;

/// Runs `talk` with the sandbox of this project, and reports what went wrong.
using Talk = std::function<Task<Result<int>>(HttpClient&, Clock&, const sandbox::Connection&)>;

int with_sandbox(const Globals& globals, const Talk& talk) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  auto connection = running_sandbox(sandbox_folder(config->state_dir));
  if (!connection.ok()) return report(connection.error(), globals);
  Loop loop;
  std::stop_source stop;
  loop.stop_on_signals(stop);
  const auto client = make_http_client(loop);
  auto code = loop.run(talk(*client, loop.clock(), *connection), stop.get_token());
  return code.ok() ? *code : report(code.error(), globals);
}

void print_addresses(const sandbox::Connection& connection) {
  fmt::print("  AWS              {}\n", connection.aws_url);
  fmt::print("  GitHub           {}\n", connection.github_url);
  for (const auto& [host, url] : connection.registries) fmt::print("  {:<16} {}\n", host, url);
  fmt::print("  ECR's registry   {}\n", connection.ecr_registry_url);
  for (const auto& api : connection.apis) fmt::print("  {:<16} {}\n", api.environment, api.url);
}

int up(const Globals& globals, int port, int github_rate_limit, bool detach) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  SandboxUp request;
  request.folder = sandbox_folder(config->state_dir);
  request.seed = sandbox::seed_of(config->config);
  request.detach = detach;
  if (port < 0 || port > kMaxPort)
    return report(Error(ErrorKind::usage, fmt::format("--port wants 1 to {}", kMaxPort)), globals);
  if (port > 0) request.base_port = static_cast<uint16_t>(port);
  if (github_rate_limit < 0)
    return report(Error(ErrorKind::usage, "--github-rate-limit wants 1 or more"), globals);
  request.github_rate_limit = github_rate_limit;
  auto done = sandbox_up(request, [&](const sandbox::Connection& connection, bool already) {
    if (globals.quiet) return;
    fmt::print("{}\n", already ? "The sandbox runs already." : "The sandbox is ready.");
    print_addresses(connection);
    fmt::print("\nTry: pawl deploy {} --sandbox\n",
               connection.apis.empty() ? "dev" : connection.apis.front().environment);
    if (!detach && !already) fmt::print("It ends with Ctrl-C.\n");
    std::fflush(stdout);
  });
  return done.ok() ? kDone : report(done.error(), globals);
}

int down(const Globals& globals) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  auto ended = sandbox_down(sandbox_folder(config->state_dir));
  if (!ended.ok()) return report(ended.error(), globals);
  if (!globals.quiet) fmt::print("{}\n", *ended ? "The sandbox has ended." : "No sandbox ran.");
  return kDone;
}

void print_status(const json::object& status, const Terminal& terminal) {
  fmt::print("The sandbox runs (process {}, {}).\n", int_or(status, "pid"),
             format_duration(std::chrono::milliseconds(int_or(status, "uptime_ms"))));
  fmt::print("Functions run in {}.\n", string_or(status, "isolation"));
  const auto each = [&status](const char* list, auto&& show) {
    const json::value* values = status.if_contains(list);
    if (values == nullptr || !values->is_array()) return;
    for (const auto& value : values->get_array()) show(value);
  };
  each("warnings", [&](const json::value& warning) {
    if (warning.is_string())
      fmt::print("{}\n", terminal.yellow("warning: " + std::string(warning.get_string())));
  });
  fmt::print("\n");
  if (const json::value* urls = status.if_contains("urls"); urls != nullptr && urls->is_object())
    for (const auto& [name, url] : urls->get_object())
      if (url.is_string())
        fmt::print("  {:<16} {}\n", std::string(name), std::string(url.get_string()));
  fmt::print("\n");
  each("environments", [&](const json::value& value) {
    const json::object& e = value.get_object();
    const std::string version = string_or(e, "version");
    fmt::print("  {:<16} {}  {}\n", string_or(e, "environment"), string_or(e, "url"),
               version.empty()
                   ? std::string("nothing deployed yet")
                   : fmt::format("version {} of {}", version, string_or(e, "function")));
  });
  each("github", [&](const json::value& value) {
    const json::object& r = value.get_object();
    fmt::print("  {:<16} {} open issues, {} deployments\n", string_or(r, "name"),
               int_or(r, "open_issues"), int_or(r, "deployments"));
  });
  if (const auto faults = int_or(status, "faults"); faults > 0)
    fmt::print("{}\n",
               terminal.yellow(fmt::format("{} faults are on: pawl sandbox fault list", faults)));
}

int status(const Globals& globals) {
  return with_sandbox(globals,
                      [&globals](HttpClient& client, Clock&,
                                 const sandbox::Connection& connection) -> Task<Result<int>> {
                        PAWL_CO_TRY(const auto answer,
                                    co_await call_sandbox(client, connection, "GET", "/status"));
                        if (globals.json)
                          fmt::print("{}", pretty(answer));
                        else
                          print_status(answer, Terminal::of_stdout(globals.environment));
                        co_return kDone;
                      });
}

// The highest sequence number that was shown.
int64_t print_lines(const json::object& answer, bool as_json, bool with_function, int64_t last) {
  const json::value* lines = answer.if_contains("lines");
  if (lines == nullptr || !lines->is_array()) return last;
  for (const auto& value : lines->get_array()) {
    const json::object& line = value.get_object();
    last = std::max(last, int_or(line, "sequence"));
    if (as_json)
      fmt::print("{}\n", json::serialize(line));
    else
      fmt::print("{} {}{}\n", string_or(line, "time"),
                 with_function ? string_or(line, "function") + " " : "",
                 printable(string_or(line, "text")));
  }
  std::fflush(stdout);
  return last;
}

int logs(const Globals& globals, std::string function, bool follow) {
  return with_sandbox(
      globals,
      [&globals, function, follow](HttpClient& client, Clock& clock,
                                   const sandbox::Connection& connection) -> Task<Result<int>> {
        int64_t last = 0;
        for (;;) {
          const std::string path =
              fmt::format("/logs?function={}&after={}", url_encode(function), last);
          PAWL_CO_TRY(const auto answer, co_await call_sandbox(client, connection, "GET", path));
          last = print_lines(answer, globals.json, function.empty(), last);
          if (!follow) co_return kDone;
          auto slept = co_await clock.sleep_for(kFollowEvery);
          if (!slept.ok()) co_return kDone;  // Ctrl-C is how one stops looking
        }
      });
}

// With what the sandbox knows goes what its journal tells of it. A journal that somebody named may
// tell of more than the sandbox, and stays.
int reset(const Globals& globals) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  return with_sandbox(
      globals,
      [&globals, &config](HttpClient& client, Clock&,
                          const sandbox::Connection& connection) -> Task<Result<int>> {
        PAWL_CO_TRY(const auto answer, co_await call_sandbox(client, connection, "POST", "/reset"));
        PAWL_CO_CHECK(remove_sandbox_journal(config->state_dir));
        if (globals.json)
          fmt::print("{}", pretty(answer));
        else if (!globals.quiet)
          fmt::print("The sandbox is as new: nothing is deployed, pushed or said{}.\n",
                     names_a_store(globals) ? "; the journal that --store or PAWL_STORE names is "
                                              "as it was"
                                            : ", and its journal is empty");
        co_return kDone;
      });
}

// 'it'\''s' is how a shell takes any text.
std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

int print_environment(const Globals& globals) {
  return with_sandbox(
      globals,
      [&globals](HttpClient&, Clock&, const sandbox::Connection& connection) -> Task<Result<int>> {
        const auto variables = sandbox::environment_of(connection);
        json::object object;
        for (const auto& [name, value] : variables) object[name] = value;
        if (globals.json)
          fmt::print("{}", pretty(object));
        else
          for (const auto& [name, value] : variables)
            fmt::print("export {}={}\n", name, shell_quoted(value));
        co_return kDone;
      });
}

// ---- faults

struct FaultOptions {
  std::string kind;
  std::string service = "*";
  std::string operation = "*";
  std::string resource = "*";
  std::string probability;
  int every = 1;
  int count = 0;
};

// "2nd"
std::string ordinal(int64_t number) {
  const bool is_teen = number % 100 >= 11 && number % 100 <= 13;
  const int64_t last = is_teen ? 0 : number % 10;
  return fmt::format("{}{}", number, last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

void print_fault(const json::object& fault) {
  std::string what = string_or(fault, "kind");
  if (what == "error") what = fmt::format("answers {}", int_or(fault, "status"));
  if (what == "slow") what = fmt::format("waits {} ms", int_or(fault, "delay_ms"));
  if (what == "drop") what = "drops the answer";
  if (what == "throttle") what = "throttles";
  std::string when;
  if (int_or(fault, "every") > 1)
    when += fmt::format(", every {} request", ordinal(int_or(fault, "every")));
  if (number_or(fault, "probability", 1) < 1)
    when += fmt::format(", with probability {}", number_or(fault, "probability", 1));
  if (int_or(fault, "count") > 0) when += fmt::format(", {} times at most", int_or(fault, "count"));
  fmt::print("{:>3}  {} {} {}: {}{} (happened {} of {})\n", int_or(fault, "id"),
             string_or(fault, "service"), string_or(fault, "operation"),
             string_or(fault, "resource"), what, when, int_or(fault, "happened"),
             int_or(fault, "seen"));
}

Result<std::string> fault_body(const FaultOptions& options) {
  json::object body{{"service", options.service},
                    {"operation", options.operation},
                    {"resource", options.resource},
                    {"every", options.every},
                    {"count", options.count}};
  // "slow:250ms" and "503" say two things at once; the sandbox reads them the same way.
  body["kind"] = options.kind;
  if (options.kind.starts_with("slow:")) {
    PAWL_TRY(const auto rule, sandbox::parse_fault_kind(options.kind));
    body["kind"] = "slow";
    body["delay_ms"] = rule.delay.count();
  }
  if (!options.probability.empty()) {
    char* end = nullptr;
    const double value = std::strtod(options.probability.c_str(), &end);
    if (*end != '\0' || !(value > 0) || value > 1)
      return Error(ErrorKind::usage, "--probability wants a number above 0, at most 1");
    body["probability"] = value;
  }
  return json::serialize(body);
}

int change_faults(const Globals& globals, std::string method, std::string path, std::string body) {
  return with_sandbox(
      globals,
      [&globals, method, path, body](HttpClient& client, Clock&,
                                     const sandbox::Connection& connection) -> Task<Result<int>> {
        PAWL_CO_TRY(const auto answer,
                    co_await call_sandbox(client, connection, method, path, body));
        if (globals.json) {
          fmt::print("{}", pretty(answer));
          co_return kDone;
        }
        const json::value* faults = answer.if_contains("faults");
        if (faults == nullptr) {
          print_fault(answer);
        } else {
          for (const auto& fault : faults->as_array()) print_fault(fault.get_object());
          if (faults->as_array().empty() && !globals.quiet) fmt::print("No faults.\n");
        }
        co_return kDone;
      });
}

void add_faults(CliCommand root, Globals& globals) {
  CliCommand group = root.sub("fault", "Make the sandbox's services go wrong on purpose");
  auto options = std::make_shared<FaultOptions>();
  CliCommand add = group.sub("add", "Let matching requests go wrong");
  add.positional("kind", options->kind, "slow, slow:250ms, throttle, drop, or a status: 500, 503")
      .option("--service", options->service,
              "lambda, s3, ecr, sts, github, registry, ecr-registry, function; * and ? are allowed")
      .option("--operation", options->operation, "UpdateFunctionCode, \"PUT blob\", ...")
      .option("--resource", options->resource, "The function, bucket/key, repository, ...")
      .option("--every", options->every, "Only every Nth matching request")
      .option("--probability", options->probability, "Only so many of them: 0.5")
      .option("--count", options->count, "So often, then no more; 0: until it is cleared")
      .examples(
          "  pawl sandbox fault add 500 --service 'ecr-registry' --every 2\n"
          "  pawl sandbox fault add drop --service lambda --operation UpdateFunctionCode --count "
          "1\n"
          "  pawl sandbox fault add slow:3s --service github")
      .run([options, &globals] {
        auto body = fault_body(*options);
        if (!body.ok()) return report(body.error(), globals);
        return change_faults(globals, "POST", "/faults", *body);
      });
  group.sub("list", "The faults that are on, and how often each has happened").run([&globals] {
    return change_faults(globals, "GET", "/faults", "");
  });
  auto id = std::make_shared<std::string>();
  CliCommand clear = group.sub("clear", "Take faults away");
  clear.optional_positional("id", *id, "One of them; without it all").run([id, &globals] {
    return change_faults(globals, "DELETE", id->empty() ? "/faults" : "/faults/" + url_encode(*id),
                         "");
  });
}

}  // namespace

void add_sandbox(CliCommand root, Globals& globals) {
  CliCommand group = root.sub("sandbox", "A whole cloud on this machine, to try things in");
  auto port = std::make_shared<int>(0);
  auto rate_limit = std::make_shared<int>(0);
  auto detach = std::make_shared<bool>(false);
  CliCommand start = group.sub("up", "Start it, with what pawl.yaml expects to find");
  start.option("--port", *port, "The first of its ports (default: as the last time, or 4510)")
      .option("--github-rate-limit", *rate_limit,
              "How many calls an hour its GitHub takes (default: 5000, as GitHub's own)")
      .flag("--detach", *detach, "Leave it running in the background")
      .examples("  pawl sandbox up --detach\n  pawl deploy dev --sandbox")
      .run([port, rate_limit, detach, &globals] {
        return up(globals, *port, *rate_limit, *detach);
      });
  group.sub("down", "End it; what it knows is kept").run([&globals] { return down(globals); });
  group.sub("status", "Where it is, and what it runs").run([&globals] { return status(globals); });
  auto function = std::make_shared<std::string>();
  auto follow = std::make_shared<bool>(false);
  CliCommand log = group.sub("logs", "What the functions printed");
  log.optional_positional("function", *function, "One function; without it all")
      .flag("--follow,-f", *follow, "Go on as more comes")
      .run([function, follow, &globals] { return logs(globals, *function, *follow); });
  group.sub("reset", "Forget everything that was deployed, pushed and said, and its journal")
      .run([&globals] { return reset(globals); });
  group.sub("env", "Print the variables with which other programs talk to it")
      .examples("  eval \"$(pawl sandbox env)\"")
      .run([&globals] { return print_environment(globals); });
  add_faults(group, globals);
}

}  // namespace pawl
