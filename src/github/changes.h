// What GitHub knows of a repository that a deployment wants to show: the commits that it brings,
// the rules of GitHub's own environment, the commit of a tag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "github/client.h"

namespace pawl {

struct CommitLine {
  std::string sha;
  std::string author;
  std::string subject;  // the message's first line
};

struct Changes {
  std::vector<CommitLine> commits;  // newest first; the newest kMaxCommitsShown
  bool goes_back = false;           // commits are those that are live and taken back
  int64_t total = 0;                // of all that come
  int64_t left_out = 0;             // commits that are live and not in what comes
  std::string url;                  // where a person compares them
  std::string remark;               // instead of a list: a sentence

  /// How many there are of what `commits` shows the newest of.
  int64_t listed() const { return goes_back ? left_out : total; }
};

constexpr size_t kMaxCommitsShown = 250;

/// From the commit that is live to the one that comes; of one that only goes back, what is taken
/// back. That GitHub does not know one of them (a force push, a commit that was never pushed) is a
/// remark; so is every failure: a deployment does not depend on it.
/// https://docs.github.com/rest/commits/commits#compare-two-commits
Task<Changes> read_changes(GitHubClient& client, std::string repository, std::string live_sha,
                           std::string sha);

/// "3 commits since abc1234", or the remark.
std::string headline(const Changes& changes, std::string_view live_sha);

/// The rules of GitHub's environment of that name, a sentence each; they hold for the jobs of a
/// workflow that name it, and are not Pawl's to enforce. A single sentence when there are none, or
/// no such environment. https://docs.github.com/rest/deployments/environments#get-an-environment
Task<Result<std::vector<std::string>>> read_environment_rules(GitHubClient& client,
                                                              std::string repository,
                                                              std::string environment);

struct TagOnGitHub {
  std::string name;
  std::string sha;
};
/// The first kMaxPages pages. https://docs.github.com/rest/repos/repos#list-repository-tags
Task<Result<std::vector<TagOnGitHub>>> read_tags(GitHubClient& client, std::string repository);

/// What `git tag --merged SHA` would give in a whole clone: the newest version tag, by version
/// order, whose commit is `sha` or comes before it. No value when there is none among the newest
/// kMaxTagsTried, or GitHub does not know the commit.
Task<Result<std::optional<TagOnGitHub>>> newest_tag_at(GitHubClient& client, std::string repository,
                                                       std::string sha);
constexpr size_t kMaxTagsTried = 10;

}  // namespace pawl
