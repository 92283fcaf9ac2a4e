#include "builder/git.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/version_order.h"
#include "process/secret_variables.h"

namespace pawl {
namespace {

constexpr std::chrono::seconds kLimit{30};

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Task<Result<Exited>> run_git(Processes& processes, std::string directory,
                             std::vector<std::string> arguments) {
  Command command;
  command.argv = {"git"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.directory = directory;
  command.environment["LC_ALL"] = "C";
  command.environment["GIT_OPTIONAL_LOCKS"] = "0";
  command.unset = secret_variables();  // a repository's own settings may name programs
  command.timeout = kLimit;
  co_return (co_await processes.run(std::move(command), {}))
      .while_doing("asking git about " + directory);
}

class GitRepository : public SourceRepository {
 public:
  GitRepository(Processes& processes, std::string directory)
      : processes_(processes), directory_(std::move(directory)) {}

  Task<Result<SourceState>> state() override {
    SourceState state;
    std::vector<std::string> arguments = {"rev-parse", "--verify", "HEAD^{commit}"};
    PAWL_CO_TRY(auto head, co_await git(arguments));
    if (head.code != 0)
      co_return Error(ErrorKind::not_found,
                      fmt::format("{} is in no git work tree with a commit", directory_));
    state.sha = trimmed(head.output);
    arguments = {"symbolic-ref", "--short", "-q", "HEAD"};
    PAWL_CO_TRY(auto branch, co_await git(arguments));
    if (branch.code == 0) state.branch = trimmed(branch.output);
    // Untracked files go into a build context as well, ignored ones are the project's own affair.
    arguments = {"status", "--porcelain"};
    PAWL_CO_TRY(auto status, co_await git(arguments));
    state.is_dirty = !trimmed(status.output).empty();
    arguments = {"remote", "get-url", "origin"};
    PAWL_CO_TRY(auto remote, co_await git(arguments));
    if (remote.code == 0) state.remote_url = public_remote_url(trimmed(remote.output));
    arguments = {"tag", "--merged", "HEAD"};
    PAWL_CO_TRY(auto tags, co_await git(arguments));
    state.newest_tag = newest_version_tag(lines_of(tags.output));
    if (!state.newest_tag.empty()) {
      PAWL_CO_TRY(auto commit, co_await commit_of("refs/tags/" + state.newest_tag));
      state.newest_tag_sha = commit.value_or("");
    } else {
      state.is_shallow = co_await is_shallow();
    }
    co_return state;
  }

  Task<Result<std::optional<std::string>>> commit_of(std::string revision) override {
    std::vector<std::string> arguments = {"rev-parse", "--verify", "-q", "--end-of-options",
                                          revision + "^{commit}"};
    PAWL_CO_TRY(auto exited, co_await git(arguments));
    if (exited.code != 0) co_return std::optional<std::string>();
    co_return std::optional<std::string>(trimmed(exited.output));
  }

  Task<Result<bool>> is_ancestor(std::string older, std::string newer) override {
    std::vector<std::string> arguments = {"merge-base", "--is-ancestor", older, newer};
    PAWL_CO_TRY(auto exited, co_await git(arguments));
    if (exited.code == 0) co_return true;
    const std::string hint = co_await shallow_hint();
    if (exited.code > 1)
      co_return Error(ErrorKind::not_found, fmt::format("git does not know {} or {}: {}", older,
                                                        newer, trimmed(exited.errors)))
          .with_hint(hint);
    // In a shallow clone "no" may only mean that the history ends too early.
    if (!hint.empty())
      co_return Error(ErrorKind::not_found,
                      fmt::format("cannot tell whether {} comes before {}", older, newer))
          .with_hint(hint);
    co_return false;
  }

 private:
  Task<bool> is_shallow() {
    const std::vector<std::string> arguments = {"rev-parse", "--is-shallow-repository"};
    const auto exited = co_await git(arguments);
    co_return exited.ok() && trimmed(exited->output) == "true";
  }

  /// Empty when the whole history is here.
  Task<std::string> shallow_hint() {
    const bool is_cut = co_await is_shallow();
    if (!is_cut) co_return std::string();
    co_return std::string(
        "this is a shallow clone: git fetch --unshallow (in GitHub Actions, fetch-depth: 0)");
  }

  Task<Result<Exited>> git(std::vector<std::string> arguments) {
    co_return co_await run_git(processes_, directory_, std::move(arguments));
  }

  Processes& processes_;
  std::string directory_;
};

}  // namespace

std::unique_ptr<SourceRepository> make_git_repository(Processes& processes, std::string directory) {
  return std::make_unique<GitRepository>(processes, std::move(directory));
}

Task<Result<int64_t>> count_commits_between(Processes& processes, std::string directory,
                                            std::string older, std::string newer) {
  std::vector<std::string> arguments = {"rev-list", "--count", "--end-of-options",
                                        older + ".." + newer};
  PAWL_CO_TRY(const auto exited, co_await run_git(processes, directory, std::move(arguments)));
  if (exited.code != 0)
    co_return Error(ErrorKind::not_found, fmt::format("git does not know {} or {}: {}", older,
                                                      newer, trimmed(exited.errors)));
  co_return int64_t{std::strtoll(exited.output.c_str(), nullptr, 10)};
}

std::string public_remote_url(std::string url) {
  std::string host_and_path;
  std::string scheme = "https";
  if (const auto end = url.find("://"); end != std::string::npos) {
    scheme = url.substr(0, end);
    if (scheme != "https" && scheme != "http" && scheme != "ssh" && scheme != "git") return "";
    host_and_path = url.substr(end + 3);
    const auto slash = std::min(host_and_path.find('/'), host_and_path.size());
    const auto at = host_and_path.rfind('@', slash);
    if (at != std::string::npos) host_and_path.erase(0, at + 1);
    if (scheme == "ssh" || scheme == "git") {
      // Its port is not the one of a link.
      const auto colon = host_and_path.find(':');
      const auto path = std::min(host_and_path.find('/'), host_and_path.size());
      if (colon < path) host_and_path.erase(colon, path - colon);
      scheme = "https";
    }
  } else if (const auto at = url.find('@'); at != std::string::npos) {
    // scp form: git@github.com:owner/name.git
    const auto colon = url.find(':', at);
    if (colon == std::string::npos) return "";
    host_and_path = url.substr(at + 1, colon - at - 1) + "/" + url.substr(colon + 1);
  } else {
    return "";  // a path of this machine is nobody else's business
  }
  host_and_path.resize(std::min(host_and_path.find_first_of("?#"), host_and_path.size()));
  while (!host_and_path.empty() && host_and_path.back() == '/') host_and_path.pop_back();
  constexpr std::string_view kSuffix = ".git";
  if (host_and_path.size() > kSuffix.size() &&
      std::string_view(host_and_path).substr(host_and_path.size() - kSuffix.size()) == kSuffix)
    host_and_path.resize(host_and_path.size() - kSuffix.size());
  return scheme + "://" + host_and_path;
}

}  // namespace pawl
