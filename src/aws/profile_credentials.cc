#include "aws/profile_credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "aws/answered_credentials.h"
#include "aws/chained_role.h"
#include "aws/container_credentials.h"
#include "aws/instance_metadata.h"
#include "aws/process_credentials.h"
#include "aws/sso_credentials.h"
#include "aws/web_identity.h"

namespace pawl::aws {
namespace {

using Source = std::shared_ptr<CredentialSource>;

Error problem(ErrorKind kind, const std::string& profile, std::string_view what) {
  return Error(kind, fmt::format("profile [{}] {}", profile, what));
}

class ProfileReader {
 public:
  explicit ProfileReader(const ChainParts& parts) : parts_(parts) {}

  Result<Source> read(const std::string& name, bool is_source) {
    const ConfigSection* section = parts_.profiles.find(name);
    if (section == nullptr) return Source();
    visited_.push_back(name);
    const bool has_keys =
        section->has("aws_access_key_id") || section->has("aws_secret_access_key");
    // Where another profile builds on it, its own keys count before its role.
    if (section->has("role_arn") && !(is_source && has_keys)) return role_of(name, *section);
    PAWL_TRY(auto sso, sso_login_of(parts_.profiles, name));
    if (sso && !has_keys)
      return Source(sso_credentials(parts_.ports, parts_.options, *std::move(sso)));
    if (has_keys) return keys_of(name, *section);
    if (section->has("credential_process"))
      return Source(process_credentials(parts_.ports, parts_.processes,
                                        {section->get("credential_process"), name}));
    return Source();
  }

 private:
  Result<Source> keys_of(const std::string& name, const ConfigSection& section) const {
    Credentials credentials;
    credentials.access_key_id = section.get("aws_access_key_id");
    credentials.secret_access_key = Secret(section.get("aws_secret_access_key"));
    credentials.session_token = Secret(section.get("aws_session_token"));
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
      return problem(ErrorKind::denied, name,
                     "has no aws_access_key_id with its aws_secret_access_key");
    credentials.source = fmt::format("the keys of profile [{}]", name);
    return Source(static_credentials(std::move(credentials)));
  }

  Result<Source> role_of(const std::string& name, const ConfigSection& section) {
    ChainedRole role;
    role.role_arn = section.get("role_arn");
    role.external_id = section.get("external_id");
    role.session_name = section.get("role_session_name");
    if (role.session_name.empty()) role.session_name = parts_.session_name;
    PAWL_TRY(role.duration, duration_of(name, section));
    if (section.has("web_identity_token_file")) return web_identity_of(name, section, role);
    if (section.has("mfa_serial"))
      return problem(ErrorKind::denied, name,
                     fmt::format("asks for an MFA code ({}), and Pawl asks nobody while it runs",
                                 section.get("mfa_serial")))
          .with_hint(fmt::format("take a session first: eval \"$(aws configure export-credentials "
                                 "--profile {} --format env)\"",
                                 name));
    PAWL_TRY(auto from, source_of(name, section));
    return Source(
        chained_role_credentials(parts_.ports, parts_.options, std::move(role), std::move(from)));
  }

  Result<Source> web_identity_of(const std::string& name, const ConfigSection& section,
                                 const ChainedRole& role) const {
    WebIdentity identity;
    identity.role_arn = role.role_arn;
    identity.session_name = role.session_name;
    identity.duration = role.duration;
    identity.source = fmt::format("the web identity of profile [{}]", name);
    return Source(
        web_identity_credentials(parts_.ports, parts_.options, std::move(identity),
                                 token_from_file(section.get("web_identity_token_file"))));
  }

