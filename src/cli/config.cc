// pawl config check | schema | show
#include "core/config.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/schema.h"

namespace pawl {
namespace {

int check(const Globals& globals) {
  auto config = load_config(globals);
  if (!config.ok()) return report(config.error(), globals);
  const auto& environments = config->config.environments;
  if (globals.json) {
    json::array names;
    for (const auto& each : environments) names.push_back(json::value(each.name));
    fmt::print("{}", pretty(json::object{{"ok", true},
                                         {"file", config->path},
                                         {"app", config->config.app},
                                         {"environments", std::move(names)}}));
    return kDone;
  }
  fmt::print("{} is fine: {}, {} environment{}\n", config->path, config->config.app,
             environments.size(), environments.size() == 1 ? "" : "s");
  for (const auto& each : environments)
    fmt::print("  {:<10} {:<8} function {}{}, image from {}{}\n", each.name,
               each.trigger == EnvironmentTrigger::ci ? "ci" : "manual", each.function.name,
               each.function.alias.empty() ? "" : ":" + each.function.alias, each.image.source,
               each.health ? "" : ", no health check");
  return kDone;
}

}  // namespace

void add_config(CliCommand root, Globals& globals) {
  CliCommand group = root.sub("config", "Check pawl.yaml, or print its schema");
  group.sub("check", "Read pawl.yaml and say what is wrong with it, where")
      .examples("  pawl config check\n  pawl config check --config deploy/pawl.yaml")
      .run([&globals] { return check(globals); });
  group.sub("schema", "Print the JSON Schema of pawl.yaml, for editors")
      .examples("  pawl config schema > pawl.schema.json")
      .run([] {
        fmt::print("{}", config_schema());
        return static_cast<int>(kDone);
      });
}

}  // namespace pawl
