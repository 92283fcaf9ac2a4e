#include "core/config_hooks.h"

#include <fmt/format.h>

#include <set>

#include "core/config_checks.h"

namespace pawl {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kMaxHooks = 20;
constexpr size_t kMaxPayloadBytes = 100'000;
constexpr int kMostRetries = 10;
constexpr std::chrono::minutes kLongestCall{15};  // Lambda's own limit

// As it is written: braces in it are JSON's, not placeholders.
std::optional<json::object> read_payload(SectionReader& section) {
  const YamlNode* node = section.any("payload");
  if (node == nullptr) return json::object{};
  if (!node->is_map()) {
    section.problem(*node, fmt::format("expected a map, into which Pawl puts idempotency_key; "
                                       "found {}",
                                       describe(*node)));
    return std::nullopt;
  }
  json::object payload = to_json(*node).as_object();
  if (json::serialize(payload).size() > kMaxPayloadBytes) {
    section.problem(*node, fmt::format("longer than {} bytes", kMaxPayloadBytes));
    return std::nullopt;
  }
  return payload;
}

void read_invoke(SectionReader& hook, HookSettings& out, const EnvironmentConfig& environment) {
  auto invoke = hook.section("invoke");
  if (!invoke) {
    if (hook.node().find("invoke") == nullptr)
      hook.missing("invoke", "what is called, such as invoke: {payload: {operation: migrate}}");
    return;
  }
  if (auto payload = read_payload(*invoke)) out.payload = *std::move(payload);
  invoke->text("function", out.function, checks::function_name);
  invoke->text("qualifier", out.qualifier, checks::qualifier);
  invoke->duration("timeout", out.timeout, seconds(1), kLongestCall);
  invoke->scalars("expect", out.expect);
  invoke->no_other_keys();
  if (out.timeout <= environment.policy.step_limit) return;
  const YamlNode* written = invoke->node().find("timeout");
  if (written == nullptr)
    out.timeout = environment.policy.step_limit;
  else
    invoke->problem(*written, "longer than a step may take (limits.step)");
}

// `none`, or the call that takes it back.
void read_undo(SectionReader& hook, HookSettings& out) {
  const YamlNode* node = hook.any("undo");
  if (node == nullptr || (node->kind == YamlNode::Kind::text && node->text == "none")) return;
  if (!node->is_map()) {
    hook.problem(*node,
                 fmt::format("expected none, or {{payload: {{...}}}}, found {}", describe(*node)));
    return;
  }
  auto undo = hook.section("undo");
  if (undo->node().find("payload") == nullptr) undo->missing("payload", "what it is called with");
  out.undo = read_payload(*undo);
  undo->no_other_keys();
}

void check_place(SectionReader& hook, const HookSettings& out,
                 const EnvironmentConfig& environment) {
  // What is shared by all may be made whole by an environment's own function.
  if (!hook.is_complete()) return;
  const bool is_before = out.when == HookWhen::before_traffic;
  if (is_before && out.function.empty() && environment.function.alias.empty())
    hook.problem(hook.node(),
                 "with function.alias: none the new code is live as soon as the function has it: "
                 "give the function an alias, name another function in invoke.function, or use "
                 "after_traffic");
  if (out.function.empty() && !out.qualifier.empty())
    hook.problem(*hook.node().find("invoke")->find("qualifier"),
                 "of the function that is deployed it is the new version that is called; "
                 "invoke.function names another one");
}

HookSettings read_hook(SectionReader& hook, const EnvironmentConfig& environment) {
  HookSettings out;
  hook.required_text("name", out.name, checks::hook_name);
  if (hook.node().find("when") == nullptr) hook.missing("when", "before_traffic or after_traffic");
  if (auto when = hook.choice("when", {"before_traffic", "after_traffic"}))
    out.when = *when == 0 ? HookWhen::before_traffic : HookWhen::after_traffic;
  read_invoke(hook, out, environment);
  read_undo(hook, out);
  hook.boolean("idempotent", out.is_idempotent);
  hook.integer("retries", out.retries, 0, kMostRetries);
  if (out.retries > 0 && !out.is_idempotent)
    hook.problem(*hook.node().find("retries"),
                 "only what says `idempotent: true` may be called again: it must do nothing at a "
                 "second call with the same idempotency_key, and answer as at the first");
  if (auto with = hook.choice("compatible_with", {"previous", "none"}))
    out.is_compatible_with_previous = *with == 0;
  hook.no_other_keys();
  check_place(hook, out, environment);
  return out;
}

}  // namespace

void read_hooks(SectionReader& settings, EnvironmentConfig& out) {
  const YamlNode* list = settings.any("hooks");
  if (list == nullptr) return;
  if (list->kind != YamlNode::Kind::list) {
    settings.problem(*list, fmt::format("expected a list of hooks, found {}", describe(*list)));
    return;
  }
  if (list->items.size() > kMaxHooks) {
    settings.problem(*list, fmt::format("more than {} hooks", kMaxHooks));
    return;
  }
  std::set<std::string> names;
  for (const auto& node : list->items) {
    auto hook = settings.item(node);
    if (!hook) continue;
    out.hooks.push_back(read_hook(*hook, out));
    const std::string& name = out.hooks.back().name;
    if (!name.empty() && !names.insert(name).second)
      hook->problem(*node.find("name"), fmt::format("two hooks are called {}", name));
  }
}

}  // namespace pawl
