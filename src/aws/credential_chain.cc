#include "aws/credential_chain.h"

#include <fmt/format.h>

#include "aws/chained_role.h"
#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "aws/web_identity.h"

namespace pawl::aws {
namespace {

using Source = std::shared_ptr<CredentialSource>;

Error no_credentials_found() {
  return Error(ErrorKind::denied, "there are no AWS credentials")
      .with_hint(
          "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN "
          "with an identity token (in GitHub Actions: permissions: id-token: write); or try "
          "--sandbox");
}

class Chain {
 public:
  Chain(const ChainParts& parts, const ChainSettings& settings)
      : parts_(parts), settings_(settings) {}

  Result<Source> find() const {
    PAWL_TRY(auto keys, environment_credentials(parts_.variables));
    if (keys) return keys;
    if (parts_.profiles.is_chosen_by_name) {
      PAWL_TRY(auto named, named_profile());
      if (named) return named;
    }
    PAWL_TRY(auto identity, web_identity());
    if (identity) return identity;
    if (!parts_.profiles.is_chosen_by_name) {
      PAWL_TRY(auto usual, profile_credentials(parts_, parts_.profiles.chosen));
      if (usual) return usual;
    }
    PAWL_TRY(auto endpoint, container_endpoint(parts_.variables));
    if (endpoint) return Source(container_credentials(parts_.ports, *std::move(endpoint)));
    PAWL_TRY(auto metadata, instance_metadata_from(parts_.variables, parts_.profiles));
    if (metadata) return instance(*std::move(metadata));
    return no_credentials_found();
  }

 private:
  Result<Source> named_profile() const {
    if (parts_.profiles.find(parts_.profiles.chosen) == nullptr)
      return Error(ErrorKind::config,
                   fmt::format("AWS_PROFILE names [{}], which is neither in {} nor in {}",
                               parts_.profiles.chosen, parts_.profiles.config_path,
                               parts_.profiles.credentials_path))
          .with_hint(fmt::format("profiles that are there: {}", parts_.profiles.names()));
    return profile_credentials(parts_, parts_.profiles.chosen);
  }

  Result<Source> web_identity() const {
    const std::string role = variable(parts_.variables, "AWS_ROLE_ARN");
    const std::string file = variable(parts_.variables, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const std::string url = variable(parts_.variables, "ACTIONS_ID_TOKEN_REQUEST_URL");
    if (!file.empty() && role.empty())
      return Error(ErrorKind::config, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not")
          .with_hint("set AWS_ROLE_ARN to the role that the token is for");
    if (role.empty() || (file.empty() && url.empty())) return Source();
    WebIdentity identity;
    identity.role_arn = role;
    identity.session_name = variable(parts_.variables, "AWS_ROLE_SESSION_NAME");
    if (identity.session_name.empty()) identity.session_name = parts_.session_name;
    if (!file.empty()) {
      identity.source = "the identity token of AWS_WEB_IDENTITY_TOKEN_FILE";
      return take(std::move(identity), token_from_file(file));
    }
    identity.source = "GitHub Actions' identity token";
    GithubTokenRequest request;
    request.url = url;
    request.token = Secret(variable(parts_.variables, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    if (!settings_.audience.empty()) request.audience = settings_.audience;
    return take(std::move(identity), token_from_github(parts_.ports, std::move(request)));
  }

  Result<Source> take(WebIdentity identity, std::unique_ptr<TokenProvider> tokens) const {
    return Source(web_identity_credentials(parts_.ports, parts_.options, std::move(identity),
                                           std::move(tokens)));
  }

  Result<Source> instance(InstanceMetadata metadata) const;

  const ChainParts& parts_;
  const ChainSettings& settings_;
};

// The last resort: that it is no instance means that there are no credentials at all.
class LastResort : public CredentialSource {
 public:
  explicit LastResort(Source source) : source_(std::move(source)) {}
  Task<Result<Credentials>> get() override {
    auto given = co_await source_->get();
    if (given.ok() || given.error().kind() == ErrorKind::interrupted) co_return given;
    Error none = no_credentials_found();
    co_return Error(ErrorKind::denied, fmt::format("{}; the last place looked at: {}", none.what(),
                                                   given.error().message()))
        .with_hint(given.error().kind() == ErrorKind::denied && !given.error().hint().empty()
                       ? given.error().hint()
                       : none.hint());
  }
  void forget() override { source_->forget(); }

 private:
  Source source_;
};

Result<Source> Chain::instance(InstanceMetadata metadata) const {
  Source source = instance_credentials(parts_.ports, std::move(metadata));
  return Source(std::make_shared<LastResort>(std::move(source)));
}

}  // namespace

std::shared_ptr<CredentialSource> credential_chain(ClientPorts ports, AwsOptions options,
                                                   Processes& processes, Variables variables,
                                                   Profiles profiles, ChainSettings settings) {
  const ChainParts parts{ports, options, processes, variables, profiles, settings.session_name};
  auto found = Chain(parts, settings).find();
  if (!found.ok()) return no_credentials(std::move(found).error());
  Source source = *std::move(found);
  for (const auto& arn : settings.roles) {
    ChainedRole role;
    role.role_arn = arn;
    role.session_name = settings.session_name;
    if (&arn == &settings.roles.back()) role.external_id = settings.external_id;
    source = chained_role_credentials(ports, options, std::move(role), std::move(source));
  }
  return source;
}

}  // namespace pawl::aws
