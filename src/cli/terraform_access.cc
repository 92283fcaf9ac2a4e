#include "cli/terraform_access.h"

namespace pawl {
namespace {

using Variables = std::map<std::string, std::string>;

Task<Result<Variables>> variables_of(std::shared_ptr<aws::CredentialSource> source) {
  PAWL_CO_TRY(const auto credentials, co_await source->get());
  Variables variables;
  variables["AWS_ACCESS_KEY_ID"] = credentials.access_key_id;
  variables["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key.reveal_for("terraform");
  variables["AWS_SESSION_TOKEN"] = credentials.session_token.reveal_for("terraform");
  co_return variables;
}

// "Authentication and Configuration" of the provider's documentation:
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs
bool finds_credentials_itself(const ProcessEnvironment& variables) {
  if (!variables.get("AWS_ACCESS_KEY_ID").empty()) return true;
  if (!variables.get("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) return true;
  return variables.get("ACTIONS_ID_TOKEN_REQUEST_URL").empty() ||
         variables.get("AWS_ROLE_ARN").empty();
}

}  // namespace

TerraformOptions terraform_options(const ProcessEnvironment& variables,
                                   const EnvironmentConfig& environment, const LoadedConfig& config,
                                   std::shared_ptr<aws::CredentialSource> credentials,
                                   Clock& clock) {
  TerraformOptions options;
  options.directory = config.directory;
  options.scratch_dir = config.state_dir + "/terraform/" + environment.name;
  for (const auto& [name, value] : variables.all())
    if (name.rfind("AWS_", 0) == 0 && !value.empty()) options.environment[name] = value;
  if (!finds_credentials_itself(variables))
    options.credentials = [credentials] { return variables_of(credentials); };
  options.plugin_cache = variables.get("TF_PLUGIN_CACHE_DIR");
  options.owns_plugin_cache = options.plugin_cache.empty();
  if (options.owns_plugin_cache) options.plugin_cache = config.state_dir + "/terraform/plugins";
  options.clock = &clock;
  return options;
}

}  // namespace pawl
