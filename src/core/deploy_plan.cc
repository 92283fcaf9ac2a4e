// The plan that makes a release live: which steps, in which order, and what each must know.
#include <fmt/format.h>

#include "core/plan.h"
#include "core/plan_steps.h"

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
    add(capture_live_step(environment_));
    if (decision_.needs_build) add(build_image());
    if (environment_.terraform) {
      add(plan_infrastructure());
      add(apply_infrastructure());
    }
    add(copy_image());
    if (environment_.static_files) add(upload_static());
    if (uploads_beside_terraform()) add(confirm_static());
    add(update_function());
    if (has_alias()) {
      add(publish_version());
      add(move_alias());
    }
    if (environment_.static_files)
      add(switch_static_step(*environment_.static_files, {files_step(), traffic_step()}));
    add(find_url_step(environment_, {after_infrastructure()}));
    if (environment_.health) add(check_health());
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

  PlanStep build_image() const {
    const BuildSettings settings = environment_.image.build.value_or(BuildSettings{});
    const ReleaseName& release = decision_.release;
    json::array tags{json::string(release.image_tag),
                     json::string("sha-" + short_sha(release.sha))};
    if (facts_.on_main_branch) tags.push_back("latest");
    json::object args;
    for (const auto& [name, value] : settings.args) args[name] = fill(value);
    json::object labels{{"org.opencontainers.image.version", release.version},
                        {"org.opencontainers.image.revision", release.sha}};
    if (!facts_.git_remote_url.empty())
      labels["org.opencontainers.image.source"] = facts_.git_remote_url;
    PlanStep made = step("build_image",
                         fmt::format("build {} from {}/{} and push it", image(), settings.context,
                                     settings.dockerfile),
                         {});
    made.stage = Stage::build;
    made.params = {{"image", environment_.image.source},
                   {"image_tag", release.image_tag},
                   {"tags", std::move(tags)},
                   {"labels", std::move(labels)},
                   {"revision", release.sha},
                   {"context", settings.context},
                   {"dockerfile", settings.dockerfile},
                   {"target", settings.target},
                   {"platform", settings.platform},
                   {"builder", settings.builder},
                   {"args", std::move(args)}};
    return made;
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
    json::array var_files;
    for (const auto& file : settings.var_files) var_files.push_back(json::string(file));
    return {{"dir", settings.dir},
            {"backend", settings.backend},
            {"var_files", std::move(var_files)},
            {"function", environment_.function.name},
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
    made.params = {{"source", environment_.image.source},
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
    made.params = {{"function", environment_.function.name},
                   {"alias", environment_.function.alias},
                   {"update_timeout_ms", environment_.function.update_timeout.count()}};
    made.undo = "gives the function the image that it had";
    return made;
  }

  PlanStep publish_version() const {
    PlanStep made = step("publish_version",
                         fmt::format("publish it as a version of {}", environment_.function.name),
                         {"update_function"});
    made.params = {{"function", environment_.function.name},
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
    made.params = {{"function", function.name},
                   {"alias", function.alias},
                   {"version", decision_.release.version},
                   {"sha", decision_.release.sha},
                   {"update_timeout_ms", function.update_timeout.count()}};
    made.undo = "moves the alias back to the version that was live";
    return made;
  }

  PlanStep check_health() const {
    std::vector<std::string> needs = {"find_url", traffic_step()};
    if (environment_.static_files) needs.emplace_back("switch_static");
    return check_health_step(environment_, decision_.release, environment_.health->attempts,
                             std::move(needs));
  }

  void add_warnings() {
    plan_.warnings = common_warnings(config_, environment_);
    if (environment_.terraform)
      plan_.warnings.emplace_back("what Terraform changes is not taken back by a rollback");
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
