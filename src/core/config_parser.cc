#include "core/config_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "core/config_checks.h"
#include "core/config_reader.h"
#include "core/config_sections.h"
#include "core/yaml_tree.h"

namespace pawl {
namespace {

constexpr size_t kMaxEnvironments = 50;
constexpr size_t kMaxProblemsTold = 50;
constexpr std::array kMergedSections = {"aws",    "image",    "infrastructure", "function",
                                        "url",    "static",   "health",         "hooks",
                                        "limits", "on_cancel"};

bool is_none(const YamlNode& node) {
  return node.kind == YamlNode::Kind::text && node.text == "none";
}

void read_rollout(SectionReader& file) {
  auto rollout = file.section("rollout");
  if (!rollout) return;
  if (const YamlNode* strategy = rollout->any("strategy")) {
    const bool later = strategy->text == "blue_green" || strategy->text == "canary";
    if (later) {
      rollout->problem(*strategy, fmt::format("'{}' is not in this version of Pawl; only "
                                              "all_at_once is",
                                              strategy->text));
    } else {
      rollout->choice("strategy", {"all_at_once"});
    }
  }
  rollout->no_other_keys({"steps", "every", "analysis"});
}

// `regions: [one]` or `region: one`.
void read_region(SectionReader& section, EnvironmentConfig& out) {
  const YamlNode* one = section.node().find("region");
  const YamlNode* list = section.any("regions");
  section.text("region", out.region, checks::region);
  if (list == nullptr) return;
  if (one != nullptr) {
    section.problem(*list, "write either region or regions, not both");
  } else if (list->kind != YamlNode::Kind::list || list->items.empty()) {
    section.problem(
        *list, fmt::format("expected a list with one region, found {}",
                           list->kind == YamlNode::Kind::list ? "an empty one" : describe(*list)));
  } else if (list->items.size() > 1) {
    section.problem(*list,
                    "several regions in one environment are not in this version of Pawl; "
                    "make an environment for each");
  } else if (auto region = section.resolve(list->items[0], checks::region, false)) {
    out.region = std::move(*region);
  }
}

// `optional`, or a map that says how many.
void read_approval(SectionReader& section, EnvironmentConfig& out) {
  const YamlNode* node = section.any("approval");
  if (node == nullptr) return;
  if (node->is_map()) {
    auto approval = section.section("approval");
    if (node->find("required") == nullptr) approval->missing("required", "how many must approve");
    approval->integer("required", out.approvals_required, 0, 10);
    approval->no_other_keys();
  } else if (node->kind != YamlNode::Kind::text || node->text != "optional") {
    section.problem(
        *node, fmt::format("expected optional, or {{required: 1}}, found {}", describe(*node)));
  }
}

void read_freeze(SectionReader& section, EnvironmentConfig& out) {
  const YamlNode* node = section.any("freeze");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::list) {
    section.problem(*node, fmt::format("expected a list of windows, found {}", describe(*node)));
    return;
  }
  for (const auto& item : node->items) {
    auto window = item.kind == YamlNode::Kind::text ? parse_freeze_window(item.text) : std::nullopt;
    if (window) {
      out.freeze.push_back(std::move(*window));
    } else {
      section.problem(item, fmt::format("expected a window such as 'Fri 16:00-Mon 08:00 "
                                        "Europe/Berlin', found {}",
                                        describe(item)));
    }
  }
}

void read_policy(SectionReader& section, EnvironmentConfig& out) {
  if (auto trigger = section.choice("trigger", {"ci", "manual"}))
    out.trigger = *trigger == 0 ? EnvironmentTrigger::ci : EnvironmentTrigger::manual;
  if (auto tag = section.choice("tag", {"required", "optional"})) out.tag_required = *tag == 0;
  read_approval(section, out);
  read_freeze(section, out);
  section.text("promote_from", out.promote_from);
}

// The shared settings with the environment's own on top. `none` takes a shared section away.
YamlNode merged_settings(const YamlNode& file, const YamlNode& environment) {
  YamlNode merged;
  merged.kind = YamlNode::Kind::map;
  merged.mark = environment.mark;
  merged.path = environment.path;
  for (const char* name : kMergedSections) {
    const YamlMember* shared = file.member(name);
    const YamlMember* own = environment.member(name);
    const YamlMember* base = own != nullptr ? own : shared;
    if (base == nullptr) continue;
    YamlMember member{base->key, base->mark, base->value};
    if (shared != nullptr && own != nullptr) member.value = merge(shared->value, own->value);
    const bool can_be_none = member.key == "infrastructure" || member.key == "static" ||
                             member.key == "health" || member.key == "hooks" || member.key == "aws";
    if (own != nullptr && can_be_none && is_none(own->value)) continue;
    merged.members.push_back(std::move(member));
  }
  return merged;
}

struct Reading {
  const YamlNode& file;
  ParsedConfig& result;
  ConfigProblems& problems;
};

void read_environment(Reading& reading, const YamlMember& member) {
  EnvironmentConfig out;
  out.name = member.key;
  const std::string complaint =
      member.key.empty() ? "a name is empty" : checks::environment_name(member.key);
  if (!complaint.empty()) reading.problems.add(member.mark, member.value.path, complaint);
  static const YamlNode kNothing = [] {
    YamlNode node;
    node.kind = YamlNode::Kind::map;
    return node;
  }();
  // "dev:" with nothing below it is an environment with the defaults.
  YamlNode empty = kNothing;
  empty.mark = member.mark;
  empty.path = member.value.path;
  const bool is_empty = member.value.kind == YamlNode::Kind::null;
  const YamlNode& node = is_empty ? empty : member.value;
  if (!node.is_map()) {
    reading.problems.add(node.mark, node.path,
                         fmt::format("expected a map of keys, found {}", describe(node)));
    return;
  }
  const auto& app = reading.result.config.app;
  Placeholders names{{{"app", app.empty() ? "app" : app}, {"environment", out.name}}, {}};
  if (!complaint.empty()) names.values["environment"] = "env";
  SectionReader policy(node, names, Completeness::complete, reading.problems);
  read_region(policy, out);
  read_policy(policy, out);
  for (const char* name : kMergedSections) policy.any(name);
  policy.no_other_keys({"rollout"});

  names.values["region"] = out.region;
  const YamlNode settings = merged_settings(reading.file, node);
  SectionReader complete(settings, names, Completeness::complete, reading.problems);
  read_settings(complete, out);
  reading.result.config.environments.push_back(std::move(out));
}

void read_environments(Reading& reading, SectionReader& file) {
  const YamlNode* node = file.any("environments");
  if (node == nullptr) {
    file.missing("environments", "a map of environments, such as dev: {trigger: ci}");
    return;
  }
  if (!node->is_map() || node->members.empty()) {
    file.problem(*node, fmt::format("expected a map with at least one environment, found {}",
                                    node->is_map() ? "an empty one" : describe(*node)));
    return;
  }
  if (node->members.size() > kMaxEnvironments) {
    file.problem(*node, fmt::format("more than {} environments", kMaxEnvironments));
    return;
  }
  for (const auto& member : node->members) read_environment(reading, member);
}

const YamlNode& place_of(const Reading& reading, const std::string& environment, const char* key) {
  const YamlNode* node = reading.file.find("environments")->find(environment);
  const YamlNode* value = node->find(key);
  return value != nullptr ? *value : *node;
}

void check_ci_environments(Reading& reading) {
  const EnvironmentConfig* first = nullptr;
  for (const auto& environment : reading.result.config.environments) {
    if (environment.trigger != EnvironmentTrigger::ci) continue;
    if (first == nullptr) {
      first = &environment;
      continue;
    }
    const YamlNode& place = place_of(reading, environment.name, "trigger");
    reading.problems.add(
        place.mark, place.path,
        fmt::format("only one environment can have trigger: ci; {} has it already", first->name));
  }
}

void check_promotions(Reading& reading) {
  const auto& environments = reading.result.config.environments;
  std::vector<std::string> names;
  for (const auto& environment : environments) names.push_back(environment.name);
  const auto next = [&](const std::string& name) -> std::string {
    for (const auto& environment : environments)
      if (environment.name == name) return environment.promote_from;
    return "";
  };
  for (const auto& environment : environments) {
    if (environment.promote_from.empty()) continue;
    const YamlNode& place = place_of(reading, environment.name, "promote_from");
    if (std::find(names.begin(), names.end(), environment.promote_from) == names.end()) {
      const std::string near = nearest(environment.promote_from, names);
      reading.problems.add(
          place.mark, place.path,
          fmt::format("there is no environment '{}'{}", environment.promote_from,
                      near.empty() ? fmt::format("; there are: {}", fmt::join(names, ", "))
                                   : fmt::format("; did you mean {}?", near)));
      continue;
    }
    std::set<std::string> seen;
    std::string at = environment.name;
    while (!at.empty() && seen.insert(at).second) at = next(at);
    if (at == environment.name)
      reading.problems.add(place.mark, place.path,
                           fmt::format("a circle: {} would wait for itself", environment.name));
  }
}

// The shared settings of a file whose environments all override them are still checked.
void read_shared_settings(Reading& reading, SectionReader& file) {
  const std::string app = reading.result.config.app.empty() ? "app" : reading.result.config.app;
  const Placeholders names{{{"app", app}, {"environment", "env"}, {"region", "us-east-1"}}, {}};
  SectionReader shared(reading.file, names, Completeness::partial, reading.problems);
  EnvironmentConfig ignored;
  read_settings(shared, ignored);
  for (const char* name : kMergedSections) file.any(name);
}

// An App's id is a number, its client id a word.
void read_app_id(SectionReader& app, std::string& out) {
  const YamlNode* node = app.any("id");
  if (node == nullptr) {
    app.missing("id", "the App's id, such as id: 1234");
    return;
  }
  const bool is_word = node->kind == YamlNode::Kind::text && !node->text.empty();
  if (is_word || node->kind == YamlNode::Kind::integer)
    out = node->text;
  else
    app.problem(*node, fmt::format("expected the App's id, found {}", describe(*node)));
}

void read_github(SectionReader& file, GitHubSettings& out) {
  auto section = file.section("github");
  if (!section) return;
  section->text("api_url", out.api_url, checks::url);
  if (auto app = section->section("app")) {
    read_app_id(*app, out.app_id);
    app->text("key_file", out.app_key_file);
    app->integer("installation", out.app_installation, 1, std::numeric_limits<int>::max());
    app->no_other_keys();
  }
  section->duration("patience", out.patience, std::chrono::milliseconds(0), std::chrono::hours(2));
  section->no_other_keys();
}

void read_file(Reading& reading) {
  if (!reading.file.is_map()) {
    reading.problems.add(reading.file.mark, "",
                         fmt::format("expected keys such as app and environments, found {}",
                                     describe(reading.file)));
    return;
  }
  const Placeholders none;
  Config& config = reading.result.config;
  SectionReader file(reading.file, none, Completeness::complete, reading.problems);
  file.required_text("app", config.app, checks::app_name);
  file.text("repository", config.repository, checks::github_repository);
  file.text("main_branch", config.main_branch, checks::branch);
  read_github(file, config.github);
  read_rollout(file);
  read_environments(reading, file);
  read_shared_settings(reading, file);
  file.no_other_keys();
  const YamlNode* environments = reading.file.find("environments");
  if (environments == nullptr || !environments->is_map()) return;
  check_ci_environments(reading);
  check_promotions(reading);
}

}  // namespace

