// The files in which the AWS tools keep a person's settings: ~/.aws/config and ~/.aws/credentials,
// with their profiles, sso-sessions and services.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl::aws {

using Variables = std::map<std::string, std::string>;

/// Empty when unset.
std::string variable(const Variables& variables, const std::string& name);

/// One `[section]`. Names of settings are in lower case.
struct ConfigSection {
  std::map<std::string, std::string> values;
  /// Indented lines below `s3 =`: the services' own settings.
  std::map<std::string, std::map<std::string, std::string>> nested;

  /// Empty when it is not there.
  std::string get(const std::string& name) const;
  bool has(const std::string& name) const { return !get(name).empty(); }
};

struct Profiles {
  std::map<std::string, ConfigSection> profiles;
  std::map<std::string, ConfigSection> sso_sessions;
  std::map<std::string, ConfigSection> services;
  std::string config_path;
  std::string credentials_path;
  std::string home;
  std::string chosen = "default";
  bool is_chosen_by_name = false;  // AWS_PROFILE names it: then it has to be there

  /// nullptr when there is none of that name.
  const ConfigSection* find(const std::string& profile) const;
  /// The setting of the chosen profile, or empty.
  std::string setting(const std::string& name) const;
  /// "default, work, prod": for people.
  std::string names() const;
};

enum class ProfileFile { config, credentials };

/// Adds what `text` holds. What stands in both files counts as the credentials file has it, so that
/// one is read last. Kind config, with path and line, when a line is none of the format's.
Result<void> read_profile_file(std::string_view text, const std::string& path, ProfileFile kind,
                               Profiles& profiles);

/// AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE (or the two in ~/.aws) and AWS_PROFILE. Files that
/// are not there are empty ones.
Result<Profiles> load_profiles(const Variables& variables);

}  // namespace pawl::aws
