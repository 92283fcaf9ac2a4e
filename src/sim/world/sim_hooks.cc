// The functions that hooks call, for the engine and for the invariants.
#include "sim/world/cloud_ports.h"
#include "sim/world/invariant_names.h"

namespace pawl::sim {

std::string in_words(const HookData& data) {
  int counted = 0;
  for (const auto& [key, times] : data.runs) counted += times;
  return fmt::format("{} {} {} {}", data.schema, data.warm, data.done.size(), counted);
}

void do_hook(World& world, const std::string& environment, const std::string& operation,
             const std::string& key, const std::string& digest) {
  HookData& data = world.hooks[environment];
  if (operation == "count") {
    if (++data.runs[key] > 1)
      world.invariants.broke(invariant::kHook, fmt::format("{} counts {} times for one release",
                                                           environment, data.runs[key]));
    return;
  }
  if (operation == "cool") {
    const std::string taken_back = key.substr(std::string("undo-").size());
    if (data.warm == taken_back) data.warm.clear();
    data.done.insert(taken_back);
    world.seen.count("a hook was undone");
    return;
  }
  if (!data.done.insert(key).second) {
    world.seen.count("a hook was called again with the same key");
    return;
  }
  if (operation == "warm") data.warm = key;
  if (operation != "migrate") return;
  if (++data.migrated[digest] > 1)
    world.invariants.broke(invariant::kHook,
                           environment + " is migrated twice for one release: with two keys");
  data.schema = digest;
  data.readers = {digest};
}

namespace {

// Also where the first call did nothing: it might have, and the key is all that would tell.
void ask_by_one_key(World& world, const std::string& environment, const std::string& key,
                    const std::string& digest) {
  const auto [first, is_new] = world.hooks[environment].keys.try_emplace(digest, key);
  if (!is_new && first->second != key)
    world.invariants.broke(invariant::kHook,
                           environment + " is asked to migrate for one release by two keys");
}

}  // namespace

Task<Result<FunctionAnswer>> SimCalls::call(FunctionCall wanted) {
  World& world = gate_.world();
  const std::string environment = wanted.function.substr(std::string(World::kApp).size() + 1);
  const auto payload = parse_json_object(wanted.payload, "the payload");
  const std::string operation = payload.ok() ? string_or(*payload, "op") : "";
  Request request{"invoke", fmt::format("hook {}/{}", environment, operation), true};
  request.arrives_once = true;
  request.look = [&world, environment] { return in_words(world.hooks[environment]); };
  world.hooks[environment].last_sent = world.clock.steady_now();
  std::function<Result<FunctionAnswer>()> work = [&world, environment, operation,
                                                  wanted]() -> Result<FunctionAnswer> {
    PAWL_TRY(const auto* version,
             world.cloud.lambda.look_up(wanted.function, wanted.qualifier, world.clock.now()));
    if (version->state == "Pending")
      return Error(ErrorKind::conflict, "The function is Pending")
          .with_code("ResourceConflictException");
    const std::string& uri = version->settings.resolved_image_uri;
    const std::string digest = uri.substr(uri.find('@') + 1);
    if (operation == "migrate") ask_by_one_key(world, environment, wanted.key, digest);
    if (world.hooks[environment].is_out_of_order ||
        world.chance.of(world.faults.rate(Fault::hook_fails) * 8)) {
      world.seen.count("a hook failed");
      return FunctionAnswer{"{\"errorMessage\": \"no connection\"}", "Unhandled", version->version,
                            ""};
    }
    world.seen.count("a hook ran");
    do_hook(world, environment, operation, wanted.key, digest);
    return FunctionAnswer{"{\"ok\": true}", "", version->version, ""};
  };
  co_return co_await pawl::sim::call<FunctionAnswer>(gate_, std::move(request), std::move(work));
}

}  // namespace pawl::sim
