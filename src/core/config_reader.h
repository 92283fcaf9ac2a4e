// Reads one section of pawl.yaml into values, and collects what is wrong with it. A key that was
// asked for is a known key; whatever is left is a misspelt one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/yaml_tree.h"

namespace pawl {

/// The problems of a file, each place and key reported once: the settings that environments share
/// are read once for each of them.
class ConfigProblems {
 public:
  void add(YamlMark mark, std::string key, std::string message);
  std::vector<ConfigProblem> take();  // in the order of the file

 private:
  std::vector<ConfigProblem> problems_;
  std::set<std::string> seen_;
};

/// {app} and its like. `deferred` ones are valid and stay as they are (known only at the build).
struct Placeholders {
  std::map<std::string, std::string> values;
  std::set<std::string> deferred;
};

/// Replaces placeholders in `text`; the name of the first unknown one goes to `unknown`.
std::string fill_placeholders(std::string_view text, const Placeholders& placeholders,
                              std::string& unknown);

/// "60s", "500ms", "5m", "1h".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// How strict a reading is: the shared settings alone need not be complete.
enum class Completeness { complete, partial };

/// What a text must be like; gives the complaint, or nothing.
using TextCheck = std::function<std::string(const std::string&)>;

class SectionReader {
 public:
  SectionReader(const YamlNode& node, const Placeholders& placeholders, Completeness completeness,
                ConfigProblems& problems);

  /// Absent keys leave `out` as it is. Empty text is a problem unless `may_be_empty`.
  void text(std::string_view key, std::string& out, const TextCheck& check = nullptr,
            bool may_be_empty = false);
  void required_text(std::string_view key, std::string& out, const TextCheck& check = nullptr);
  void integer(std::string_view key, int& out, int least, int most);
  void boolean(std::string_view key, bool& out);
  void duration(std::string_view key, std::chrono::milliseconds& out,
                std::chrono::milliseconds least, std::chrono::milliseconds most);
  void texts(std::string_view key, std::vector<std::string>& out, const TextCheck& check = nullptr);
  /// Names to text, number or boolean each, kept as text.
  void scalars(std::string_view key, std::map<std::string, std::string>& out);
  /// The same of this section's own keys.
  void own_scalars(std::map<std::string, std::string>& out) const;
  /// The index of the word that stands there; no value when absent or wrong.
  std::optional<size_t> choice(std::string_view key, const std::vector<std::string>& words);
  std::optional<bool> boolean(std::string_view key);
  /// Reads a map that stands in a list of this section's.
  SectionReader below(const YamlNode& item) const;
  /// A section of its own; no value when absent or not a map.
  std::optional<SectionReader> section(std::string_view key);
  /// The same with other placeholders for what is below it; they must outlive the reader.
  std::optional<SectionReader> section_with(std::string_view key, const Placeholders& placeholders);

  /// The same for an item of a list, which must be a map.
  std::optional<SectionReader> item(const YamlNode& node) const;

  /// The node under a key whose form is particular; marks it as known.
  const YamlNode* any(std::string_view key);
  void missing(std::string_view key, std::string_view expected);
  void problem(const YamlNode& node, std::string message) const;
  /// Complains about every key that nobody asked for. `later` are keys of a coming version.
  void no_other_keys(const std::vector<std::string>& later = {});

  /// Text with its placeholders replaced and checked; no value after a complaint.
  std::optional<std::string> resolve(const YamlNode& node, const TextCheck& check,
                                     bool may_be_empty) const;
  const YamlNode& node() const { return *node_; }
  const Placeholders& placeholders() const { return *placeholders_; }
  ConfigProblems& problems() const { return *problems_; }
  bool is_complete() const { return completeness_ == Completeness::complete; }

 private:
  std::string path_of(std::string_view key) const;

  const YamlNode* node_;
  const Placeholders* placeholders_;
  Completeness completeness_;
  ConfigProblems* problems_;
  std::vector<std::string> known_;
};

}  // namespace pawl
