#include "core/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/freeze.h"
#include "core/image_reference.h"
#include "core/version_order.h"

namespace pawl {
namespace {

using Verdict = Decision::Verdict;

// A rule that says no gives the verdict with its words; one that has nothing to say gives nothing.
struct No {
  Verdict verdict;
  std::string reason;
  std::string hint;
};
using Ruling = std::optional<No>;

struct Case {
  const Config& config;
  const EnvironmentConfig& environment;
  const Trigger& trigger;
  const Facts& facts;
  const ReleaseName& release;
};

No refused(std::string reason, std::string hint) {
  return {Verdict::refused, std::move(reason), std::move(hint)};
}
No nothing_to_do(std::string reason) {
  return {Verdict::nothing_to_do, std::move(reason), ""};
}

Ruling ci_must_have_passed_here(const Case& c) {
  if (c.trigger.kind != TriggerKind::ci) return std::nullopt;
  if (c.environment.trigger != EnvironmentTrigger::ci)
    return nothing_to_do(fmt::format("{} is deployed by hand, not by CI", c.environment.name));
  if (c.trigger.ci_conclusion != "success")
    return nothing_to_do(c.trigger.ci_conclusion.empty()
                             ? "CI has not completed"
                             : fmt::format("CI ended with {}", c.trigger.ci_conclusion));
  if (!c.trigger.branch.empty() && c.trigger.branch != c.config.main_branch)
    return nothing_to_do(fmt::format("CI ran on {}, and only {} is deployed", c.trigger.branch,
                                     c.config.main_branch));
  return std::nullopt;
}

Ruling an_older_commit_does_not_replace_a_newer_one(const Case& c) {
  if (c.trigger.kind != TriggerKind::ci || c.trigger.force) return std::nullopt;
  if (!c.facts.is_older_than_live.value_or(false)) return std::nullopt;
  return No{Verdict::superseded,
            fmt::format("commit {} is older than {}, which is live in {}", short_sha(c.release.sha),
                        short_sha(c.facts.live_sha), c.environment.name),
            ""};
}

Ruling the_release_must_have_a_usable_name(const Case& c) {
  if (c.release.tag.empty())
    return refused("nothing names what to deploy: no tag was given, and there is no git commit",
                   "run it in the git work tree, or give --tag");
  if (c.release.image_tag == "latest")
    return refused("'latest' names whatever was pushed last, not a release",
                   "give the version or the commit to deploy");
  if (!is_valid_image_tag(c.release.image_tag))
    return refused(fmt::format("'{}' cannot be an image's tag (letters, digits, . _ -)",
                               c.release.image_tag.substr(0, 128)),
                   "choose another git tag for the release");
  return std::nullopt;
}

Ruling a_required_tag_must_be_given(const Case& c) {
  if (!c.environment.tag_required || !c.trigger.tag.empty()) return std::nullopt;
  const std::string example = c.facts.newest_tag.empty() ? "v1.2.3" : c.facts.newest_tag;
  return refused(
      fmt::format("{} wants the release to be named (tag: required)", c.environment.name),
      fmt::format("pawl deploy {} --tag {}", c.environment.name, example));
}

Ruling a_freeze_must_be_waited_out(const Case& c) {
  for (const auto& window : c.environment.freeze) {
    const auto offset = c.facts.utc_offset_minutes.find(window.zone);
    if (offset == c.facts.utc_offset_minutes.end())
      return refused(fmt::format("{} has the freeze '{}', and the time in {} is not known",
                                 c.environment.name, window.text, window.zone),
                     "check the name of the time zone, and that tzdata is installed");
    if (is_in_window(window, c.facts.now, offset->second))
      return refused(fmt::format("{} is frozen ({})", c.environment.name, window.text),
                     fmt::format("the freeze ends {}", end_of(window)));
  }
  return std::nullopt;
}

// "ana, ben" are two.
size_t count_people(std::string_view names) {
  std::set<std::string> people;
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    std::string name(names.substr(0, comma));
    name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) people.insert(name);
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return people.size();
}

Ruling approvals_must_be_there(const Case& c) {
  const auto wanted = static_cast<size_t>(std::max(c.environment.approvals_required, 0));
  if (count_people(c.trigger.approved_by) >= wanted) return std::nullopt;
  return refused(
      fmt::format("{} needs {} approval{}", c.environment.name, wanted, wanted == 1 ? "" : "s"),
      wanted == 1 ? "name who approved it with --approved-by NAME"
                  : "name who approved it with --approved-by NAME,NAME");
}

Ruling it_must_come_from_where_it_was_verified(const Case& c) {
  const auto& from = c.environment.promote_from;
  if (from.empty() || c.facts.verified_in_promote_from == c.release.version) return std::nullopt;
  return refused(c.facts.verified_in_promote_from.empty()
                     ? fmt::format("{} takes only what was verified in {}, and nothing was yet",
                                   c.environment.name, from)
                     : fmt::format("{} takes only what was verified in {}, which is {} and not {}",
                                   c.environment.name, from, c.facts.verified_in_promote_from,
                                   c.release.version),
                 fmt::format("pawl deploy {} --tag {} first", from, c.release.tag));
}

Ruling the_image_must_exist_or_be_buildable(const Case& c) {
  const auto& image = c.environment.image.source;
  if (!c.facts.image_exists)
    return refused(
        fmt::format("it is not known whether {}:{} exists", image, c.release.image_tag),
        "check that the registry can be reached and the token may read it (pawl doctor)");
  if (*c.facts.image_exists) return std::nullopt;
  const std::string absent = fmt::format("{}:{} was never pushed", image, c.release.image_tag);
  if (!c.facts.can_build)
    return refused(
        absent + ", and there is nothing here to build it from",
        "let CI build it, or run this in its work tree, without uncommitted changes and with "
        "image.build in pawl.yaml");
  if (c.release.sha.empty())
    return refused(
        fmt::format("{}, and git knows no tag or commit '{}'", absent, c.release.tag),
        fmt::format("check the spelling, fetch the tags, or make it: git tag {}", c.release.tag));
  if (c.release.sha != c.trigger.sha)
    return refused(fmt::format("{}; {} is commit {}, and {} is checked out", absent, c.release.tag,
                               short_sha(c.release.sha),
                               c.trigger.sha.empty() ? "none" : short_sha(c.trigger.sha)),
                   fmt::format("git checkout {0} and run it again, or deploy what is checked out: "
                               "--tag {1}",
                               c.release.tag, short_sha(c.trigger.sha)));
  return std::nullopt;
}

// In this order: the first that says no is what people are told.
constexpr Ruling (*kRules[])(const Case&) = {
    ci_must_have_passed_here,
    an_older_commit_does_not_replace_a_newer_one,
    the_release_must_have_a_usable_name,
    a_required_tag_must_be_given,
    a_freeze_must_be_waited_out,
    approvals_must_be_there,
    it_must_come_from_where_it_was_verified,
    the_image_must_exist_or_be_buildable,
};

std::string why_it_is_deployed(const Case& c, bool needs_build) {
  std::string reason;
  if (c.trigger.kind == TriggerKind::ci) {
    reason = fmt::format("CI passed for commit {}", short_sha(c.release.sha));
  } else if (!c.trigger.tag.empty()) {
    reason = fmt::format("{} was asked for", c.release.tag);
  } else if (c.release.tag == c.facts.newest_tag) {
    reason = fmt::format("{} is the newest tag", c.release.tag);
  } else {
    reason = fmt::format("commit {} is checked out, and there is no version tag",
                         short_sha(c.release.sha));
  }
  reason += needs_build ? "; its image is to be built" : "; its image is there";
  if (c.facts.is_older_than_live.value_or(false))
    reason += fmt::format("; it is older than {}, which is live, and was asked for on purpose",
                          short_sha(c.facts.live_sha));
  if (c.environment.approvals_required > 0)
    reason += fmt::format("; approved by {}", c.trigger.approved_by);
  return reason;
}

// Whether a word given by hand is that commit's beginning, also written as images are tagged.
bool names_commit(std::string_view word, std::string_view sha) {
  constexpr std::string_view kPrefix = "sha-";
  constexpr size_t kShortest = 7;
  if (word.substr(0, kPrefix.size()) == kPrefix) word.remove_prefix(kPrefix.size());
  return word.size() >= kShortest && sha.substr(0, word.size()) == word;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::deploy:
      return "deploy";
    case Verdict::nothing_to_do:
      return "nothing_to_do";
    case Verdict::refused:
      return "refused";
    case Verdict::superseded:
      return "superseded";
  }
  return "refused";
}

