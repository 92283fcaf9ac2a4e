#include "github/changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "core/version_order.h"

namespace pawl {
namespace {

constexpr int64_t kPageItems = 100;

std::string short_of(std::string_view sha) {
  return std::string(sha.substr(0, 7));
}

CommitLine commit_line(const json::object& commit) {
  CommitLine line;
  line.sha = string_or(commit, "sha");
  line.author = string_or(commit, "author.login");
  if (line.author.empty()) line.author = string_or(commit, "commit.author.name");
  const std::string message = string_or(commit, "commit.message");
  line.subject = message.substr(0, message.find_first_of("\r\n"));
  return line;
}

// The page's commits, newest first: GitHub gives the oldest first.
std::vector<CommitLine> commits_of(const json::object& comparison) {
  std::vector<CommitLine> lines;
  const json::value* commits = find(comparison, "commits");
  if (commits == nullptr || !commits->is_array()) return lines;
  for (const auto& each : commits->get_array())
    if (each.is_object()) lines.push_back(commit_line(each.get_object()));
  std::reverse(lines.begin(), lines.end());
  return lines;
}

Task<Result<json::object>> read_page(GitHubClient& client, std::string path, int64_t page) {
  auto answer = co_await client.get(fmt::format("{}?per_page={}&page={}", path, kPageItems, page));
  if (!answer.ok()) co_return std::move(answer).error();
  if (!answer->is_object())
    co_return Error(ErrorKind::corrupt, "GitHub's comparison is not an object");
  co_return std::move(answer->as_object());
}

// The newest commits are on the last pages.
Task<Result<Changes>> compare(GitHubClient& client, std::string path) {
  Changes changes;
  PAWL_CO_TRY(auto first, co_await read_page(client, path, 1));
  changes.total = int_or(first, "total_commits", int_or(first, "ahead_by"));
  changes.left_out = int_or(first, "behind_by");
  changes.url = string_or(first, "html_url");
  const int64_t last = std::max<int64_t>(1, (changes.total + kPageItems - 1) / kPageItems);
  for (int64_t page = last; page >= 1 && changes.commits.size() < kMaxCommitsShown; --page) {
    std::vector<CommitLine> lines;
    if (page == 1) {
      lines = commits_of(first);
    } else {
      PAWL_CO_TRY(auto further, co_await read_page(client, path, page));
      lines = commits_of(further);
    }
    for (auto& line : lines) changes.commits.push_back(std::move(line));
  }
  if (changes.commits.size() > kMaxCommitsShown) changes.commits.resize(kMaxCommitsShown);
  co_return changes;
}

std::string compare_path(std::string_view repository, std::string_view base,
                         std::string_view head) {
  return fmt::format("/repos/{}/compare/{}...{}", repository, url_encode(base), url_encode(head));
}

// "behind_by": commits of the first that the second does not have.
Task<Result<bool>> comes_before(GitHubClient& client, std::string repository, std::string older,
                                std::string newer) {
  const std::string path = compare_path(repository, older, newer) + "?per_page=1";
  PAWL_CO_TRY(const auto answer, co_await client.get(path));
  co_return answer.is_object() && int_or(answer.get_object(), "behind_by", 1) == 0;
}

std::string why_unknown(const Error& error, std::string_view live_sha) {
  if (error.http_status() == 404)
    return fmt::format(
        "what it brings cannot be told: GitHub does not know both it and the live "
        "{} (a force push, a commit that was not pushed, or another repository)",
        short_of(live_sha));
  std::string text = fmt::format("what it brings cannot be told: {}", error.message());
  if (!error.hint().empty()) text += fmt::format(" ({})", error.hint());
  return text;
}

std::string names_of(const json::object& rule) {
  std::vector<std::string> names;
  const json::value* reviewers = find(rule, "reviewers");
  if (reviewers != nullptr && reviewers->is_array())
    for (const auto& each : reviewers->get_array()) {
      if (!each.is_object()) continue;
      const auto& one = each.get_object();
      const bool is_team = string_or(one, "type") == "Team";
      names.push_back(is_team ? "the team " + string_or(one, "reviewer.name")
                              : string_or(one, "reviewer.login"));
    }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string rule_sentence(const json::object& rule) {
  const std::string type = string_or(rule, "type");
  if (type == "wait_timer") return fmt::format("its jobs wait {} min", int_or(rule, "wait_timer"));
  if (type == "required_reviewers") {
    const bool is_others = bool_or(rule, "prevent_self_review");
    return fmt::format("its jobs want a review by {}{}", names_of(rule),
                       is_others ? ", and not by who started them" : "");
  }
  if (type == "branch_policy") return "";  // told by deployment_branch_policy
  return fmt::format("its jobs are under a rule of the type {}", type);
}

}  // namespace

Task<Changes> read_changes(GitHubClient& client, std::string repository, std::string live_sha,
                           std::string sha) {
  Changes changes;
  if (live_sha.empty() || sha.empty()) {
    changes.remark = live_sha.empty() ? "nothing is known to be live to compare it with"
                                      : "its commit is not known";
    co_return changes;
  }
  if (live_sha == sha) {
    changes.remark = "the commit that is live already";
    co_return changes;
  }
  auto compared = co_await compare(client, compare_path(repository, live_sha, sha));
  if (compared.ok() && compared->total == 0 && compared->left_out > 0) {
    auto reversed = co_await compare(client, compare_path(repository, sha, live_sha));
    if (reversed.ok()) {
      compared->commits = std::move(reversed->commits);
      compared->url = std::move(reversed->url);
      compared->goes_back = true;
    }
  }
  if (compared.ok()) co_return *std::move(compared);
  changes.remark = why_unknown(compared.error(), live_sha);
  co_return changes;
}

std::string headline(const Changes& changes, std::string_view live_sha) {
  if (!changes.remark.empty()) return changes.remark;
  const auto counted = [](int64_t count) {
    return fmt::format("{} commit{}", count, count == 1 ? "" : "s");
  };
  if (changes.total == 0 && changes.left_out > 0)
    return fmt::format("goes back {} from {}", counted(changes.left_out), short_of(live_sha));
  std::string text = fmt::format("{} since {}", counted(changes.total), short_of(live_sha));
  if (changes.left_out > 0)
    text += fmt::format(", without {} that {} live", counted(changes.left_out),
                        changes.left_out == 1 ? "is" : "are");
  return text;
}

Task<Result<std::vector<std::string>>> read_environment_rules(GitHubClient& client,
                                                              std::string repository,
                                                              std::string environment) {
  const std::string path =
      fmt::format("/repos/{}/environments/{}", repository, url_encode(environment));
  auto answer = co_await client.get(path);
  std::vector<std::string> rules;
  if (!answer.ok() && answer.error().http_status() == 404) {
    rules.push_back("there is no such environment yet: the first deployment makes it");
    co_return rules;
  }
  if (!answer.ok())
    co_return std::move(answer).error().while_doing("reading its environment " + environment);
  if (!answer->is_object())
    co_return Error(ErrorKind::corrupt, "GitHub's environment is not an object");
  const auto& object = answer->get_object();
  if (const auto* list = find(object, "protection_rules"); list != nullptr && list->is_array())
    for (const auto& rule : list->get_array())
      if (rule.is_object())
        if (auto sentence = rule_sentence(rule.get_object()); !sentence.empty())
          rules.push_back(std::move(sentence));
  if (bool_or(object, "deployment_branch_policy.protected_branches"))
    rules.push_back("its jobs run on protected branches only");
  if (bool_or(object, "deployment_branch_policy.custom_branch_policies"))
    rules.push_back("its jobs run on the branches and tags that it names");
  if (rules.empty()) rules.push_back("no rules");
  co_return rules;
}

Task<Result<std::vector<TagOnGitHub>>> read_tags(GitHubClient& client, std::string repository) {
  const std::string path = fmt::format("/repos/{}/tags?per_page={}", repository, kPageItems);
  PAWL_CO_TRY(auto list, co_await client.list(path, ""));
  std::vector<TagOnGitHub> tags;
  for (const auto& each : list) {
    if (!each.is_object()) continue;
    TagOnGitHub tag{string_or(each.get_object(), "name"),
                    string_or(each.get_object(), "commit.sha")};
    if (!tag.name.empty() && !tag.sha.empty()) tags.push_back(std::move(tag));
  }
  co_return tags;
}

Task<Result<std::optional<TagOnGitHub>>> newest_tag_at(GitHubClient& client, std::string repository,
                                                       std::string sha) {
  PAWL_CO_TRY(const auto tags, co_await read_tags(client, repository));
  std::vector<std::string> names;
  for (const auto& tag : tags) names.push_back(tag.name);
  for (size_t tries = 0; tries < kMaxTagsTried; ++tries) {
    const std::string newest = newest_version_tag(names);
    if (newest.empty()) break;
    std::erase(names, newest);
    const auto tag = std::find_if(tags.begin(), tags.end(),
                                  [&](const TagOnGitHub& each) { return each.name == newest; });
    if (tag->sha == sha) co_return std::optional<TagOnGitHub>(*tag);
    const auto before = co_await comes_before(client, repository, tag->sha, sha);
    if (!before.ok() && before.error().http_status() == 404) break;  // a commit of this clone alone
    if (!before.ok()) co_return before.error();
    if (*before) co_return std::optional<TagOnGitHub>(*tag);
  }
  co_return std::optional<TagOnGitHub>();
}

}  // namespace pawl
