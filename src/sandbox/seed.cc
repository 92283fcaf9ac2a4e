#include "sandbox/seed.h"

#include "core/terraform_outputs.h"

namespace pawl::sandbox {

namespace {

// What Terraform would name is there under the name that it has by default.
std::string usual_name(const std::string& name, const std::string& otherwise) {
  return names_output(name) ? otherwise : name;
}

}  // namespace

SandboxSeed seed_of(const Config& config) {
  SandboxSeed seed;
  seed.app = config.app;
  seed.repository = config.repository;
  seed.main_branch = config.main_branch;
  for (const auto& environment : config.environments) {
    if (seed.environments.empty()) {
      seed.region = environment.region;
      seed.source_image = environment.image.source;
    }
    EnvironmentSeed one;
    one.name = environment.name;
    const std::string usual = config.app + "-" + environment.name;
    one.function = usual_name(environment.function.name, usual);
    one.alias = environment.function.alias;
    one.ecr_repository = usual_name(environment.function.repository, usual);
    one.api =
        environment.url.api.empty() ? config.app + "-" + environment.name : environment.url.api;
    if (environment.static_files) {
      one.bucket = usual_name(environment.static_files->bucket, usual + "-static");
      one.static_prefix = environment.static_files->prefix;
    }
    seed.environments.push_back(std::move(one));
  }
  return seed;
}

json::object to_json(const SandboxSeed& seed) {
  json::array environments;
  for (const auto& e : seed.environments)
    environments.push_back(json::object{{"name", e.name},
                                        {"function", e.function},
                                        {"alias", e.alias},
                                        {"ecr_repository", e.ecr_repository},
                                        {"bucket", e.bucket},
                                        {"static_prefix", e.static_prefix},
                                        {"api", e.api}});
  return {{"app", seed.app},
          {"region", seed.region},
          {"repository", seed.repository},
          {"main_branch", seed.main_branch},
          {"source_image", seed.source_image},
          {"environments", std::move(environments)}};
}

SandboxSeed seed_from_json(const json::object& object) {
  SandboxSeed seed;
  seed.app = string_or(object, "app");
  seed.region = string_or(object, "region", "us-east-1");
  seed.repository = string_or(object, "repository");
  seed.main_branch = string_or(object, "main_branch", "main");
  seed.source_image = string_or(object, "source_image");
  const auto* environments = object.if_contains("environments");
  if (environments == nullptr || !environments->is_array()) return seed;
  for (const auto& value : environments->get_array()) {
    if (!value.is_object()) continue;
    const json::object& o = value.get_object();
    seed.environments.push_back({string_or(o, "name"), string_or(o, "function"),
                                 string_or(o, "alias"), string_or(o, "ecr_repository"),
                                 string_or(o, "bucket"), string_or(o, "static_prefix"),
                                 string_or(o, "api")});
  }
  return seed;
}

}  // namespace pawl::sandbox