ParsedConfig parse_config_with_problems(std::string_view yaml) {
  ParsedConfig result;
  YamlDocument document = parse_yaml(yaml);
  ConfigProblems problems;
  for (const auto& problem : document.problems)
    problems.add({problem.line, problem.column}, problem.key, problem.message);
  // After a break in the YAML itself what follows would be guesswork.
  const bool is_whole = document.root.kind != YamlNode::Kind::null;
  if (is_whole || document.problems.empty()) {
    Reading reading{document.root, result, problems};
    read_file(reading);
  }
  result.problems = problems.take();
  return result;
}

Result<Config> parse_config(std::string_view yaml, std::string_view file_name) {
  ParsedConfig parsed = parse_config_with_problems(yaml);
  if (parsed.problems.empty()) return std::move(parsed.config);
  std::string text;
  const size_t told = std::min(parsed.problems.size(), kMaxProblemsTold);
  for (size_t i = 0; i < told; ++i) {
    const auto& problem = parsed.problems[i];
    text +=
        fmt::format("{}{}:{}:{}: {}{}", i > 0 ? "\n" : "", file_name, problem.line, problem.column,
                    problem.key.empty() ? "" : problem.key + ": ", problem.message);
  }
  if (told < parsed.problems.size())
    text += fmt::format("\nand {} more", parsed.problems.size() - told);
  return Error(ErrorKind::config, text)
      .with_hint(
          "docs/reference/config.md explains every key; `pawl config check` reads the file only");
}

}  // namespace pawl
