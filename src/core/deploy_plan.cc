// The plan that makes a release live: which steps, in which order, and what each must know.
#include <fmt/format.h>

#include "core/hooks.h"
#include "core/plan.h"
#include "core/plan_steps.h"
#include "core/terraform_outputs.h"

namespace pawl {
namespace {

class DeployPlan {
 public:
  DeployPlan(const Config& config, const EnvironmentConfig& environment, const Decision& decision,
             const PlanFacts& facts)
      : config_(config), environment_(environment), decision_(decision), facts_(facts) {}

  Plan make() {
    plan_.kind = DeploymentKind::deploy;
    plan_.release = decision_.release;
    plan_.policy = environment_.policy;
    if (!config_.repository.empty())
      add(notify_started_step(config_, environment_, facts_.live_sha));
    add(capture_live());
    if (decision_.needs_build) add(build_image());  // or the push of an OCI layout
    if (environment_.terraform) {
      add(plan_infrastructure());
      add(apply_infrastructure());
    }
    add(copy_image());
    if (environment_.static_files) add(upload_static());
    if (uploads_beside_terraform()) add(confirm_static());
    // Asked early where a hook must wait for its answer.
    const bool asks_early = !last_hook(HookWhen::before_traffic).empty();
    if (asks_early) add(find_url_step(environment_, {after_infrastructure()}));
    if (has_alias()) {
      add(update_function());
      add(publish_version());
      if (moves_provisioned()) add(provision_version());
      add_hooks(HookWhen::before_traffic);
      add(move_alias());
      if (awaits_provisioned())
        add(provisioned_step(environment_, "await_provisioned", facts_, {"move_alias"}));
    } else {
      add_hooks(HookWhen::before_traffic);
      add(update_function());
    }
    if (environment_.static_files)
      add(switch_static_step(*environment_.static_files, {files_step(), traffic_step()}, ""));
    if (!asks_early) add(find_url_step(environment_, {after_infrastructure()}));
    if (environment_.health) add(check_health());
    add_hooks(HookWhen::after_traffic);
    if (environment_.health && !last_hook(HookWhen::after_traffic).empty())
      add(check_health_again());
    add_upkeep();
    if (environment_.terraform) let_names_wait_for_terraform(plan_);
    add_warnings();
    return std::move(plan_);
  }

 private:
  void add(PlanStep step) { plan_.steps.push_back(std::move(step)); }
  bool has_alias() const { return !environment_.function.alias.empty(); }
  /// After it callers get the new code.
  std::string traffic_step() const { return has_alias() ? "move_alias" : "update_function"; }
  bool uploads_beside_terraform() const {
    return environment_.static_files && environment_.terraform && facts_.bucket_exists;
  }
  /// After it the new static files are there for sure.
  std::string files_step() const {
    return uploads_beside_terraform() ? "confirm_static" : "upload_static";
  }
  std::string after_infrastructure() const {
    return environment_.terraform ? "apply_infrastructure" : "capture_live";
  }

  static PlanStep step(std::string id, std::string title, std::vector<std::string> needs) {
    PlanStep made;
    made.id = made.kind = std::move(id);
    made.title = std::move(title);
    made.needs = std::move(needs);
    return made;
  }

  std::string image() const {
    return fmt::format("{}:{}", environment_.image.source, decision_.release.image_tag);
  }

  // With what it looks at to see, before anything is changed, whether the function could run the
  // image: the image itself, or what it will be built for.
  PlanStep capture_live() const {
    // What is live has the names that Terraform gave it the last time.
    PlanStep made = capture_live_step(with_known_outputs(environment_, facts_.terraform_outputs),
                                      environment_.terraform.has_value());
    const bool is_built = decision_.needs_build;
    made.params.own()["image"] = {
        {"source", environment_.image.source},
        {"digest", is_built ? "" : facts_.source_digest},
        {"platform", is_built && environment_.image.build ? environment_.image.build->platform
                                                          : std::string()}};
    return made;
  }