  // Who takes the role.
  Result<Source> source_of(const std::string& name, const ConfigSection& section) {
    const std::string from = section.get("source_profile");
    const std::string kind = section.get("credential_source");
    if (from.empty() == kind.empty())
      return problem(ErrorKind::config, name,
                     from.empty() ? "has a role_arn and neither source_profile nor "
                                    "credential_source: nobody takes the role"
                                  : "has both source_profile and credential_source");
    if (!kind.empty()) return named_source(name, kind);
    const ConfigSection* source = parts_.profiles.find(from);
    if (source == nullptr)
      return problem(
                 ErrorKind::config, name,
                 fmt::format("takes its credentials from profile [{}], which is not there", from))
          .with_hint(fmt::format("profiles that are there: {}", parts_.profiles.names()));
    const bool is_visited = std::find(visited_.begin(), visited_.end(), from) != visited_.end();
    // A profile may build on its own keys.
    if (is_visited && !(from == name && source->has("aws_access_key_id")))
      return problem(ErrorKind::config, name,
                     fmt::format("takes its credentials from profile [{}], which takes them from "
                                 "here: a circle",
                                 from));
    PAWL_TRY(auto found, read(from, /*is_source=*/true));
    if (!found)
      return problem(ErrorKind::config, name,
                     fmt::format("takes its credentials from profile [{}], which has none", from));
    return found;
  }

  Result<Source> named_source(const std::string& name, const std::string& kind) const {
    Source found;
    if (kind == "Environment") {
      PAWL_TRY(found, environment_credentials(parts_.variables));
    } else if (kind == "EcsContainer") {
      PAWL_TRY(auto endpoint, container_endpoint(parts_.variables));
      if (endpoint) found = container_credentials(parts_.ports, *std::move(endpoint));
    } else if (kind == "Ec2InstanceMetadata") {
      PAWL_TRY(auto metadata, instance_metadata_from(parts_.variables, parts_.profiles));
      if (metadata) found = instance_credentials(parts_.ports, *std::move(metadata));
    } else {
      return problem(ErrorKind::config, name,
                     fmt::format("has an unknown credential_source '{}'", kind))
          .with_hint("it is Environment, EcsContainer or Ec2InstanceMetadata");
    }
    if (!found)
      return problem(ErrorKind::denied, name,
                     fmt::format("takes its credentials from {}, and there are none", kind));
    return found;
  }

  static Result<std::chrono::seconds> duration_of(const std::string& name,
                                                  const ConfigSection& section) {
    const std::string text = section.get("duration_seconds");
    if (text.empty()) return std::chrono::seconds(3600);
    int seconds = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr int kLeast = 900;
    constexpr int kMost = 43'200;
    if (failure != std::errc() || end != text.data() + text.size() || seconds < kLeast ||
        seconds > kMost)
      return problem(ErrorKind::config, name, fmt::format("has duration_seconds '{}'", text))
          .with_hint(fmt::format("it is a number from {} to {}", kLeast, kMost));
    return std::chrono::seconds(seconds);
  }

  const ChainParts& parts_;
  std::vector<std::string> visited_;
};

}  // namespace

Result<Source> profile_credentials(const ChainParts& parts, const std::string& profile) {
  return ProfileReader(parts).read(profile, /*is_source=*/false);
}

Result<Source> environment_credentials(const Variables& variables) {
  Credentials credentials;
  credentials.access_key_id = variable(variables, "AWS_ACCESS_KEY_ID");
  credentials.secret_access_key = Secret(variable(variables, "AWS_SECRET_ACCESS_KEY"));
  credentials.session_token = Secret(variable(variables, "AWS_SESSION_TOKEN"));
  if (credentials.access_key_id.empty()) return Source();
  if (credentials.secret_access_key.empty())
    return Error(ErrorKind::denied, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
        .with_hint("set both, or none and a profile (AWS_PROFILE)");
  if (const auto ends = variable(variables, "AWS_CREDENTIAL_EXPIRATION"); !ends.empty())
    if (const auto time = parse_expiration(ends); time.ok()) credentials.expires = *time;
  credentials.source = "AWS_ACCESS_KEY_ID in the environment";
  return Source(static_credentials(std::move(credentials)));
}

}  // namespace pawl::aws
