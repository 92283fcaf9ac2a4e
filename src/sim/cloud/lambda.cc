#include "sim/cloud/lambda.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace pawl::cloud {

namespace {

constexpr size_t kMaxPageSize = 50;  // what Lambda gives at most, whatever MaxItems says

Error conflict(std::string message) {
  return aws_error(409, "ResourceConflictException", std::move(message));
}
Error invalid(std::string message) {
  return aws_error(400, "InvalidParameterValueException", std::move(message));
}
Error stale_revision() {
  return aws_error(412, "PreconditionFailedException",
                   "The Revision Id provided does not match the latest Revision Id. Call the "
                   "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

std::optional<int> version_number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); }))
    return std::nullopt;
  return std::stoi(std::string(text));
}

bool is_function_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

Error bad_name(std::string_view name) {
  return aws_error(
      400, "ValidationException",
      fmt::format("1 validation error detected: Value '{}' at 'functionName' failed to "
                  "satisfy constraint: Member must satisfy regular expression pattern: "
                  "[a-zA-Z0-9-_]+",
                  name));
}

void start_pending(FunctionVersion& version, std::chrono::milliseconds duration, WallTime now) {
  version.state = "Pending";
  version.state_reason = "The function is being created.";
  version.state_reason_code = "Creating";
  version.active_at = now + duration;
}

}  // namespace

std::string Lambda::function_arn(std::string_view name, std::string_view qualifier) const {
  std::string arn = account_.arn("lambda", fmt::format("function:{}", name));
  return qualifier.empty() ? arn : fmt::format("{}:{}", arn, qualifier);
}

Lambda::Name Lambda::parse_name(std::string_view text) {
  // arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER], ACCOUNT:function:NAME,
  // NAME[:QUALIFIER]
  const size_t marker = text.find("function:");
  if (marker != std::string_view::npos && (marker == 0 || text[marker - 1] == ':'))
    text.remove_prefix(marker + 9);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Error Lambda::not_found(const std::string& name, const std::string& qualifier) const {
  return aws_error(404, "ResourceNotFoundException",
                   "Function not found: " + function_arn(name, qualifier));
}

Result<Lambda::Function*> Lambda::find_function(const std::string& name,
                                                const std::string& qualifier) {
  auto found = functions_.find(name);
  if (found == functions_.end()) return not_found(name, qualifier);
  return &found->second;
}

Result<const Lambda::Function*> Lambda::find_function(const std::string& name) const {
  auto found = functions_.find(name);
  if (found == functions_.end()) return not_found(name, "");
  return &found->second;
}

Result<FunctionVersion*> Lambda::find_version(Function& function, const std::string& qualifier) {
  if (qualifier.empty() || qualifier == "$LATEST") return &function.latest;
  std::string wanted = qualifier;
  if (auto alias = function.aliases.find(qualifier); alias != function.aliases.end())
    wanted = alias->second.version;
  if (wanted == "$LATEST") return &function.latest;
  if (auto number = version_number(wanted)) {
    auto found = function.versions.find(*number);
    if (found != function.versions.end()) return &found->second;
  }
  return not_found(function.latest.function, qualifier);
}

Result<void> Lambda::resolve_image(FunctionSettings& settings) const {
  const std::string& uri = settings.image_uri;
  const size_t slash = uri.find('/');
  if (slash == std::string::npos || uri.find_first_of(":@", slash) == std::string::npos)
    return invalid(fmt::format("Source image {} is not valid. Provide a valid source image.", uri));
  const ImageLookup image = find_image_(uri);
  switch (image.kind) {
    case ImageLookup::Kind::missing:
      return invalid(
          fmt::format("Source image {} does not exist. Provide a valid source image.", uri));
    case ImageLookup::Kind::index:
      return invalid(
          fmt::format("The image manifest, config or layer media type for the source "
                      "image {} is not supported.",
                      uri));
    case ImageLookup::Kind::image:
      break;
  }
  // The repository is what stands before the tag or digest; a port's colon comes before the slash.
  const std::string repository = uri.substr(0, std::min(uri.find('@'), uri.find(':', slash)));
  settings.resolved_image_uri = repository + "@" + image.digest;
  settings.code_sha256 = image.digest.substr(image.digest.find(':') + 1);
  return ok();
}

Result<FunctionVersion> Lambda::create(CreateFunction request, WallTime now) {
  if (!is_function_name(request.name)) return bad_name(request.name);
  if (functions_.contains(request.name)) return conflict("Function already exist: " + request.name);
  PAWL_CHECK(resolve_image(request.settings));
  Function function;
  function.latest.function = request.name;
  function.latest.version = "$LATEST";
  function.latest.settings = std::move(request.settings);
  function.latest.revision_id = ids_.uuid();
  function.latest.last_modified = now;
  function.tags = std::move(request.tags);
  start_pending(function.latest, settings_.create_duration, now);
  Function& stored = functions_[request.name] = std::move(function);
  ledger_.record(now, "lambda", "CreateFunction", request.name,
                 {{"resolvedImageUri", stored.latest.settings.resolved_image_uri}});
  if (request.publish) return do_publish(stored, std::nullopt, now);
  return stored.latest;
}

Result<FunctionVersion> Lambda::get(const std::string& name, const std::string& qualifier,
                                    WallTime now) {
  PAWL_TRY(Function * function, find_function(name, qualifier));
  advance(*function, now);
  PAWL_TRY(FunctionVersion * version, find_version(*function, qualifier));
  return *version;
}

Result<const FunctionVersion*> Lambda::look_up(const std::string& name,
                                               const std::string& qualifier, WallTime now) {
  PAWL_TRY(Function * function, find_function(name, qualifier));
  advance(*function, now);
  PAWL_TRY(const FunctionVersion* version, find_version(*function, qualifier));
  return version;
}

Result<const std::map<int, FunctionVersion>*> Lambda::versions(const std::string& name,
                                                               WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  return static_cast<const std::map<int, FunctionVersion>*>(&function->versions);
}

Result<void> Lambda::may_change(const Function& function, const std::string& revision_id) const {
  const FunctionVersion& latest = function.latest;
  if (latest.state == "Pending")
    return conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following "
        "state: Pending");
  if (latest.last_update_status == "InProgress")
    return conflict(
        "The operation cannot be performed at this time. An update is in progress for resource: " +
        function_arn(latest.function));
  if (!revision_id.empty() && revision_id != latest.revision_id) return stale_revision();
  return ok();
}

