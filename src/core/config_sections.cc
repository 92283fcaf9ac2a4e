#include "core/config_sections.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/config_checks.h"
#include "core/config_hooks.h"
#include "core/terraform_outputs.h"

namespace pawl {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kMaxRoles = 5;

void read_aws(SectionReader& settings, AwsSettings& out) {
  auto section = settings.section("aws");
  if (!section) return;
  section->texts("roles", out.roles, checks::role_arn);
  section->text("external_id", out.external_id, checks::external_id);
  section->text("audience", out.audience);
  section->no_other_keys();
  if (out.roles.size() > kMaxRoles)
    section->problem(*section->node().find("roles"),
                     fmt::format("a chain of more than {} roles", kMaxRoles));
  if (const YamlNode* id = section->node().find("external_id"); id != nullptr && out.roles.empty())
    section->problem(*id, "an external_id is for the last of `roles`, and there are none");
}

void read_platforms(SectionReader& section, BuildSettings& build) {
  section.texts("platforms", build.platforms, checks::platform);
  const YamlNode* node = section.node().find("platforms");
  const auto& all = build.platforms;
  if (node != nullptr && !all.empty() &&
      std::find(all.begin(), all.end(), build.platform) == all.end())
    section.problem(*node, fmt::format("{} is not among them, and the function runs on it "
                                       "(image.build.platform)",
                                       build.platform));
}

void read_build_extras(SectionReader& section, BuildSettings& build) {
  section.scalars("secrets", build.secrets);
  if (const YamlNode* secrets = section.node().find("secrets"); secrets && secrets->is_map())
    for (const auto& member : secrets->members)
      if (const auto complaint = checks::build_secret(member.key, member.value.text);
          !complaint.empty())
        section.problem(member.value, complaint);
  section.texts("cache_from", build.cache_from, checks::build_cache);
  section.texts("cache_to", build.cache_to, checks::build_cache);
  const std::vector<std::string> provenances = {"none", "min", "max"};
  if (auto chosen = section.choice("provenance", provenances))
    build.provenance = provenances[*chosen];
  const std::vector<std::string> attachments = {"none", "attach"};
  if (auto chosen = section.choice("sbom", attachments)) build.sbom = attachments[*chosen];
}

void read_build(SectionReader& image, ImageSettings& out, const Placeholders& build_names) {
  const YamlNode* node = image.any("build");
  if (node == nullptr) return;
  auto section = image.section("build");
  if (!section) return;
  BuildSettings build;
  section->text("context", build.context);
  section->text("dockerfile", build.dockerfile, checks::relative_path);
  section->text("target", build.target);
  const std::vector<std::string> platforms = {"linux/amd64", "linux/arm64"};
  if (auto platform = section->choice("platform", platforms)) build.platform = platforms[*platform];
  const std::vector<std::string> builders = {"auto", "buildx", "docker", "buildah", "podman"};
  if (auto builder = section->choice("builder", builders)) build.builder = builders[*builder];
  read_platforms(*section, build);
  if (auto args = section->section_with("args", build_names)) {
    args->own_scalars(build.args);
    for (const auto& member : args->node().members)
      if (const auto complaint = checks::build_arg_name(member.key); !complaint.empty())
        args->problem(member.value, complaint);
  }
  read_build_extras(*section, build);
  section->no_other_keys();
  out.build = std::move(build);
}

void read_layout(SectionReader& image, ImageSettings& out, const Placeholders& build_names) {
  const YamlNode* node = image.any("layout");
  if (node == nullptr) return;
  SectionReader with_names(image.node(), build_names, Completeness::partial, image.problems());
  if (auto layout = with_names.resolve(*node, nullptr, false)) out.layout = std::move(*layout);
  if (image.node().find("build") != nullptr)
    image.problem(*node, "an image is either built (build) or taken as it is (layout), not both");
}

void read_image(SectionReader& settings, ImageSettings& out) {
  auto section = settings.section("image");
  if (!section) {
    if (settings.node().find("image") == nullptr)
      settings.missing("image", "the image's source, such as image: {source: ghcr.io/owner/name}");
    return;
  }
  section->required_text("source", out.source, checks::image_source);
  Placeholders build_names = section->placeholders();
  build_names.deferred = {"version", "revision"};
  read_build(*section, out, build_names);
  read_layout(*section, out, build_names);
  section->no_other_keys();
}

void read_infrastructure(SectionReader& settings, std::optional<TerraformSettings>& out) {
  auto section = settings.section("infrastructure");
  if (!section) return;
  if (section->node().find("terraform") == nullptr) section->missing("terraform", "its settings");
  if (auto terraform = section->section("terraform")) {
    TerraformSettings read;
    terraform->required_text("dir", read.dir);
    terraform->text("backend", read.backend, checks::relative_path);
    terraform->texts("var_files", read.var_files, checks::relative_path);
    terraform->text("binary", read.binary, checks::terraform_binary);
    terraform->text("workspace", read.workspace, checks::terraform_workspace);
    terraform->texts("protect", read.protect, checks::resource_type);
    terraform->no_other_keys();
    out = std::move(read);
  }
  section->no_other_keys();
}

std::string default_name(const SectionReader& settings) {
  std::string unknown;
  return fill_placeholders("{app}-{environment}", settings.placeholders(), unknown);
}

void read_function(SectionReader& settings, FunctionSettings& out) {
  out.name = default_name(settings);
  out.repository = default_name(settings);
  auto section = settings.section("function");
  if (!section) return;
  section->text("name", out.name, checks::or_output<checks::function_name>);
  section->text("alias", out.alias, checks::alias);
  if (out.alias == "none") out.alias.clear();
  section->text("repository", out.repository, checks::or_output<checks::repository_name>);
  section->duration("update_timeout", out.update_timeout, seconds(1), minutes(60));
  section->integer("keep_versions", out.keep_versions, 2, 1000);
  section->no_other_keys();
}

// An address as it is, or the name of the API that has one.
void read_url(SectionReader& settings, UrlSettings& out) {
  out.api = default_name(settings);
  const YamlNode* node = settings.any("url");
  if (node == nullptr) return;
  if (!node->is_map()) {
    settings.text("url", out.fixed, checks::or_output<checks::url>);
    return;
  }
  auto section = settings.section("url");
  section->required_text("api", out.api);
  section->no_other_keys();
}

void read_cache_rules(SectionReader& section, std::vector<CacheControlSettings>& out) {
  const YamlNode* node = section.any("cache");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::list) {
    section.problem(
        *node, fmt::format("expected a list of {{match, control}}, found {}", describe(*node)));
    return;
  }
  for (const auto& item : node->items) {
    if (!item.is_map()) {
      section.problem(item, fmt::format("expected {{match: '**/*.html', control: no-cache}}, "
                                        "found {}",
                                        describe(item)));
      continue;
    }
    SectionReader rule = section.below(item);
    CacheControlSettings read;
    rule.required_text("match", read.match);
    rule.required_text("control", read.control, checks::header_value);
    rule.no_other_keys();
    out.push_back(std::move(read));
  }
}