std::string short_sha(std::string_view sha) {
  return std::string(sha.substr(0, 7));
}

std::string ci_environment(const Config& config) {
  for (const auto& environment : config.environments)
    if (environment.trigger == EnvironmentTrigger::ci) return environment.name;
  return "";
}

ReleaseName name_release(const EnvironmentConfig& environment, const Trigger& trigger,
                         const Facts& facts) {
  ReleaseName release;
  release.environment = environment.name;
  const bool by_hand = trigger.kind == TriggerKind::manual;
  if (by_hand && !trigger.tag.empty()) {
    release.tag = trigger.tag;
    release.sha = facts.tag_sha;
    if (release.sha.empty() && names_commit(trigger.tag, trigger.sha)) release.sha = trigger.sha;
    // A whole commit id means the image of that commit, which is tagged by its first digits.
    if (trigger.tag.size() == 40 && release.sha == trigger.tag)
      release.tag = short_sha(trigger.tag);
  } else if (by_hand && !facts.newest_tag.empty()) {
    release.tag = facts.newest_tag;
    release.sha = facts.newest_tag_sha;
  } else {
    release.tag = short_sha(trigger.sha);
    release.sha = trigger.sha;
  }
  release.version = strip_v(release.tag);
  release.image_tag = release.version;
  return release;
}

Decision validate(const Config& config, const EnvironmentConfig& environment,
                  const Trigger& trigger, const Facts& facts) {
  Decision decision;
  decision.release = name_release(environment, trigger, facts);
  const Case c{config, environment, trigger, facts, decision.release};
  for (const auto rule : kRules) {
    if (auto no = rule(c)) {
      decision.verdict = no->verdict;
      decision.reason = std::move(no->reason);
      decision.hint = std::move(no->hint);
      return decision;
    }
  }
  decision.verdict = Verdict::deploy;
  decision.needs_build = !facts.image_exists.value_or(true);
  decision.reason = why_it_is_deployed(c, decision.needs_build);
  return decision;
}

}  // namespace pawl