void Lambda::begin_update(Function& function, FunctionSettings settings, WallTime now) {
  FunctionVersion& latest = function.latest;
  // After an update that failed, what serves is what served before it.
  if (!function.serving) function.serving = latest.settings;
  latest.settings = std::move(settings);
  latest.last_modified = now;
  latest.revision_id = ids_.uuid();
  latest.last_update_status = "InProgress";
  latest.last_update_reason = "The function is being created.";
  latest.last_update_reason_code = "Creating";
  latest.update_done_at = now + settings_.update_duration;
  ++function.change;
  function.failure_under_way = !function.planned_failure_code.empty();
  if (latest.state == "Inactive") latest.state = "Active";
}

Result<FunctionVersion> Lambda::update_code(const std::string& name, UpdateCode request,
                                            WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  PAWL_CHECK(may_change(*function, request.revision_id));
  FunctionSettings settings = function->latest.settings;
  settings.image_uri = request.image_uri;
  if (!request.architecture.empty()) settings.architecture = request.architecture;
  PAWL_CHECK(resolve_image(settings));
  if (request.dry_run) {
    FunctionVersion preview = function->latest;
    preview.settings = std::move(settings);
    return preview;
  }
  // The same image again counts as a change: the service does not compare (moto's maintainers
  // measured it, https://github.com/getmoto/moto/pull/8379).
  begin_update(*function, std::move(settings), now);
  ledger_.record(now, "lambda", "UpdateFunctionCode", name,
                 {{"imageUri", function->latest.settings.image_uri},
                  {"resolvedImageUri", function->latest.settings.resolved_image_uri}});
  if (request.publish) return do_publish(*function, std::nullopt, now);
  return function->latest;
}