void read_encodings(SectionReader& section, std::vector<std::string>& out) {
  std::vector<std::string> read;
  section.texts("compress", read, [](const std::string& text) -> std::string {
    if (text == "br" || text == "gzip") return "";
    return fmt::format("'{}' is none of br, gzip", text);
  });
  for (auto& each : read)
    if (std::find(out.begin(), out.end(), each) == out.end()) out.push_back(std::move(each));
}

void read_cloudfront(SectionReader& section, const std::string& prefix, CloudFrontSettings& out) {
  auto cloudfront = section.section("cloudfront");
  if (!cloudfront) return;
  cloudfront->required_text("distribution", out.distribution, checks::distribution_id);
  out.path = "/" + prefix;
  cloudfront->text("path", out.path, checks::served_path);
  if (auto wait = cloudfront->boolean("wait")) out.wait = *wait;
  cloudfront->no_other_keys();
}

void read_static(SectionReader& settings, std::optional<StaticSettings>& out) {
  auto section = settings.section("static");
  if (!section) return;
  StaticSettings read;
  section->required_text("dir", read.dir);
  section->required_text("bucket", read.bucket, checks::or_output<checks::bucket>);
  section->text("prefix", read.prefix, checks::key_prefix, /*may_be_empty=*/true);
  section->texts("immutable", read.immutable);
  read_cache_rules(*section, read.cache);
  read_encodings(*section, read.compress);
  read_cloudfront(*section, read.prefix, read.cloudfront);
  section->no_other_keys();
  out = std::move(read);
}

