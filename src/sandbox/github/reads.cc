// What is only read: tags, releases, workflow runs, environments, and what is between two commits.
#include <algorithm>

#include "sandbox/github/face.h"

namespace pawl::sandbox {

GitHubFace::Routed GitHubFace::route_environments(const Call& call) {
  const auto& repository = repository_of(call);
  if (call.is("GET", {"environments"})) {
    json::array list;
    for (const auto& [name, environment] : repository.environments)
      list.push_back(shapes_.environment(repository, environment));
    return Answer{200, std::move(list), true, "environments"};
  }
  if (call.is("GET", {"environments", "*"})) {
    const auto found = repository.environments.find(call.path[1]);
    if (found == repository.environments.end()) return cloud::github_error(404, "Not Found");
    return Answer{200, shapes_.environment(repository, found->second), false, ""};
  }
  if (call.is("GET", {"compare", "*"})) return compare(call);
  return std::nullopt;
}

// Unlike a list it is cut to a page only when a page is asked for; else 250 commits are told.
Result<GitHubFace::Answer> GitHubFace::compare(const Call& call) {
  constexpr size_t kUsualCommits = 250, kUsualCommitsOfPage = 30, kMaxCommitsOfPage = 100;
  const std::string& both = call.path[1];
  const size_t dots = both.find("...");
  if (dots == std::string::npos) return cloud::github_error(404, "Not Found");
  PAWL_TRY(const auto comparison,
           github_.compare(call.repository, both.substr(0, dots), both.substr(dots + 3)));
  const bool is_paged = !call.query_or("per_page").empty() || !call.query_or("page").empty();
  const size_t size =
      is_paged ? std::min(call.query_number("per_page", kUsualCommitsOfPage), kMaxCommitsOfPage)
               : kUsualCommits;
  const size_t page = call.query_number("page", 1);
  const size_t all = comparison.commits.size();
  const size_t last = std::max<size_t>(1, (all + size - 1) / size);
  const size_t begin = std::min((page - 1) * size, all), end = std::min(page * size, all);
  Answer answer;
  answer.body = shapes_.comparison(repository_of(call), both, comparison, begin, end);
  if (is_paged) answer.link = links(call, page, last);
  return answer;
}

GitHubFace::Routed GitHubFace::route_rest(const Call& call) {
  const auto& repository = repository_of(call);
  json::array list;
  if (call.is("GET", {"tags"})) {
    for (const auto& tag : repository.tags) list.push_back(shapes_.tag(repository, tag));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("GET", {"releases"})) {
    for (auto release = repository.releases.rbegin(); release != repository.releases.rend();
         ++release)
      list.push_back(shapes_.release(repository, *release));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("GET", {"releases", "latest"})) {
    for (auto release = repository.releases.rbegin(); release != repository.releases.rend();
         ++release)
      if (!release->draft && !release->prerelease)
        return Answer{200, shapes_.release(repository, *release), false, ""};
    return cloud::github_error(404, "Not Found");
  }
  if (call.is("GET", {"actions", "runs"})) {
    const std::string sha = call.query_or("head_sha"), branch = call.query_or("branch");
    for (auto run = repository.runs.rbegin(); run != repository.runs.rend(); ++run) {
      if (!sha.empty() && run->second.head_sha != sha) continue;
      if (!branch.empty() && run->second.head_branch != branch) continue;
      list.push_back(shapes_.workflow_run(repository, run->second));
    }
    return Answer{200, std::move(list), true, "workflow_runs"};
  }
  if (call.is("GET", {"actions", "runs", "*"})) {
    const auto run = repository.runs.find(call.number(2));
    if (run == repository.runs.end()) return cloud::github_error(404, "Not Found");
    return Answer{200, shapes_.workflow_run(repository, run->second), false, ""};
  }
  return std::nullopt;
}

}  // namespace pawl::sandbox
