// What FakeFunctions does when it is called.
#include "support/fakes/functions.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

FakeFunctions::Function& FakeFunctions::add(const std::string& name, const std::string& image_uri) {
  Function& function = functions[name];
  FunctionState& latest = function.latest;
  latest.name = name;
  latest.version = "$LATEST";
  latest.state = "Active";
  latest.last_update_status = "Successful";
  latest.architecture = "x86_64";
  set_image(latest, image_uri);
  return function;
}

void FakeFunctions::publish_and_point(const std::string& name, const std::string& alias) {
  Function& function = functions.at(name);
  const auto version = publish(function, "by hand");
  AliasState& state = function.aliases[alias];
  state = {name, alias, version.version, "by hand", revision(), {}};
}

void FakeFunctions::set_image(FunctionState& state, const std::string& image_uri) {
  state.image_uri = state.resolved_image_uri = image_uri;
  const auto at = image_uri.rfind("sha256:");
  state.code_sha256 = at == std::string::npos ? "" : image_uri.substr(at + 7);
  state.revision_id = revision();
}

Task<Result<FunctionState>> FakeFunctions::get(std::string name, std::string qualifier) {
  PAWL_FAKE_CALL("get", [&]() -> Result<FunctionState> {
    const auto found = functions.find(name);
    if (found == functions.end()) return not_found("no function " + name);
    Function& function = found->second;
    if (qualifier.empty() && !old_reads.empty()) return take_first(old_reads);
    if (qualifier.empty()) return poll(function);
    std::string wanted = qualifier;
    if (auto alias = function.aliases.find(qualifier); alias != function.aliases.end())
      wanted = alias->second.version;
    for (auto& version : function.versions)
      if (version.version == wanted) {
        FunctionState seen = version;
        version.state = "Active";  // Pending is seen once
        return seen;
      }
    return not_found("no version " + qualifier);
  });
}

Result<FakeFunctions::Function*> FakeFunctions::to_change(const std::string& name,
                                                          const std::string& revision_id) {
  const auto found = functions.find(name);
  if (found == functions.end()) return not_found("no function " + name);
  const FunctionState& latest = found->second.latest;
  if (latest.last_update_status == "InProgress") return in_progress();
  if (!revision_id.empty() && revision_id != latest.revision_id) return precondition_failed();
  return &found->second;
}

Task<Result<FunctionState>> FakeFunctions::update_code(std::string name, std::string image_uri,
                                                       std::string revision_id) {
  PAWL_FAKE_CALL("update_code", [&]() -> Result<FunctionState> {
    PAWL_TRY(Function* const found, to_change(name, revision_id));
    Function& function = *found;
    if (missing_images.count(image_uri) > 0) return Error(ErrorKind::failed, "no such image");
    set_image(function.latest, image_uri);
    function.latest.last_update_status = "InProgress";
    function.polls_left = polls_of_an_update;
    ledger.push_back(fmt::format("update_code {}", image_uri));
    return function.latest;
  });
}

Task<Result<FunctionState>> FakeFunctions::publish_version(std::string name,
                                                           std::string code_sha256,
                                                           std::string revision_id,
                                                           std::string description) {
  PAWL_FAKE_CALL("publish_version", [&]() -> Result<FunctionState> {
    PAWL_TRY(Function* const found, to_change(name, revision_id));
    Function& function = *found;
    if (!code_sha256.empty() && code_sha256 != function.latest.code_sha256)
      return precondition_failed();
    // Unchanged code gives the version that exists.
    if (!function.versions.empty() &&
        function.versions.back().code_sha256 == function.latest.code_sha256)
      return function.versions.back();
    auto version = publish(function, description);
    ledger.push_back("publish_version " + version.version);
    return version;
  });
}

Task<Result<std::vector<FunctionState>>> FakeFunctions::list_versions(std::string name) {
  PAWL_FAKE_CALL("list_versions", [&]() -> Result<std::vector<FunctionState>> {
    const auto found = functions.find(name);
    if (found == functions.end()) return not_found("no function " + name);
    return found->second.versions;
  });
}