void read_expectations(SectionReader& health, HealthSettings& out) {
  auto expect = health.section("expect");
  if (!expect) return;
  expect->integer("status", out.expect_status, 200, 599);
  if (out.expect_status >= 300 && out.expect_status < 400)
    expect->problem(*expect->node().find("status"),
                    "a redirect is never taken for a good answer; expect what lies behind it");
  expect->text("version_header", out.version_header, checks::header_name);
  expect->scalars("json", out.expect_json);
  expect->no_other_keys();
}

void read_health(SectionReader& settings, std::optional<HealthSettings>& out) {
  auto section = settings.section("health");
  if (!section) return;
  HealthSettings read;
  section->text("path", read.path, checks::url_path);
  section->integer("attempts", read.attempts, 1, 100);
  section->integer("rollback_attempts", read.rollback_attempts, 1, 100);
  section->duration("max_wait", read.max_wait, milliseconds(0), minutes(10));
  section->duration("timeout", read.timeout, milliseconds(100), minutes(5));
  section->integer("passes", read.passes, 1, 10);
  read_expectations(*section, read);
  section->no_other_keys();
  if (const YamlNode* passes = section->node().find("passes");
      passes != nullptr && read.passes > read.attempts)
    section->problem(*passes, fmt::format("more good answers than attempts ({})", read.attempts));
  out = std::move(read);
}

// The one that is not written follows the other: `deployment: 10m` alone is no contradiction.
void read_limits(SectionReader& settings, RunPolicy& out) {
  auto section = settings.section("limits");
  if (!section) return;
  section->duration("step", out.step_limit, seconds(1), hours(24));
  section->duration("deployment", out.deployment_limit, seconds(1), hours(168));
  section->no_other_keys();
  const YamlNode* deployment = section->node().find("deployment");
  if (out.deployment_limit >= out.step_limit) return;
  if (section->node().find("step") == nullptr) {
    out.step_limit = out.deployment_limit;
  } else if (deployment == nullptr) {
    out.deployment_limit = out.step_limit;
  } else {
    section->problem(*deployment, "a deployment cannot have less time than one of its steps");
  }
}

void read_on_cancel(SectionReader& settings, OnCancel& out) {
  if (auto chosen = settings.choice("on_cancel", {"undo", "leave"}))
    out = *chosen == 0 ? OnCancel::undo : OnCancel::leave;
}

// Names that Terraform gives need one.
void check_outputs(SectionReader& settings, const EnvironmentConfig& out) {
  if (out.terraform || !settings.is_complete()) return;
  const auto check = [&](const char* section, const char* key, const std::string& text) {
    const YamlNode* node = settings.node().find(section);
    if (node == nullptr || !names_output(text)) return;
    const YamlNode* inner = node->is_map() ? node->find(key) : nullptr;
    settings.problem(inner != nullptr ? *inner : *node,
                     "names an output of Terraform, and there is no infrastructure.terraform");
  };
  check("function", "name", out.function.name);
  check("function", "repository", out.function.repository);
  check("url", "", out.url.fixed);
  if (out.static_files) check("static", "bucket", out.static_files->bucket);
}

}  // namespace

void read_settings(SectionReader& settings, EnvironmentConfig& out) {
  read_aws(settings, out.aws);
  read_image(settings, out.image);
  read_infrastructure(settings, out.terraform);
  read_function(settings, out.function);
  read_url(settings, out.url);
  read_static(settings, out.static_files);
  read_health(settings, out.health);
  read_limits(settings, out.policy);
  read_on_cancel(settings, out.policy.on_cancel);
  check_outputs(settings, out);
  read_hooks(settings, out);
}

}  // namespace pawl