Result<FunctionVersion> Lambda::update_settings(const std::string& name, UpdateSettings request,
                                                WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  PAWL_CHECK(may_change(*function, request.revision_id));
  FunctionSettings settings = function->latest.settings;
  auto take = [](auto& target, auto& given) {
    if (given) target = std::move(*given);
  };
  take(settings.description, request.description);
  take(settings.role, request.role);
  take(settings.timeout_seconds, request.timeout_seconds);
  take(settings.memory_mb, request.memory_mb);
  take(settings.ephemeral_storage_mb, request.ephemeral_storage_mb);
  take(settings.environment, request.environment);
  take(settings.entry_point, request.entry_point);
  take(settings.command, request.command);
  take(settings.working_directory, request.working_directory);
  begin_update(*function, std::move(settings), now);
  ledger_.record(now, "lambda", "UpdateFunctionConfiguration", name);
  return function->latest;
}

Result<FunctionVersion> Lambda::publish(const std::string& name, PublishVersion request,
                                        WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  PAWL_CHECK(may_change(*function, request.revision_id));
  const FunctionVersion& latest = function->latest;
  if (!request.code_sha256.empty() && request.code_sha256 != latest.settings.code_sha256)
    return invalid(
        fmt::format("CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({}). Please "
                    "try again with "
                    "the CodeSHA256 in $LATEST.",
                    request.code_sha256, latest.settings.code_sha256));
  if (latest.last_update_status == "Failed")
    return conflict(
        "The operation cannot be performed at this time. The last update failed for "
        "resource: " +
        function_arn(name));
  return do_publish(*function, request.description, now);
}

FunctionVersion Lambda::do_publish(Function& function,
                                   const std::optional<std::string>& description, WallTime now) {
  const auto newest = function.versions.find(function.next_version - 1);
  if (newest != function.versions.end() && function.published_change == function.change)
    return newest->second;
  FunctionVersion version = function.latest;
  version.version = std::to_string(function.next_version);
  version.revision_id = ids_.uuid();
  if (description) version.settings.description = *description;
  version.last_update_status = "Successful";
  version.last_update_reason.clear();
  version.last_update_reason_code.clear();
  version.last_invoked = {};
  start_pending(version, settings_.publish_duration, now);
  // Published together with an update or a creation, it waits for that as well.
  version.active_at = std::max(version.active_at,
                               std::max(function.latest.update_done_at, function.latest.active_at));
  function.versions[function.next_version++] = version;
  function.published_change = function.change;
  // Publishing moves $LATEST's revision too.
  function.latest.revision_id = ids_.uuid();
  ledger_.record(now, "lambda", "PublishVersion", function.latest.function,
                 {{"version", version.version},
                  {"codeSha256", version.settings.code_sha256},
                  {"description", version.settings.description}});
  return version;
}

Result<Page<FunctionVersion>> Lambda::list_versions(const std::string& name,
                                                    const std::string& marker, size_t max_items,
                                                    WallTime now) {
  PAWL_TRY(Function * function, find_function(name));
  advance(*function, now);
  max_items = std::clamp<size_t>(max_items, 1, kMaxPageSize);
  const int from = marker.empty() ? 0 : version_number(marker).value_or(0);
  Page<FunctionVersion> page;
  if (from == 0) page.items.push_back(function->latest);
  for (auto it = function->versions.lower_bound(from); it != function->versions.end(); ++it) {
    if (page.items.size() == max_items) {
      page.next = std::to_string(it->first);
      break;
    }
    page.items.push_back(it->second);
  }
  return page;
}

Page<FunctionVersion> Lambda::list(const std::string& marker, size_t max_items, WallTime now) {
  max_items = std::clamp<size_t>(max_items, 1, kMaxPageSize);
  Page<FunctionVersion> page;
  for (auto it = functions_.lower_bound(marker); it != functions_.end(); ++it) {
    if (page.items.size() == max_items) {
      page.next = it->first;
      break;
    }
    advance(it->second, now);
    page.items.push_back(it->second.latest);
  }
  return page;
}

