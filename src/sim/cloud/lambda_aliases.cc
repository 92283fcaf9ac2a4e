// Aliases, concurrency and tags of functions.
#include <algorithm>

#include <fmt/format.h>

#include "sim/cloud/lambda.h"

namespace pawl::cloud {

namespace {

constexpr size_t kMaxAliasPageSize = 50;
constexpr size_t kMaxDescription = 256;

Error alias_conflict(std::string message) {
  return aws_error(409, "ResourceConflictException", std::move(message));
}
Error invalid_alias(std::string message) {
  return aws_error(400, "InvalidParameterValueException", std::move(message));
}
Error missing(std::string message) {
  return aws_error(404, "ResourceNotFoundException", std::move(message));
}
Error rejected(std::string_view value, std::string_view member, std::string_view constraint) {
  return aws_error(400, "ValidationException",
                   fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy "
                               "constraint: Member must {}",
                               value, member, constraint));
}

/// (?!^[0-9]+$)([a-zA-Z0-9-_]+)
bool is_alias_name(std::string_view name) {
  const bool allowed = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
  const bool digits_only =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
  return !name.empty() && name.size() <= 128 && allowed && !digits_only;
}

json::object described(const Alias& alias) {
  json::object weights;
  for (const auto& [version, weight] : alias.weights) weights[version] = weight;
  return {{"version", alias.version},
          {"description", alias.description},
          {"weights", std::move(weights)}};
}

}  // namespace

Result<void> Lambda::check_alias(const Function& function, const Alias& alias) const {
  if (alias.description.size() > kMaxDescription)
    return rejected(alias.description, "description", "have length less than or equal to 256");
  auto exists = [&](const std::string& version) {
    return version == "$LATEST" ||
           std::any_of(function.versions.begin(), function.versions.end(),
                       [&](const auto& entry) { return entry.second.version == version; });
  };
  if (!exists(alias.version)) return not_found(alias.function, alias.version);
  if (alias.weights.size() > 1)
    return invalid_alias("Number of items in AdditionalVersionWeights cannot be greater than 1");
  for (const auto& [version, weight] : alias.weights) {
    if (weight < 0.0 || weight > 1.0)
      return rejected(fmt::format("{{{}={}}}", version, weight),
                      "routingConfig.additionalVersionWeights",
                      "satisfy constraint: [Member must have value between 0.0 and 1.0]");
    if (version == alias.version)
      return invalid_alias(
          fmt::format("Invalid function version {0}. Function version {0} is already "
                      "included in routing configuration.",
                      version));
    if (version == "$LATEST" || alias.version == "$LATEST")
      return invalid_alias("$LATEST is not supported for an alias pointing to more than 1 version");
    if (!exists(version)) return not_found(alias.function, version);
  }
  return ok();
}

