// pawl metrics [ENVIRONMENT]
#include "core/metrics.h"

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"

namespace pawl {
namespace {

constexpr size_t kMaxDeployments = 10'000;
constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

void print_metrics(const Metrics& metrics, int days) {
  fmt::print("the last {} days\n", days);
  fmt::print("  deployments             {}\n", metrics.deployments);
  fmt::print("  succeeded               {} ({:.0f} %)\n", metrics.succeeded,
             100 * metrics.success_rate);
  fmt::print("  rolled back             {} ({:.0f} %)\n", metrics.rolled_back,
             100 * metrics.rollback_rate);
  fmt::print("  failed                  {}\n", metrics.failed);
  fmt::print("  median duration         {}\n", format_duration(metrics.median_duration));
  fmt::print("  health-check retries    {}\n", metrics.health_check_retries);
  fmt::print("  deployment frequency    {:.2f} a day\n", metrics.deployments_per_day);
  fmt::print("  change failure rate     {:.0f} %\n", 100 * metrics.change_failure_rate);
  if (metrics.median_time_to_restore)
    fmt::print("  median time to restore  {}\n", format_duration(*metrics.median_time_to_restore));
  if (metrics.median_lead_time)
    fmt::print("  median lead time        {}\n", format_duration(*metrics.median_lead_time));
}

Task<Result<int>> metrics(ReadContext& context, std::string environment, int days) {
  if (!environment.empty()) {
    PAWL_CO_CHECK(context.config.config.environment(environment));
  }
  PAWL_CO_TRY(auto deployments, co_await list_deployments(context.store, context.config.config.app,
                                                          environment, kMaxDeployments));
  const WallTime now = context.clock.now();
  const WallTime from{now.unix_ms - days * kDayMs};
  const Metrics figures = measure(deployments, from, WallTime{now.unix_ms + 1});
  if (context.globals.json) {
    fmt::print("{}", pretty(to_json(figures)));
  } else {
    print_metrics(figures, days);
  }
  co_return kDone;
}

}  // namespace

void add_metrics(CliCommand root, Globals& globals) {
  struct Options {
    std::string environment;
    int days = 30;
  };
  auto options = std::make_shared<Options>();
  CliCommand command =
      root.sub("metrics", "Success rate, durations, rollbacks and the DORA figures");
  command.optional_positional("environment", options->environment, "Only this one")
      .option("--days", options->days, "How far back")
      .examples("  pawl metrics prod --days 90 --json")
      .run([options, &globals] {
        return run_read_command(globals, [&](ReadContext& context) {
          return metrics(context, options->environment, options->days);
        });
      });
}

}  // namespace pawl