  PlanStep build_image() const {
    const BuildSettings settings = environment_.image.build.value_or(BuildSettings{});
    const ReleaseName& release = decision_.release;
    json::array tags{json::string(release.image_tag),
                     json::string("sha-" + short_sha(release.sha))};
    if (facts_.on_main_branch) tags.push_back("latest");
    json::object args;
    for (const auto& [name, value] : settings.args) args[name] = fill(value);
    json::object secrets;
    for (const auto& [id, source] : settings.secrets) secrets[id] = source;
    json::object labels{{"org.opencontainers.image.version", release.version},
                        {"org.opencontainers.image.revision", release.sha}};
    if (!facts_.git_remote_url.empty())
      labels["org.opencontainers.image.source"] = facts_.git_remote_url;
    const std::string layout = fill(environment_.image.layout);
    const std::string title =
        layout.empty() ? fmt::format("build {} from {}/{} and push it", image(), settings.context,
                                     settings.dockerfile)
                       : fmt::format("push the image of the OCI layout {} as {}", layout, image());
    PlanStep made = step("build_image", title, {});
    made.stage = Stage::build;
    made.params = json::object{{"image", environment_.image.source},
                               {"image_tag", release.image_tag},
                               {"tags", std::move(tags)},
                               {"labels", std::move(labels)},
                               {"revision", release.sha},
                               {"context", settings.context},
                               {"dockerfile", settings.dockerfile},
                               {"target", settings.target},
                               {"platform", settings.platform},
                               {"platforms", array_of(settings.platforms)},
                               {"builder", settings.builder},
                               {"args", std::move(args)},
                               {"secrets", std::move(secrets)},
                               {"cache_from", array_of(settings.cache_from)},
                               {"cache_to", array_of(settings.cache_to)},
                               {"provenance", settings.provenance},
                               {"sbom", settings.sbom},
                               {"layout", layout}};
    return made;
  }

  static json::array array_of(const std::vector<std::string>& texts) {
    json::array array;
    for (const auto& text : texts) array.push_back(json::string(text));
    return array;
  }

  // {version} and {revision} are known only now.
  std::string fill(std::string text) const {
    const auto replace = [&](std::string_view name, const std::string& value) {
      for (size_t at = text.find(name); at != std::string::npos;
           at = text.find(name, at + value.size()))
        text.replace(at, name.size(), value);
    };
    replace("{version}", decision_.release.version);
    replace("{revision}", decision_.release.sha);
    return text;
  }

  json::object terraform_params() const {
    const TerraformSettings& settings = *environment_.terraform;
    const auto known = with_known_outputs(environment_, facts_.terraform_outputs);
    return {{"dir", settings.dir},
            {"backend", settings.backend},
            {"var_files", array_of(settings.var_files)},
            {"binary", settings.binary},
            {"workspace", settings.workspace},
            {"protect", array_of(settings.protect)},
            {"allow_destroy", array_of(facts_.allow_destroy)},
            {"function", known.function.name},
            {"alias", environment_.function.alias},
            {"environment", environment_.name},
            {"region", environment_.region}};
  }

  PlanStep plan_infrastructure() const {
    PlanStep made = step("plan_infrastructure",
                         fmt::format("plan the infrastructure of {}", environment_.terraform->dir),
                         {"capture_live"});
    made.params = terraform_params();
    return made;
  }

  PlanStep apply_infrastructure() const {
    PlanStep made = step("apply_infrastructure", "apply that very plan", {"plan_infrastructure"});
    // A build that fails must leave the infrastructure as it was.
    if (decision_.needs_build) made.needs.emplace_back("build_image");
    made.params = terraform_params();
    return made;
  }

