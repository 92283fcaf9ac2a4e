// Lambda for the engine, over sim/cloud's model of it.
#include "sim/world/cloud_ports.h"
#include "sim/world/invariant_names.h"

namespace pawl::sim {
namespace {

FunctionState state_of(const cloud::FunctionVersion& version) {
  FunctionState state;
  state.name = version.function;
  state.version = version.version;
  state.revision_id = version.revision_id;
  state.image_uri = version.settings.image_uri;
  state.resolved_image_uri = version.settings.resolved_image_uri;
  state.code_sha256 = version.settings.code_sha256;
  state.description = version.settings.description;
  state.state = version.state;
  state.state_reason = version.state_reason;
  state.last_update_status = version.last_update_status;
  state.last_update_reason = version.last_update_reason;
  state.state_reason_code = version.state_reason_code;
  state.last_update_reason_code = version.last_update_reason_code;
  state.architecture = version.settings.architecture;
  return state;
}

Result<FunctionState> state_of(Result<cloud::FunctionVersion> version) {
  if (!version.ok()) return std::move(version).error();
  return state_of(*version);
}

AliasState state_of(const cloud::Alias& alias) {
  return {alias.function,    alias.name,        alias.version,
          alias.description, alias.revision_id, alias.weights};
}

// What a read tells: for a while after a change it may be what the last read told.
template <class T>
T as_read(World& world, World::LastRead<T>& last, const std::string& resource, T now) {
  if (!world.faults.is_on(Fault::stale)) return now;
  if (const auto known = last.find(resource); known != last.end() && world.is_stale(resource)) {
    world.seen.count("a read told of the time before a change");
    return known->second;
  }
  last.insert_or_assign(resource, now);
  return now;
}

std::string alias_in_words(World& world, const std::string& function, const std::string& name) {
  auto alias = world.cloud.lambda.get_alias(function, name, world.clock.now());
  if (!alias.ok()) return "none";
  std::string text = alias->version;
  for (const auto& [version, share] : alias->weights) text += fmt::format(" {}={}", version, share);
  return text;
}

}  // namespace

Task<Result<FunctionState>> SimFunctions::get(std::string name, std::string qualifier) {
  World& world = gate_.world();
  Request request{"get", "function " + name};
  std::function<Result<FunctionState>()> work = [&world, name,
                                                 qualifier]() -> Result<FunctionState> {
    PAWL_TRY(const auto* version, world.cloud.lambda.look_up(name, qualifier, world.clock.now()));
    if (!qualifier.empty()) return state_of(*version);
    return as_read(world, world.functions_read, "function " + name, state_of(*version));
  };
  co_return co_await call<FunctionState>(gate_, std::move(request), std::move(work));
}

Task<Result<FunctionState>> SimFunctions::update_code(std::string name, std::string image_uri,
                                                      std::string revision_id) {
  World& world = gate_.world();
  Request request{"update_code", "function " + name, true};
  request.look = [&world, name] {
    auto latest = world.cloud.lambda.look_up(name, "", world.clock.now());
    return latest.ok() ? (*latest)->settings.resolved_image_uri : std::string();
  };
  request.is_guarded = true;
  std::function<Result<FunctionState>()> work = [&world, name, image_uri, revision_id] {
    if (image_uri.find('@') == std::string::npos)
      world.invariants.broke(invariant::kChecked,
                             name + " is given an image by its tag: " + image_uri);
    const double rate = world.faults.rate(Fault::update_fails) * 4;
    if (world.chance.of(rate)) {
      world.seen.count("an update was accepted and failed");
      world.cloud.lambda.fail_next_update(name, "ImageAccessDenied", "cannot pull the image");
    }
    cloud::UpdateCode update;
    update.image_uri = image_uri;
    update.revision_id = revision_id;
    return state_of(world.cloud.lambda.update_code(name, std::move(update), world.clock.now()));
  };
  co_return co_await call<FunctionState>(gate_, std::move(request), std::move(work));
}

Task<Result<FunctionState>> SimFunctions::publish_version(std::string name, std::string code_sha256,
                                                          std::string revision_id,
                                                          std::string description) {
  World& world = gate_.world();
  Request request{"publish_version", "versions " + name, true};
  request.look = [&world, name] {
    const auto versions = world.cloud.lambda.versions(name, world.clock.now());
    return versions.ok() ? std::to_string((*versions)->size()) : std::string();
  };
  std::function<Result<FunctionState>()> work = [&world, name, code_sha256, revision_id,
                                                 description] {
    cloud::PublishVersion publish{code_sha256, revision_id, description};
    return state_of(world.cloud.lambda.publish(name, std::move(publish), world.clock.now()));
  };
  co_return co_await call<FunctionState>(gate_, std::move(request), std::move(work));
}

Task<Result<std::vector<FunctionState>>> SimFunctions::list_versions(std::string name) {
  World& world = gate_.world();
  Request request{"list_versions", "versions " + name};
  std::function<Result<std::vector<FunctionState>>()> work =
      [&world, name]() -> Result<std::vector<FunctionState>> {
    PAWL_TRY(const auto* all, world.cloud.lambda.versions(name, world.clock.now()));
    std::vector<FunctionState> versions;
    versions.reserve(all->size());
    for (const auto& [number, version] : *all) versions.push_back(state_of(version));
    return versions;
  };
  co_return co_await call<std::vector<FunctionState>>(gate_, std::move(request), std::move(work));
}

Task<Result<std::optional<AliasState>>> SimFunctions::get_alias(std::string function,
                                                                std::string alias) {
  World& world = gate_.world();
  Request request{"get_alias", "alias " + function};
  std::function<Result<std::optional<AliasState>>()> work =
      [&world, function, alias]() -> Result<std::optional<AliasState>> {
    auto found = world.cloud.lambda.get_alias(function, alias, world.clock.now());
    std::optional<AliasState> state;
    if (found.ok())
      state = state_of(*found);
    else if (found.error().kind() != ErrorKind::not_found)
      return std::move(found).error();
    return as_read(world, world.aliases_read, "alias " + function, std::move(state));
  };
  co_return co_await call<std::optional<AliasState>>(gate_, std::move(request), std::move(work));
}

Task<Result<AliasState>> SimFunctions::create_alias(AliasState alias) {
  World& world = gate_.world();
  Request request{"create_alias", "alias " + alias.function, true};
  request.is_guarded = true;
  request.look = [&world, alias] { return alias_in_words(world, alias.function, alias.name); };
  std::function<Result<AliasState>()> work = [&world, alias]() -> Result<AliasState> {
    cloud::Alias wanted{alias.function,    alias.name, alias.version,
                        alias.description, "",         alias.additional_weights};
    PAWL_TRY(auto made, world.cloud.lambda.create_alias(std::move(wanted), world.clock.now()));
    return state_of(made);
  };
  co_return co_await call<AliasState>(gate_, std::move(request), std::move(work));
}

Task<Result<AliasState>> SimFunctions::update_alias(AliasState alias) {
  World& world = gate_.world();
  world.invariants.points_to(gate_.node(), alias.function, alias.version);
  Request request{"update_alias", "alias " + alias.function, true};
  request.is_guarded = true;
  request.look = [&world, alias] { return alias_in_words(world, alias.function, alias.name); };
  std::function<Result<AliasState>()> work = [&world, alias]() -> Result<AliasState> {
    cloud::UpdateAlias update;
    update.function = alias.function;
    update.name = alias.name;
    update.version = alias.version;
    update.description = alias.description;
    update.weights = alias.additional_weights;
    update.revision_id = alias.revision_id;
    PAWL_TRY(auto made, world.cloud.lambda.update_alias(std::move(update), world.clock.now()));
    return state_of(made);
  };
  co_return co_await call<AliasState>(gate_, std::move(request), std::move(work));
}

Task<Result<void>> SimFunctions::delete_alias(std::string function, std::string alias) {
  World& world = gate_.world();
  Request request{"delete_alias", "alias " + function, true};
  request.look = [&world, function, alias] { return alias_in_words(world, function, alias); };
  std::function<Result<void>()> work = [&world, function, alias] {
    return world.cloud.lambda.delete_alias(function, alias, world.clock.now());
  };
  co_return co_await call<void>(gate_, std::move(request), std::move(work));
}

}  // namespace pawl::sim