Task<Result<std::optional<AliasState>>> FakeFunctions::get_alias(std::string function,
                                                                 std::string alias) {
  PAWL_FAKE_CALL("get_alias", [&]() -> Result<std::optional<AliasState>> {
    if (!old_alias_reads.empty()) return take_first(old_alias_reads);
    const auto& aliases = functions[function].aliases;
    const auto found = aliases.find(alias);
    if (found == aliases.end()) return std::optional<AliasState>();
    return std::optional<AliasState>(found->second);
  });
}

Task<Result<AliasState>> FakeFunctions::create_alias(AliasState alias) {
  PAWL_FAKE_CALL("create_alias", [&]() -> Result<AliasState> {
    auto& aliases = functions[alias.function].aliases;
    if (aliases.count(alias.name) > 0)
      return Error(ErrorKind::conflict, "the alias exists").with_code("ResourceConflictException");
    return store(alias, "create_alias");
  });
}

Task<Result<AliasState>> FakeFunctions::update_alias(AliasState alias) {
  PAWL_FAKE_CALL("update_alias", [&]() -> Result<AliasState> {
    auto& aliases = functions[alias.function].aliases;
    const auto found = aliases.find(alias.name);
    if (found == aliases.end()) return not_found("no alias " + alias.name);
    if (!alias.revision_id.empty() && alias.revision_id != found->second.revision_id)
      return precondition_failed();
    return store(alias, "update_alias");
  });
}

Task<Result<void>> FakeFunctions::delete_alias(std::string function, std::string alias) {
  PAWL_FAKE_CALL("delete_alias", [&]() -> Result<void> {
    functions[function].aliases.erase(alias);
    ledger.push_back("delete_alias " + alias);
    return ok();
  });
}

Task<Result<std::vector<AliasState>>> FakeFunctions::list_aliases(std::string function) {
  PAWL_FAKE_CALL("list_aliases", [&]() -> Result<std::vector<AliasState>> {
    std::vector<AliasState> all;
    for (const auto& [name, alias] : functions[function].aliases) all.push_back(alias);
    return all;
  });
}

Task<Result<void>> FakeFunctions::delete_version(std::string function, std::string version) {
  PAWL_FAKE_CALL("delete_version", [&]() -> Result<void> {
    Function& one = functions[function];
    for (const auto& [name, alias] : one.aliases)
      if (alias.version == version || alias.additional_weights.count(version) > 0)
        return Error(ErrorKind::conflict, "an alias names it");
    std::erase_if(one.versions, [&](const auto& each) { return each.version == version; });
    ledger.push_back("delete_version " + version);
    return ok();
  });
}

std::string FakeFunctions::revision() {
  return fmt::format("r{}", ++revisions_);
}

FunctionState FakeFunctions::poll(Function& function) {
  if (function.latest.last_update_status == "InProgress" && function.polls_left-- <= 0) {
    function.latest.last_update_status = function.fails_update ? "Failed" : "Successful";
    function.latest.last_update_reason = function.fails_update ? "cannot pull the image" : "";
    function.latest.revision_id = revision();
  }
  return function.latest;
}

FunctionState FakeFunctions::publish(Function& function, const std::string& description) {
  FunctionState version = function.latest;
  const int last = function.versions.empty() ? 0 : std::stoi(function.versions.back().version);
  version.version = std::to_string(std::max(last, published_) + 1);
  published_ = std::stoi(version.version);
  version.description = description;
  version.state = "Pending";
  version.revision_id = revision();
  function.versions.push_back(version);
  return version;
}

AliasState FakeFunctions::store(AliasState alias, std::string_view operation) {
  alias.revision_id = revision();
  functions[alias.function].aliases[alias.name] = alias;
  ledger.push_back(fmt::format("{} {} -> {}", operation, alias.name, alias.version));
  return alias;
}

}  // namespace pawl::fakes