  PlanStep copy_image() const {
    const std::string target =
        facts_.repository_uri.empty() ? environment_.function.repository : facts_.repository_uri;
    PlanStep made =
        step("copy_image", fmt::format("copy {} to {}", image(), target), {"capture_live"});
    if (decision_.needs_build) made.needs.emplace_back("build_image");
    if (environment_.terraform && !facts_.repository_exists)
      made.needs.emplace_back("apply_infrastructure");
    made.params = json::object{
        {"source", environment_.image.source},
        {"image_tag", decision_.release.image_tag},
        {"digest", decision_.needs_build ? "" : facts_.source_digest},
        // Empty: the platform that the function runs on.
        {"platform", environment_.image.build ? environment_.image.build->platform : ""},
        {"repository", environment_.function.repository},
        {"repository_uri", facts_.repository_uri},
        {"function", environment_.function.name}};
    return made;
  }

  PlanStep upload_static() const {
    const StaticSettings& settings = *environment_.static_files;
    PlanStep made = step("upload_static",
                         fmt::format("upload the new files of {} to s3://{}/{}", settings.dir,
                                     settings.bucket, settings.prefix),
                         {uploads_beside_terraform() ? "capture_live" : after_infrastructure()});
    made.params = to_json(settings);
    return made;
  }

  PlanStep confirm_static() const {
    const StaticSettings& settings = *environment_.static_files;
    PlanStep made = step(
        "confirm_static",
        fmt::format("see that Terraform left them in s3://{}/{}", settings.bucket, settings.prefix),
        {"upload_static", "apply_infrastructure"});
    made.params = to_json(settings);
    return made;
  }

  PlanStep update_function() const {
    PlanStep made = step("update_function",
                         fmt::format("give {} the image, by digest", environment_.function.name),
                         {"copy_image"});
    if (environment_.terraform) made.needs.emplace_back("apply_infrastructure");
    // With alias none this is what moves the traffic: the new files must be there.
    if (!has_alias() && environment_.static_files) made.needs.push_back(files_step());
    if (const auto hook = last_hook(HookWhen::before_traffic); !has_alias() && !hook.empty())
      made.needs.push_back(hook);
    made.params = json::object{{"function", environment_.function.name},
                               {"alias", environment_.function.alias},
                               {"update_timeout_ms", environment_.function.update_timeout.count()}};
    made.undo = "gives the function the image that it had";
    return made;
  }

  PlanStep publish_version() const {
    PlanStep made = step("publish_version",
                         fmt::format("publish it as a version of {}", environment_.function.name),
                         {"update_function"});
    made.params = json::object{{"function", environment_.function.name},
                               {"version", decision_.release.version},
                               {"sha", decision_.release.sha},
                               {"update_timeout_ms", environment_.function.update_timeout.count()}};
    return made;
  }

  PlanStep move_alias() const {
    const FunctionSettings& function = environment_.function;
    PlanStep made =
        step("move_alias",
             fmt::format("move the alias {} of {} to that version", function.alias, function.name),
             {"publish_version"});
    if (environment_.static_files) made.needs.push_back(files_step());
    if (const auto hook = last_hook(HookWhen::before_traffic); !hook.empty())
      made.needs.push_back(hook);
    if (moves_provisioned()) made.needs.emplace_back("provision_version");
    made.params = json::object{{"function", function.name},
                               {"alias", function.alias},
                               {"version", decision_.release.version},
                               {"sha", decision_.release.sha},
                               {"update_timeout_ms", function.update_timeout.count()}};
    made.undo = "moves the alias back to the version that was live";
    return made;
  }

  // Set aside for a version: Pawl's to move. For the alias: Lambda moves it when the alias moves.
  bool moves_provisioned() const {
    return facts_.provisioned > 0 && has_alias() && !awaits_provisioned();
  }
  bool awaits_provisioned() const {
    return facts_.provisioned > 0 && facts_.provisioned_for == environment_.function.alias;
  }
  PlanStep provision_version() const {
    return provisioned_step(environment_, "provision_version", facts_, {"publish_version"});
  }

  // When the release is verified, and all else is done.
  void add_upkeep() {
    std::vector<std::string> last;
    for (const PlanStep& step : plan_.steps) last.push_back(step.id);
    if (moves_provisioned())
      add(provisioned_step(environment_, "release_provisioned", facts_, last));
    if (has_alias() && environment_.function.keep_versions > 0)
      add(prune_versions_step(environment_, facts_, last));
  }

