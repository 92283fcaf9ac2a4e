// Deletes old published versions, when the release is verified: never the newest few, what an alias
// names, what was live before, what a rollback would go back to, or what stands ready. Its failure
// fails nothing.
#include <fmt/format.h>

#include <set>

#include "core/retention.h"
#include "engine/steps/captured.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class PruneVersions : public Step {
 public:
  explicit PruneVersions(const StepPorts& ports) : ports_(ports) {}

  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const json::object& params = context.step().params;
    const std::string function = string_or(params, "function");
    PAWL_CO_TRY(const auto listed, co_await ports_.functions->list_versions(function));
    PAWL_CO_TRY(const auto in_use, co_await versions_in_use(context, function));
    std::vector<std::string> versions;
    for (const auto& each : listed) versions.push_back(each.version);
    const int keep = static_cast<int>(int_or(params, "keep"));
    json::array deleted;
    for (const auto& version : versions_to_delete(versions, keep, in_use)) {
      if (co_await stands_ready(function, version)) continue;
      PAWL_CO_CHECK(co_await context.before_change());
      auto gone = co_await ports_.function_versions->delete_version(function, version);
      // An alias was pointed to it just now: then it is in use.
      if (!gone.ok() && gone.error().kind() == ErrorKind::conflict) {
        context.log(fmt::format("version {} stays: {}", version, gone.error().message()));
        continue;
      }
      PAWL_CO_CHECK(std::move(gone));
      deleted.push_back(json::string(version));
    }
    context.log(fmt::format("{} of {} versions deleted", deleted.size(), versions.size()));
    co_return json::object{{"deleted", std::move(deleted)}};
  }

 private:
  Task<Result<std::set<std::string>>> versions_in_use(StepContext& context, std::string function) {
    PAWL_CO_TRY(const auto captured, captured_of(context.deployment()));
    std::set<std::string> in_use{
        captured.live.function_version,
        context.deployment().output("publish_version", "function_version")};
    if (const json::value* named = context.step().params->if_contains("in_use");
        named != nullptr && named->is_array())
      for (const auto& version : named->get_array())
        if (version.is_string()) in_use.emplace(version.get_string());
    if (captured.alias)
      for (const auto& [version, share] : captured.alias->additional_weights)
        in_use.insert(version);
    PAWL_CO_TRY(const auto aliases, co_await ports_.function_versions->list_aliases(function));
    for (const AliasState& alias : aliases) {
      in_use.insert(alias.version);
      for (const auto& [version, share] : alias.additional_weights) in_use.insert(version);
    }
    co_return in_use;
  }

  Task<bool> stands_ready(std::string function, std::string version) {
    if (ports_.concurrency == nullptr) co_return false;
    auto found = co_await ports_.concurrency->provisioned(function, version);
    // When it cannot be told, it stays.
    co_return !found.ok() || found->has_value();
  }

  StepPorts ports_;
};

}  // namespace

std::unique_ptr<Step> make_prune_versions(const StepPorts& ports) {
  return std::make_unique<PruneVersions>(ports);
}

}  // namespace pawl::steps
