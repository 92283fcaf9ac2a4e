#include "sandbox/github/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/encoding.h"

namespace pawl::sandbox {
namespace {

// GitHub's times have no fraction.
std::string time_text(WallTime time) {
  return to_iso8601(WallTime{time.unix_ms / 1000 * 1000}).substr(0, 19) + "Z";
}

json::value time_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(time_text(*time)) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

std::string node_id(const char* kind, int64_t id) {
  return base64_encode(fmt::format("{}{}", kind, id));
}

// Every "..._url" that a repository has beside the common ones, with its template.
constexpr const char* kRepositoryUrls[][2] = {
    {"archive_url", "/{archive_format}{/ref}"},
    {"assignees_url", "/assignees{/user}"},
    {"blobs_url", "/git/blobs{/sha}"},
    {"branches_url", "/branches{/branch}"},
    {"collaborators_url", "/collaborators{/collaborator}"},
    {"comments_url", "/comments{/number}"},
    {"commits_url", "/commits{/sha}"},
    {"compare_url", "/compare/{base}...{head}"},
    {"contents_url", "/contents/{+path}"},
    {"contributors_url", "/contributors"},
    {"deployments_url", "/deployments"},
    {"downloads_url", "/downloads"},
    {"events_url", "/events"},
    {"forks_url", "/forks"},
    {"git_commits_url", "/git/commits{/sha}"},
    {"git_refs_url", "/git/refs{/sha}"},
    {"git_tags_url", "/git/tags{/sha}"},
    {"hooks_url", "/hooks"},
    {"issue_comment_url", "/issues/comments{/number}"},
    {"issue_events_url", "/issues/events{/number}"},
    {"issues_url", "/issues{/number}"},
    {"keys_url", "/keys{/key_id}"},
    {"labels_url", "/labels{/name}"},
    {"languages_url", "/languages"},
    {"merges_url", "/merges"},
    {"milestones_url", "/milestones{/number}"},
    {"notifications_url", "/notifications{?since,all,participating}"},
    {"pulls_url", "/pulls{/number}"},
    {"releases_url", "/releases{/id}"},
    {"stargazers_url", "/stargazers"},
    {"statuses_url", "/statuses/{sha}"},
    {"subscribers_url", "/subscribers"},
    {"subscription_url", "/subscription"},
    {"tags_url", "/tags"},
    {"teams_url", "/teams"},
    {"trees_url", "/git/trees{/sha}"}};

}  // namespace

json::object GitHubShapes::user() const {
  const std::string url = api_ + "/users/" + login_;
  json::object user{{"login", login_},
                    {"id", 1},
                    {"node_id", node_id("User", 1)},
                    {"avatar_url", api_ + "/avatar.png"},
                    {"gravatar_id", ""},
                    {"url", url},
                    {"html_url", api_ + "/" + login_},
                    {"type", "User"},
                    {"site_admin", false}};
  for (const char* name : {"followers", "following", "gists", "starred", "subscriptions",
                           "organizations", "repos", "events", "received_events"})
    user[fmt::format("{}_url", name)] = fmt::format("{}/{}", url, name);
  return user;
}

json::object GitHubShapes::whole_user() const {
  json::object whole = user();
  for (const char* name : {"name", "company", "blog", "location", "email", "hireable", "bio"})
    whole[name] = nullptr;
  for (const char* name : {"public_repos", "public_gists", "followers", "following"})
    whole[name] = 0;
  whole["created_at"] = whole["updated_at"] = time_text(WallTime{});
  return whole;
}

json::object GitHubShapes::minimal_repository(const cloud::GitHubRepository& repository) const {
  const std::string url = repository_url(repository);
  json::object object{{"id", repository.id},
                      {"node_id", node_id("Repository", repository.id)},
                      {"name", repository.name},
                      {"full_name", repository.full_name()},
                      {"private", false},
                      {"html_url", html_url(repository)},
                      {"description", nullptr},
                      {"fork", false},
                      {"url", url}};
  json::object owner = user();
  owner["login"] = repository.owner;
  object["owner"] = std::move(owner);
  for (const auto& [name, rest] : kRepositoryUrls) object[name] = url + rest;
  return object;
}

json::object GitHubShapes::repository(const cloud::GitHubRepository& repository) const {
  json::object object = minimal_repository(repository);
  const auto open = std::count_if(repository.issues.begin(), repository.issues.end(),
                                  [](const auto& entry) { return entry.second.state == "open"; });
  const std::string created = time_text(repository.created_at);
  const json::object rest{
      {"clone_url", html_url(repository) + ".git"},
      {"git_url", html_url(repository) + ".git"},
      {"ssh_url", fmt::format("git@localhost:{}.git", repository.full_name())},
      {"svn_url", html_url(repository)},
      {"mirror_url", nullptr},
      {"homepage", nullptr},
      {"language", nullptr},
      {"license", nullptr},
      {"forks", 0},
      {"forks_count", 0},
      {"stargazers_count", 0},
      {"watchers", 0},
      {"watchers_count", 0},
      {"network_count", 0},
      {"subscribers_count", 0},
      {"size", 0},
      {"open_issues", open},
      {"open_issues_count", open},
      {"default_branch", repository.default_branch},
      {"has_issues", true},
      {"has_projects", false},
      {"has_wiki", false},
      {"has_pages", false},
      {"has_discussions", false},
      {"has_downloads", false},
      {"archived", false},
      {"disabled", false},
      {"visibility", "public"},
      {"pushed_at", created},
      {"created_at", created},
      {"updated_at", created},
      {"permissions",
       {{"admin", true}, {"maintain", true}, {"push", true}, {"triage", true}, {"pull", true}}}};
  for (const auto& member : rest) object[member.key()] = member.value();
  return object;
}

json::object GitHubShapes::check_run(const cloud::GitHubRepository& repository,
                                     const cloud::CheckRun& run) const {
  const std::string url = fmt::format("{}/check-runs/{}", repository_url(repository), run.id);
  const json::object output{{"title", text_or_null(run.title)},
                            {"summary", text_or_null(run.summary)},
                            {"text", text_or_null(run.text)},
                            {"annotations_count", run.annotations.size()},
                            {"annotations_url", url + "/annotations"}};
  return {{"id", run.id},
          {"node_id", node_id("CheckRun", run.id)},
          {"head_sha", run.head_sha},
          {"name", run.name},
          {"url", url},
          {"html_url", fmt::format("{}/runs/{}", html_url(repository), run.id)},
          {"details_url", run.details_url.empty()
                              ? json::value(fmt::format("{}/runs/{}", html_url(repository), run.id))
                              : json::value(run.details_url)},
          {"external_id", run.external_id},
          {"status", run.status},
          {"conclusion", text_or_null(run.conclusion)},
          {"started_at", time_or_null(run.started_at)},
          {"completed_at", time_or_null(run.completed_at)},
          {"output", output},
          {"check_suite", json::object{{"id", repository.id}}},
          {"app", nullptr},
          {"pull_requests", json::array()}};
}

json::array GitHubShapes::annotations(const cloud::GitHubRepository& repository,
                                      const cloud::CheckRun& run) const {
  json::array shown;
  for (const auto& value : run.annotations) {
    if (!value.is_object()) continue;
    const json::object& a = value.get_object();
    json::object one{{"path", string_or(a, "path")},
                     {"blob_href", fmt::format("{}/blob/{}/{}", html_url(repository), run.head_sha,
                                               string_or(a, "path"))},
                     {"start_line", int_or(a, "start_line", 1)},
                     {"end_line", int_or(a, "end_line", int_or(a, "start_line", 1))},
                     {"start_column", nullptr},
                     {"end_column", nullptr},
                     {"annotation_level", string_or(a, "annotation_level", "notice")},
                     {"title", text_or_null(string_or(a, "title"))},
                     {"message", string_or(a, "message")},
                     {"raw_details", text_or_null(string_or(a, "raw_details"))}};
    for (const char* column : {"start_column", "end_column"})
      if (a.contains(column)) one[column] = a.at(column);
    shown.push_back(std::move(one));
  }
  return shown;
}

json::object GitHubShapes::status(const cloud::GitHubRepository& repository,
                                  const cloud::CommitStatus& status) const {
  return {{"url", fmt::format("{}/statuses/{}", repository_url(repository), status.sha)},
          {"avatar_url", api_ + "/avatar.png"},
          {"id", status.id},
          {"node_id", node_id("StatusContext", status.id)},
          {"state", status.state},
          {"description", text_or_null(status.description)},
          {"target_url", text_or_null(status.target_url)},
          {"context", status.context},
          {"created_at", time_text(status.created_at)},
          {"updated_at", time_text(status.created_at)},
          {"creator", user()}};
}

json::object GitHubShapes::combined_status(const cloud::GitHubRepository& repository,
                                           const std::string& sha) const {
  std::map<std::string, cloud::CommitStatus> latest;
  for (const auto& status : repository.statuses)
    if (status.sha == sha) latest[status.context] = status;
  // "failure if any of the contexts report as error or failure, pending if there are no statuses or
  // a context is pending, success if the latest status for all contexts is success"
  std::string state = latest.empty() ? "pending" : "success";
  json::array listed;
  for (const auto& [context, status] : latest) {
    if (status.state == "error" || status.state == "failure") state = "failure";
    if (status.state == "pending" && state != "failure") state = "pending";
    json::object one = this->status(repository, status);
    one.erase("creator");
    listed.push_back(std::move(one));
  }
  const std::string url = fmt::format("{}/commits/{}", repository_url(repository), sha);
  const auto count = listed.size();
  return {{"state", state},
          {"statuses", std::move(listed)},
          {"sha", sha},
          {"total_count", count},
          {"repository", minimal_repository(repository)},
          {"commit_url", url},
          {"url", url + "/status"}};
}

json::object GitHubShapes::deployment(const cloud::GitHubRepository& repository,
                                      const cloud::GitHubDeployment& d) const {
  const std::string url = fmt::format("{}/deployments/{}", repository_url(repository), d.id);
  return {{"url", url},
          {"id", d.id},
          {"node_id", node_id("Deployment", d.id)},
          {"sha", d.sha},
          {"ref", d.ref},
          {"task", d.task},
          {"payload", d.payload},
          {"original_environment", d.environment},
          {"environment", d.environment},
          {"description", text_or_null(d.description)},
          {"creator", user()},
          {"created_at", time_text(d.created_at)},
          {"updated_at", time_text(d.updated_at)},
          {"statuses_url", url + "/statuses"},
          {"repository_url", repository_url(repository)},
          {"transient_environment", d.transient_environment},
          {"production_environment", d.production_environment}};
}

json::object GitHubShapes::deployment_status(const cloud::GitHubRepository& repository,
                                             const cloud::GitHubDeployment& d,
                                             const cloud::DeploymentStatus& status) const {
  const std::string url = fmt::format("{}/deployments/{}", repository_url(repository), d.id);
  return {{"url", fmt::format("{}/statuses/{}", url, status.id)},
          {"id", status.id},
          {"node_id", node_id("DeploymentStatus", status.id)},
          {"state", status.state},
          {"creator", user()},
          {"description", status.description},
          {"environment", status.environment},
          {"target_url", status.log_url},
          {"created_at", time_text(status.created_at)},
          {"updated_at", time_text(status.created_at)},
          {"deployment_url", url},
          {"repository_url", repository_url(repository)},
          {"environment_url", status.environment_url},
          {"log_url", status.log_url}};
}

json::object GitHubShapes::label(const cloud::GitHubRepository& repository,
                                 const std::string& name) const {
  std::string key = name;
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = repository.labels.find(key);
  const cloud::Label label =
      found == repository.labels.end() ? cloud::Label{0, name, "ededed", ""} : found->second;
  return {{"id", label.id},
          {"node_id", node_id("Label", label.id)},
          {"url", fmt::format("{}/labels/{}", repository_url(repository), url_encode(label.name))},
          {"name", label.name},
          {"color", label.color},
          {"default", false},
          {"description", text_or_null(label.description)}};
}

json::object GitHubShapes::issue(const cloud::GitHubRepository& repository,
                                 const cloud::Issue& issue) const {
  const std::string url = fmt::format("{}/issues/{}", repository_url(repository), issue.number);
  json::array labels, assignees;
  for (const auto& name : issue.labels) labels.push_back(label(repository, name));
  for (const auto& name : issue.assignees) {
    json::object assignee = user();
    assignee["login"] = name;
    assignees.push_back(std::move(assignee));
  }
  const json::value first = assignees.empty() ? json::value(nullptr) : assignees.front();
  return {{"url", url},
          {"repository_url", repository_url(repository)},
          {"labels_url", url + "/labels{/name}"},
          {"comments_url", url + "/comments"},
          {"events_url", url + "/events"},
          {"html_url", fmt::format("{}/issues/{}", html_url(repository), issue.number)},
          {"id", issue.id},
          {"node_id", node_id("Issue", issue.id)},
          {"number", issue.number},
          {"title", issue.title},
          {"user", user()},
          {"labels", std::move(labels)},
          {"state", issue.state},
          {"state_reason", text_or_null(issue.state_reason)},
          {"locked", false},
          {"assignee", first},
          {"assignees", std::move(assignees)},
          {"milestone", nullptr},
          {"comments", issue.comments.size()},
          {"created_at", time_text(issue.created_at)},
          {"updated_at", time_text(issue.updated_at)},
          {"closed_at", time_or_null(issue.closed_at)},
          {"author_association", "OWNER"},
          {"active_lock_reason", nullptr},
          {"body", text_or_null(issue.body)}};
}

json::object GitHubShapes::comment(const cloud::GitHubRepository& repository,
                                   const cloud::IssueComment& comment) const {
  const std::string issue =
      fmt::format("{}/issues/{}", repository_url(repository), comment.issue_number);
  return {{"id", comment.id},
          {"node_id", node_id("IssueComment", comment.id)},
          {"url", fmt::format("{}/issues/comments/{}", repository_url(repository), comment.id)},
          {"html_url", fmt::format("{}/issues/{}#issuecomment-{}", html_url(repository),
                                   comment.issue_number, comment.id)},
          {"body", comment.body},
          {"user", user()},
          {"created_at", time_text(comment.created_at)},
          {"updated_at", time_text(comment.updated_at)},
          {"issue_url", issue},
          {"author_association", "OWNER"}};
}

json::object GitHubShapes::commit(const cloud::GitHubRepository& repository,
                                  const cloud::Commit& commit) const {
  const std::string url = fmt::format("{}/commits/{}", repository_url(repository), commit.sha);
  const json::object person{
      {"name", login_}, {"email", login_ + "@example.com"}, {"date", time_text(commit.date)}};
  const json::object inner{
      {"url", fmt::format("{}/git/commits/{}", repository_url(repository), commit.sha)},
      {"author", person},
      {"committer", person},
      {"message", commit.message},
      {"comment_count", 0},
      {"tree",
       {{"sha", commit.sha},
        {"url", fmt::format("{}/git/trees/{}", repository_url(repository), commit.sha)}}},
      {"verification",
       {{"verified", false},
        {"reason", "unsigned"},
        {"signature", nullptr},
        {"payload", nullptr},
        {"verified_at", nullptr}}}};
  return {{"url", url},
          {"sha", commit.sha},
          {"node_id", base64_encode("Commit" + commit.sha)},
          {"html_url", fmt::format("{}/commit/{}", html_url(repository), commit.sha)},
          {"comments_url", url + "/comments"},
          {"commit", inner},
          {"author", user()},
          {"committer", user()},
          {"parents", json::array()}};
}

json::object GitHubShapes::tag(const cloud::GitHubRepository& repository,
                               const cloud::GitTag& tag) const {
  const std::string url = repository_url(repository);
  return {{"name", tag.name},
          {"node_id", base64_encode("Tag" + tag.name)},
          {"commit", {{"sha", tag.sha}, {"url", fmt::format("{}/commits/{}", url, tag.sha)}}},
          {"zipball_url", fmt::format("{}/zipball/refs/tags/{}", url, tag.name)},
          {"tarball_url", fmt::format("{}/tarball/refs/tags/{}", url, tag.name)}};
}

json::object GitHubShapes::comparison(const cloud::GitHubRepository& repository,
                                      const std::string& base_head,
                                      const cloud::Comparison& comparison, size_t first,
                                      size_t last) const {
  const auto ahead = static_cast<int64_t>(comparison.commits.size());
  const char* status = ahead > 0 ? "ahead" : comparison.behind_by > 0 ? "behind" : "identical";
  json::array commits;
  for (size_t i = first; i < last; ++i)
    commits.push_back(commit(repository, comparison.commits[i]));
  const cloud::Commit base{comparison.merge_base, "", repository.created_at};
  const std::string page = fmt::format("{}/compare/{}", html_url(repository), base_head);
  return {{"url", fmt::format("{}/compare/{}", repository_url(repository), base_head)},
          {"html_url", page},
          {"permalink_url", page},
          {"diff_url", page + ".diff"},
          {"patch_url", page + ".patch"},
          {"base_commit", commit(repository, base)},
          {"merge_base_commit", commit(repository, base)},
          {"status", status},
          {"ahead_by", ahead},
          {"behind_by", comparison.behind_by},
          {"total_commits", ahead},
          {"commits", std::move(commits)},
          {"files", json::array()}};
}

json::object GitHubShapes::environment(const cloud::GitHubRepository& repository,
                                       const cloud::GitHubEnvironment& e) const {
  const std::string url =
      fmt::format("{}/environments/{}", repository_url(repository), url_encode(e.name));
  json::array rules;
  int64_t rule = e.id * 10;
  const auto add = [&](const char* type, json::object more) {
    more["id"] = ++rule;
    more["node_id"] = node_id("GateRule", rule);
    more["type"] = type;
    rules.push_back(std::move(more));
  };
  if (e.wait_timer_minutes > 0) add("wait_timer", {{"wait_timer", e.wait_timer_minutes}});
  if (!e.reviewers.empty() || !e.teams.empty()) {
    json::array reviewers;
    for (const auto& login : e.reviewers) {
      json::object reviewer = user();
      reviewer["login"] = login;
      reviewers.push_back(json::object{{"type", "User"}, {"reviewer", std::move(reviewer)}});
    }
    for (const auto& name : e.teams) {
      const std::string team = fmt::format("{}/organizations/1/team/1", api_);
      const json::object reviewer{{"id", 1},
                                  {"node_id", node_id("Team", 1)},
                                  {"url", team},
                                  {"html_url", fmt::format("{}/orgs/o/teams/{}", api_, name)},
                                  {"name", name},
                                  {"slug", name},
                                  {"description", ""},
                                  {"privacy", "closed"},
                                  {"notification_setting", "notifications_enabled"},
                                  {"permission", "pull"},
                                  {"members_url", team + "/members{/member}"},
                                  {"repositories_url", team + "/repos"},
                                  {"type", "organization"},
                                  {"parent", nullptr}};
      reviewers.push_back(json::object{{"type", "Team"}, {"reviewer", reviewer}});
    }
    add("required_reviewers",
        {{"prevent_self_review", e.prevents_self_review}, {"reviewers", std::move(reviewers)}});
  }
  json::value branches = nullptr;
  if (e.protected_branches_only) {
    branches = json::object{{"protected_branches", true}, {"custom_branch_policies", false}};
    add("branch_policy", {});
  }
  return {{"id", e.id},
          {"node_id", node_id("Environment", e.id)},
          {"name", e.name},
          {"url", url},
          {"html_url", fmt::format("{}/deployments/activity_log?environments_filter={}",
                                   html_url(repository), url_encode(e.name))},
          {"created_at", time_text(e.created_at)},
          {"updated_at", time_text(e.created_at)},
          {"protection_rules", std::move(rules)},
          {"deployment_branch_policy", std::move(branches)}};
}

json::object GitHubShapes::installation(const std::string& app_id, int64_t id, WallTime now) const {
  int64_t app_number = 0;
  std::from_chars(app_id.data(), app_id.data() + app_id.size(), app_number);
  const std::string url = fmt::format("{}/app/installations/{}", api_, id);
  return {{"id", id},
          {"account", user()},
          {"repository_selection", "all"},
          {"access_tokens_url", url + "/access_tokens"},
          {"repositories_url", api_ + "/installation/repositories"},
          {"html_url", fmt::format("{}/settings/installations/{}", api_, id)},
          {"app_id", app_number},
          {"app_slug", "pawl"},
          {"target_id", 1},
          {"target_type", "User"},
          {"permissions",
           json::object{{"checks", "write"}, {"contents", "read"}, {"metadata", "read"}}},
          {"events", json::array()},
          {"created_at", time_text(now)},
          {"updated_at", time_text(now)},
          {"single_file_name", nullptr},
          {"has_multiple_single_files", false},
          {"single_file_paths", json::array()},
          {"suspended_by", nullptr},
          {"suspended_at", nullptr}};
}

json::object GitHubShapes::release(const cloud::GitHubRepository& repository,
                                   const cloud::GitHubRelease& r) const {
  const std::string url = fmt::format("{}/releases/{}", repository_url(repository), r.id);
  const std::string created = time_text(r.created_at);
  return {{"url", url},
          {"assets_url", url + "/assets"},
          {"upload_url", url + "/assets{?name,label}"},
          {"html_url", fmt::format("{}/releases/tag/{}", html_url(repository), r.tag_name)},
          {"id", r.id},
          {"node_id", node_id("Release", r.id)},
          {"author", user()},
          {"tag_name", r.tag_name},
          {"target_commitish", r.target.empty() ? repository.default_branch : r.target},
          {"name", text_or_null(r.name)},
          {"draft", r.draft},
          {"prerelease", r.prerelease},
          {"created_at", created},
          {"published_at", created},
          {"assets", json::array()},
          {"tarball_url", fmt::format("{}/tarball/{}", repository_url(repository), r.tag_name)},
          {"zipball_url", fmt::format("{}/zipball/{}", repository_url(repository), r.tag_name)},
          {"body", text_or_null(r.body)}};
}

json::object GitHubShapes::workflow_run(const cloud::GitHubRepository& repository,
                                        const cloud::WorkflowRun& r) const {
  const std::string url = fmt::format("{}/actions/runs/{}", repository_url(repository), r.id);
  const std::string created = time_text(r.created_at);
  const json::object person{{"name", login_}, {"email", login_ + "@example.com"}};
  json::object run{{"id", r.id},
                   {"name", r.name},
                   {"node_id", node_id("WorkflowRun", r.id)},
                   {"head_branch", r.head_branch},
                   {"head_sha", r.head_sha},
                   {"path", ".github/workflows/ci.yml"},
                   {"display_title", r.name},
                   {"run_number", r.number},
                   {"run_attempt", 1},
                   {"event", r.event},
                   {"status", r.status},
                   {"conclusion", text_or_null(r.conclusion)},
                   {"workflow_id", 1},
                   {"check_suite_id", repository.id},
                   {"url", url},
                   {"html_url", fmt::format("{}/actions/runs/{}", html_url(repository), r.id)},
                   {"pull_requests", json::array()},
                   {"created_at", created},
                   {"updated_at", created},
                   {"run_started_at", created},
                   {"actor", user()},
                   {"triggering_actor", user()},
                   {"workflow_url", repository_url(repository) + "/actions/workflows/1"},
                   {"check_suite_url",
                    fmt::format("{}/check-suites/{}", repository_url(repository), repository.id)},
                   {"head_commit",
                    {{"id", r.head_sha},
                     {"tree_id", r.head_sha},
                     {"message", ""},
                     {"timestamp", created},
                     {"author", person},
                     {"committer", person}}},
                   {"repository", minimal_repository(repository)},
                   {"head_repository", minimal_repository(repository)}};
  for (const char* what : {"jobs", "logs", "cancel", "rerun", "artifacts"})
    run[fmt::format("{}_url", what)] = fmt::format("{}/{}", url, what);
  return run;
}

}  // namespace pawl::sandbox