  std::string last_hook(HookWhen when) const {
    std::string id;
    for (const HookSettings& hook : environment_.hooks)
      if (hook.when == when) id = hook_step_id(hook.name);
    return id;
  }

  // Everything that could still refuse the deployment comes before a hook: what it did may be there
  // for good.
  std::vector<std::string> before_hooks(HookWhen when) const {
    std::vector<std::string> needs;
    if (when == HookWhen::before_traffic) {
      needs.emplace_back(has_alias() ? "publish_version" : "copy_image");
      if (moves_provisioned()) needs.emplace_back("provision_version");
      if (environment_.terraform) needs.push_back(after_infrastructure());
      if (environment_.static_files) needs.push_back(files_step());
      needs.emplace_back("find_url");
      return needs;
    }
    needs.push_back(traffic_step());
    if (environment_.static_files) needs.emplace_back("switch_static");
    needs.emplace_back(environment_.health ? "check_health" : "find_url");
    return needs;
  }

  // One after the other, in the order of the file.
  void add_hooks(HookWhen when) {
    std::vector<std::string> needs = before_hooks(when);
    for (const HookSettings& hook : environment_.hooks) {
      if (hook.when != when) continue;
      PlanStep made = run_hook_step(environment_, hook, decision_.release, needs);
      const auto run = facts_.hook_runs.find(hook.name);
      if (!hook.undo && run != facts_.hook_runs.end() && run->second.is_known)
        made.params.own()["ran_in"] = run->second.deployment;
      needs = {made.id};
      add(std::move(made));
    }
  }

  // What a hook did may have broken what answered well before it.
  PlanStep check_health_again() const {
    PlanStep made =
        check_health_step(environment_, decision_.release, environment_.health->attempts,
                          {last_hook(HookWhen::after_traffic)});
    made.id = "check_health_again";
    made.title = fmt::format("ask {} again after the hooks", environment_.health->path);
    return made;
  }

  PlanStep check_health() const {
    std::vector<std::string> needs = {"find_url", traffic_step()};
    if (awaits_provisioned()) needs.emplace_back("await_provisioned");
    if (environment_.static_files) needs.emplace_back("switch_static");
    return check_health_step(environment_, decision_.release, environment_.health->attempts,
                             std::move(needs));
  }

  void add_warnings() {
    plan_.warnings = common_warnings(config_, environment_);
    if (environment_.terraform)
      plan_.warnings.emplace_back("what Terraform changes is not taken back by a rollback");
    for (const auto& each : facts_.allow_destroy)
      plan_.warnings.push_back(
          fmt::format("Terraform may destroy or replace {}, although it is protected: it was "
                      "allowed for this deployment (--allow-destroy)",
                      each));
    for (const HookSettings& hook : environment_.hooks) warn_of(hook);
  }

  // The point of no return is named before anything is touched.
  void warn_of(const HookSettings& hook) {
    if (!bars_the_way_back(hook)) return;
    const bool is_before = hook.when == HookWhen::before_traffic;
    plan_.warnings.push_back(fmt::format(
        "point of no return: once {} has run{} there is no way back to the release before, since "
        "the hook has no undo and is not compatible_with: previous",
        hook_step_id(hook.name),
        is_before ? fmt::format(" and {} was begun", traffic_step()) : ""));
    if (is_before)
      plan_.warnings.push_back(
          fmt::format("between {} and {} the code that is live now works with what the hook made",
                      hook_step_id(hook.name), traffic_step()));
  }

  const Config& config_;
  const EnvironmentConfig& environment_;
  const Decision& decision_;
  const PlanFacts& facts_;
  Plan plan_;
};

}  // namespace

Plan make_deploy_plan(const Config& config, const EnvironmentConfig& environment,
                      const Decision& decision, const PlanFacts& facts) {
  Plan plan = DeployPlan(config, environment, decision, facts).make();
  PAWL_ASSERT(check_plan(plan).empty());
  return plan;
}

}  // namespace pawl
