#include "aws/profiles.h"

#include <fmt/format.h>

#include "aws/canonical.h"
#include "aws/small_file.h"

namespace pawl::aws {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// " # ..." and " ; ..." end a value; without the blank they are part of it.
std::string_view without_comment(std::string_view value) {
  for (size_t i = 1; i < value.size(); ++i)
    if ((value[i] == '#' || value[i] == ';') && is_blank(value[i - 1])) return value.substr(0, i);
  return value;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

class Reader {
 public:
  Reader(const std::string& path, ProfileFile kind, Profiles& profiles)
      : path_(path), kind_(kind), profiles_(profiles) {}

  Result<void> read(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (const std::string_view line : split(text, '\n')) {
      ++number_;
      PAWL_CHECK(take(line));
    }
    return ok();
  }

 private:
  Result<void> take(std::string_view line) {
    const std::string_view words = trim(line);
    if (words.empty() || words[0] == '#' || words[0] == ';') return ok();
    // Deeper than the setting above it: that one's own.
    const size_t indent = line.find_first_not_of(" \t");
    if (indent > last_indent_ && !last_name_.empty()) return take_nested(words);
    if (words[0] == '[') return begin_section(words);
    if (!has_begun_) return problem("stands before the first [section]");
    const auto equals = words.find('=');
    if (equals == std::string_view::npos || equals == 0) return problem("is no NAME = VALUE");
    last_name_ = lower_case(trim(words.substr(0, equals)));
    last_indent_ = indent;
    const std::string_view value = trim(without_comment(words.substr(equals + 1)));
    if (section_ != nullptr) section_->values[last_name_] = value;
    return ok();
  }

  Result<void> begin_section(std::string_view words) {
    const auto end = words.find(']');
    if (end == std::string_view::npos) return problem("begins a section without its ]");
    has_begun_ = true;
    last_name_.clear();
    section_ = section_of(trim(words.substr(1, end - 1)));
    return ok();
  }

  // "profile work", "sso-session work", "services work"; in the credentials file the name alone.
  // What no tool knows is passed over.
  ConfigSection* section_of(std::string_view title) {
    if (kind_ == ProfileFile::credentials) return &profiles_.profiles[std::string(title)];
    if (title == "default") {
      if (has_prefixed_default_) return nullptr;
      return &profiles_.profiles["default"];
    }
    const auto blank = title.find_first_of(" \t");
    if (blank == std::string_view::npos) return nullptr;
    const std::string_view type = title.substr(0, blank);
    const std::string name(unquoted(trim(title.substr(blank))));
    if (type == "sso-session") return &profiles_.sso_sessions[name];
    if (type == "services") return &profiles_.services[name];
    if (type != "profile") return nullptr;
    // [profile default] counts, and [default] beside it does not.
    if (name == "default" && !has_prefixed_default_) {
      has_prefixed_default_ = true;
      profiles_.profiles["default"] = {};
    }
    return &profiles_.profiles[name];
  }

  Result<void> take_nested(std::string_view words) {
    const auto equals = words.find('=');
    if (equals == std::string_view::npos || equals == 0) return problem("is no NAME = VALUE");
    if (section_ == nullptr) return ok();
    const std::string name = lower_case(trim(words.substr(0, equals)));
    section_->nested[last_name_][name] = trim(without_comment(words.substr(equals + 1)));
    return ok();
  }

  // The line itself may hold a secret.
  Error problem(std::string_view what) const {
    return Error(ErrorKind::config, fmt::format("{}:{}: the line {}", path_, number_, what))
        .with_hint("mend the file: sections are [profile NAME], settings NAME = VALUE");
  }

  const std::string& path_;
  ProfileFile kind_;
  Profiles& profiles_;
  ConfigSection* section_ = nullptr;
  std::string last_name_;
  size_t last_indent_ = 0;
  int number_ = 0;
  bool has_begun_ = false;
  bool has_prefixed_default_ = false;
};

Result<void> load_file(const std::string& path, ProfileFile kind, Profiles& profiles) {
  auto text = read_small_file(path);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found) return ok();
  if (!text.ok()) return std::move(text).error();
  return read_profile_file(*text, path, kind, profiles);
}

// "~/x" as the AWS tools read it.
std::string path_from(const std::string& written, const std::string& home,
                      const std::string& otherwise) {
  if (written.empty()) return home + otherwise;
  return written.rfind("~/", 0) == 0 ? home + written.substr(1) : written;
}

}  // namespace

std::string variable(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

std::string ConfigSection::get(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? "" : found->second;
}

const ConfigSection* Profiles::find(const std::string& profile) const {
  const auto found = profiles.find(profile);
  return found == profiles.end() ? nullptr : &found->second;
}

std::string Profiles::setting(const std::string& name) const {
  const ConfigSection* profile = find(chosen);
  return profile == nullptr ? "" : profile->get(name);
}

std::string Profiles::names() const {
  std::string names;
  for (const auto& [name, section] : profiles) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

Result<void> read_profile_file(std::string_view text, const std::string& path, ProfileFile kind,
                               Profiles& profiles) {
  return Reader(path, kind, profiles).read(text);
}

Result<Profiles> load_profiles(const Variables& variables) {
  Profiles profiles;
  profiles.home = variable(variables, "HOME");
  profiles.config_path =
      path_from(variable(variables, "AWS_CONFIG_FILE"), profiles.home, "/.aws/config");
  profiles.credentials_path = path_from(variable(variables, "AWS_SHARED_CREDENTIALS_FILE"),
                                        profiles.home, "/.aws/credentials");
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (profiles.is_chosen_by_name || variable(variables, name).empty()) continue;
    profiles.chosen = variable(variables, name);
    profiles.is_chosen_by_name = true;
  }
  PAWL_CHECK(load_file(profiles.config_path, ProfileFile::config, profiles));
  PAWL_CHECK(load_file(profiles.credentials_path, ProfileFile::credentials, profiles));
  return profiles;
}

}  // namespace pawl::aws