Result<Alias> Lambda::create_alias(Alias alias, WallTime now) {
  PAWL_TRY(Function * function, find_function(alias.function));
  if (!is_alias_name(alias.name))
    return rejected(alias.name, "name",
                    "satisfy regular expression pattern: "
                    "(?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  if (function->aliases.contains(alias.name))
    return alias_conflict("Alias already exists: " + function_arn(alias.function, alias.name));
  PAWL_CHECK(check_alias(*function, alias));
  alias.revision_id = ids_.uuid();
  function->aliases[alias.name] = alias;
  ledger_.record(now, "lambda", "CreateAlias", alias.function + ":" + alias.name, described(alias));
  return alias;
}

Result<Alias> Lambda::get_alias(const std::string& function, const std::string& name,
                                WallTime) const {
  // The service tells of the alias also when the function is not there.
  auto found = functions_.find(function);
  if (found != functions_.end()) {
    auto alias = found->second.aliases.find(name);
    if (alias != found->second.aliases.end()) return alias->second;
  }
  return missing("Cannot find alias arn: " + function_arn(function, name));
}

Result<Alias> Lambda::update_alias(UpdateAlias request, WallTime now) {
  PAWL_TRY(Function * function, find_function(request.function));
  auto found = function->aliases.find(request.name);
  if (found == function->aliases.end())
    return missing("Alias not found: " + function_arn(request.function, request.name));
  if (!request.revision_id.empty() && request.revision_id != found->second.revision_id)
    return aws_error(412, "PreconditionFailedException",
                     "The Revision Id provided does not match the latest Revision Id. Call the "
                     "GetFunction/GetAlias API to retrieve the latest Revision Id");
  Alias changed = found->second;
  if (request.version) changed.version = *request.version;
  if (request.description) changed.description = *request.description;
  if (request.weights) changed.weights = *request.weights;
  PAWL_CHECK(check_alias(*function, changed));
  changed.revision_id = ids_.uuid();
  found->second = changed;
  ledger_.record(now, "lambda", "UpdateAlias", request.function + ":" + request.name,
                 described(changed));
  return changed;
}

Result<void> Lambda::delete_alias(const std::string& function_name, const std::string& name,
                                  WallTime now) {
  PAWL_TRY(Function * function, find_function(function_name));
  if (function->aliases.erase(name) == 0) return ok();  // 204 all the same
  function->provisioned.erase(name);
  ledger_.record(now, "lambda", "DeleteAlias", function_name + ":" + name);
  return ok();
}

Result<Page<Alias>> Lambda::list_aliases(const std::string& function_name,
                                         const std::string& only_version, const std::string& marker,
                                         size_t max_items) const {
  PAWL_TRY(const Function* function, find_function(function_name));
  max_items = std::clamp<size_t>(max_items, 1, kMaxAliasPageSize);
  Page<Alias> page;
  for (auto it = function->aliases.lower_bound(marker); it != function->aliases.end(); ++it) {
    if (!only_version.empty() && it->second.version != only_version) continue;
    if (page.items.size() == max_items) {
      page.next = it->first;
      break;
    }
    page.items.push_back(it->second);
  }
  return page;
}

Result<int> Lambda::put_reserved_concurrency(const std::string& name, int executions,
                                             WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  if (executions < 0)
    return rejected(std::to_string(executions), "reservedConcurrentExecutions",
                    "have value greater than or equal to 0");
  int others = 0;
  for (const auto& [other, state] : functions_)
    if (other != name) others += state.reserved_concurrency.value_or(0);
  if (settings_.account_concurrency - others - executions < settings_.min_unreserved_concurrency)
    return invalid_alias(
        fmt::format("Specified ReservedConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of [{}].",
                    settings_.min_unreserved_concurrency));
  function->reserved_concurrency = executions;
  ledger_.record(now, "lambda", "PutFunctionConcurrency", name, {{"executions", executions}});
  return executions;
}

Result<std::optional<int>> Lambda::reserved_concurrency(const std::string& name) const {
  PAWL_TRY(const Function* function, find_function(name));
  return function->reserved_concurrency;
}

Result<void> Lambda::delete_reserved_concurrency(const std::string& name, WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  if (!function->reserved_concurrency) return ok();
  function->reserved_concurrency.reset();
  ledger_.record(now, "lambda", "DeleteFunctionConcurrency", name);
  return ok();
}

Result<ProvisionedConcurrency> Lambda::put_provisioned(const std::string& name,
                                                       const std::string& qualifier, int executions,
                                                       WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  PAWL_TRY(FunctionVersion * version, find_version(*function, qualifier));
  if (version == &function->latest)
    return invalid_alias(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  if (executions < 1)
    return rejected(std::to_string(executions), "provisionedConcurrentExecutions",
                    "have value greater than or equal to 1");
  if (function->reserved_concurrency && executions > *function->reserved_concurrency)
    return invalid_alias(
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function");
  for (const auto& [other, config] : function->provisioned) {
    PAWL_TRY(FunctionVersion * covered, find_version(*function, other));
    if (other != qualifier && covered == version)
      return alias_conflict(
          "Alias can't be used for Provisioned Concurrency configuration on an already "
          "Provisioned version");
  }
  ProvisionedConcurrency& config = function->provisioned[qualifier];
  config.function = name;
  config.qualifier = qualifier;
  config.requested = executions;
  config.allocated = std::min(config.allocated, executions);
  config.status = "IN_PROGRESS";
  config.last_modified = now;
  config.ready_at = now + settings_.provision_duration;
  ledger_.record(now, "lambda", "PutProvisionedConcurrencyConfig", name + ":" + qualifier,
                 {{"executions", executions}});
  return config;
}

Result<ProvisionedConcurrency> Lambda::get_provisioned(const std::string& name,
                                                       const std::string& qualifier, WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  PAWL_CHECK(find_version(*function, qualifier));
  auto found = function->provisioned.find(qualifier);
  if (found == function->provisioned.end())
    return aws_error(404, "ProvisionedConcurrencyConfigNotFoundException",
                     "No Provisioned Concurrency Config found for this function");
  return found->second;
}

Result<std::vector<ProvisionedConcurrency>> Lambda::list_provisioned(const std::string& name,
                                                                     WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  std::vector<ProvisionedConcurrency> configs;
  for (const auto& [qualifier, config] : function->provisioned) configs.push_back(config);
  return configs;
}

Result<void> Lambda::delete_provisioned(const std::string& name, const std::string& qualifier,
                                        WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  if (function->provisioned.erase(qualifier) > 0)
    ledger_.record(now, "lambda", "DeleteProvisionedConcurrencyConfig", name + ":" + qualifier);
  return ok();
}

Result<std::map<std::string, std::string>> Lambda::tags(const std::string& name) const {
  PAWL_TRY(const Function* function, find_function(name));
  return function->tags;
}

Result<void> Lambda::tag(const std::string& name, const std::map<std::string, std::string>& tags,
                         WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  constexpr size_t kMaxTags = 50;
  std::map<std::string, std::string> all = function->tags;
  json::object details;
  for (const auto& [key, value] : tags) {
    all[key] = value;
    details[key] = value;
  }
  if (all.size() > kMaxTags) return invalid_alias("The maximum number of tags per resource is 50");
  function->tags = std::move(all);
  ledger_.record(now, "lambda", "TagResource", name, std::move(details));
  return ok();
}

Result<void> Lambda::untag(const std::string& name, const std::vector<std::string>& keys,
                           WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  for (const std::string& key : keys) function->tags.erase(key);
  ledger_.record(now, "lambda", "UntagResource", name);
  return ok();
}

}  // namespace pawl::cloud