Result<void> Lambda::remove(const std::string& name, const std::string& qualifier, WallTime now) {
  PAWL_TRY(Function * function, find_function(name, qualifier));
  if (qualifier.empty()) {
    functions_.erase(name);
    ledger_.record(now, "lambda", "DeleteFunction", name);
    return ok();
  }
  if (qualifier == "$LATEST")
    return invalid("$LATEST version cannot be deleted without deleting the function.");
  const auto number = version_number(qualifier);
  if (!number) return invalid("Deletion of aliases is not currently supported.");
  std::string users;
  for (const auto& [alias_name, alias] : function->aliases) {
    if (alias.version == qualifier || alias.weights.contains(qualifier))
      users += (users.empty() ? "" : ", ") + alias_name;
  }
  if (!users.empty())
    return conflict(fmt::format(
        "Unable to delete version because the following aliases reference it: [{}]", users));
  if (function->versions.erase(*number) == 0) return ok();
  function->provisioned.erase(qualifier);
  ledger_.record(now, "lambda", "DeleteFunction", name + ":" + qualifier);
  return ok();
}

Result<Invocation> Lambda::route(const std::string& name, const std::string& qualifier, double draw,
                                 WallTime now) {
  PAWL_TRY(Function * function, find_function(name, qualifier));
  advance(*function, now);
  std::string wanted = qualifier;
  if (auto alias = function->aliases.find(qualifier); alias != function->aliases.end()) {
    wanted = alias->second.version;
    for (const auto& [version, weight] : alias->second.weights) {
      if (draw < weight) {
        wanted = version;
        break;
      }
      draw -= weight;
    }
  }
  PAWL_TRY(FunctionVersion * version, find_version(*function, wanted));
  if (function->reserved_concurrency == 0)
    return aws_error(429, "TooManyRequestsException", "Rate Exceeded.");
  if (version->state == "Inactive") {
    // https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html: the first call to an idle
    // function of an image is refused, and wakes it.
    start_pending(*version, settings_.create_duration, now);
    version->state_reason = "The function is being restored.";
    version->state_reason_code = "Restoring";
    version->last_invoked = now;
    return conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following "
        "state: Inactive");
  }
  if (version->state != "Active")
    return conflict(
        "The operation cannot be performed at this time. The function is currently in the "
        "following "
        "state: " +
        version->state);
  version->last_invoked = now;
  Invocation invocation;
  invocation.version = *version;
  invocation.executed_version = version->version;
  invocation.invoked_arn = function_arn(name, qualifier);
  if (version == &function->latest && function->serving)
    invocation.version.settings = *function->serving;
  return invocation;
}

void Lambda::fail_next_update(const std::string& name, std::string reason_code,
                              std::string reason) {
  auto found = functions_.find(name);
  if (found == functions_.end()) return;
  found->second.planned_failure_code = std::move(reason_code);
  found->second.planned_failure = std::move(reason);
}

void Lambda::advance_version(FunctionVersion& version, WallTime now) const {
  if (version.state == "Pending" && now >= version.active_at) {
    version.state = "Active";
    version.state_reason.clear();
    version.state_reason_code.clear();
  }
  if (settings_.inactive_after.count() == 0 || version.state != "Active") return;
  const WallTime used = std::max({version.last_invoked, version.active_at, version.update_done_at});
  if (now - used > settings_.inactive_after) {
    version.state = "Inactive";
    version.state_reason = "The function is idle.";
    version.state_reason_code = "Idle";
  }
}

void Lambda::advance(Function& function, WallTime now) {
  FunctionVersion& latest = function.latest;
  const std::string before = latest.state;
  advance_version(latest, now);
  bool changed = latest.state != before;
  if (latest.last_update_status == "InProgress" && now >= latest.update_done_at) {
    if (function.failure_under_way) {
      latest.last_update_status = "Failed";
      latest.last_update_reason = std::exchange(function.planned_failure, "");
      latest.last_update_reason_code = std::exchange(function.planned_failure_code, "");
      function.failure_under_way = false;
    } else {
      latest.last_update_status = "Successful";
      latest.last_update_reason.clear();
      latest.last_update_reason_code.clear();
      function.serving.reset();
    }
    changed = true;
  }
  // The end of an update moves the RevisionId once more, so that one that was read from the
  // update's own answer is stale (https://github.com/aws/aws-sdk/issues/377).
  if (changed) latest.revision_id = ids_.uuid();
  for (auto& [number, version] : function.versions) advance_version(version, now);
  for (auto& [qualifier, config] : function.provisioned) {
    if (config.status != "IN_PROGRESS" || now < config.ready_at) continue;
    config.status = "READY";
    config.allocated = config.requested;
  }
}

}  // namespace pawl::cloud
