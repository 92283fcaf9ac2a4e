// Issues, their comments and labels.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/github/face.h"

namespace pawl::sandbox {
namespace {

std::vector<std::string> split_labels(const std::string& text) {
  std::vector<std::string> labels;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) labels.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return labels;
}

// Names, or objects that hold one.
std::optional<std::vector<std::string>> labels_in(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr || !value->is_array()) return std::nullopt;
  std::vector<std::string> labels;
  for (const auto& label : value->get_array()) {
    std::string name;
    if (label.is_string()) name = std::string(label.get_string());
    if (label.is_object()) name = string_or(label.get_object(), "name");
    if (std::find(labels.begin(), labels.end(), name) == labels.end()) labels.push_back(name);
  }
  return labels;
}

cloud::IssueChange issue_change(const json::object& body) {
  cloud::IssueChange change;
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const json::value* value = body.if_contains(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return std::string(value->get_string());
    if (value->is_int64()) return std::to_string(value->get_int64());
    return value->is_null() ? std::optional<std::string>() : std::string();
  };
  change.title = text("title");
  change.body = text("body");
  change.state = text("state");
  change.state_reason = text("state_reason");
  change.labels = labels_in(body, "labels");
  change.assignees = labels_in(body, "assignees");
  return change;
}

}  // namespace

Result<GitHubFace::Answer> GitHubFace::list_issues(const Call& call) {
  cloud::IssueQuery query;
  query.state = call.query_or("state", "open");
  query.labels = split_labels(call.query_or("labels"));
  query.sort = call.query_or("sort", "created");
  query.ascending = call.query_or("direction", "desc") == "asc";
  const std::string since = call.query_or("since");
  if (!since.empty()) {
    auto time = parse_iso8601(since);
    if (time.ok()) query.since = *time;
  }
  PAWL_TRY(const auto issues, github_.issues(call.repository, query));
  const auto& repository = repository_of(call);
  json::array list;
  for (const auto& issue : issues) list.push_back(shapes_.issue(repository, issue));
  return Answer{200, std::move(list), true, ""};
}

GitHubFace::Routed GitHubFace::route_issues(const Call& call) {
  if (call.path[0] != "issues") return std::nullopt;
  if (call.is("GET", {"issues"})) return list_issues(call);
  const auto answer = [&](int status, Result<cloud::Issue> issue) -> Result<Answer> {
    if (!issue.ok()) return std::move(issue).error();
    return Answer{status, shapes_.issue(repository_of(call), *issue), false, ""};
  };
  if (call.is("POST", {"issues"}))
    return answer(201,
                  github_.create_issue(call.repository, issue_change(call.body), clock_.now()));
  const auto& repository = repository_of(call);
  const int64_t number = call.path.size() > 1 ? call.number(1) : 0;
  const auto found = repository.issues.find(number);
  if (found == repository.issues.end()) return cloud::github_error(404, "Not Found");
  if (call.is("GET", {"issues", "*"})) return answer(200, found->second);
  if (call.is("PATCH", {"issues", "*"}))
    return answer(
        200, github_.update_issue(call.repository, number, issue_change(call.body), clock_.now()));
  if (call.is("GET", {"issues", "*", "comments"})) {
    json::array list;
    for (const auto& comment : found->second.comments)
      list.push_back(shapes_.comment(repository, comment));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("POST", {"issues", "*", "comments"})) {
    auto comment =
        github_.add_comment(call.repository, number, string_or(call.body, "body"), clock_.now());
    if (!comment.ok()) return std::move(comment).error();
    return Answer{201, shapes_.comment(repository, *comment), false, ""};
  }
  if (call.path.size() >= 3 && call.path[2] == "labels") return edit_issue_labels(call);
  return std::nullopt;
}

Result<GitHubFace::Answer> GitHubFace::edit_issue_labels(const Call& call) {
  const int64_t number = call.number(1);
  auto labels = repository_of(call).issues.at(number).labels;
  if (call.path.size() == 4 && call.method == "DELETE") {
    const auto erased = std::erase_if(
        labels, [&](const std::string& label) { return equal_without_case(label, call.path[3]); });
    if (erased == 0) return cloud::github_error(404, "Label does not exist");
  } else if (call.path.size() == 3 && call.method == "POST") {
    for (const auto& label : labels_in(call.body, "labels").value_or(std::vector<std::string>()))
      if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  } else if (call.path.size() == 3 && call.method == "PUT") {
    labels = labels_in(call.body, "labels").value_or(std::vector<std::string>());
  } else if (call.path.size() != 3 || call.method != "GET") {
    return cloud::github_error(404, "Not Found");
  }
  if (call.method != "GET") {
    cloud::IssueChange change;
    change.labels = labels;
    PAWL_CHECK(github_.update_issue(call.repository, number, std::move(change), clock_.now()));
  }
  const auto& repository = repository_of(call);
  json::array list;
  for (const auto& label : repository.issues.at(number).labels)
    list.push_back(shapes_.label(repository, label));
  return Answer{200, std::move(list), call.method == "GET", ""};
}

GitHubFace::Routed GitHubFace::route_labels(const Call& call) {
  if (call.path[0] != "labels") return std::nullopt;
  const auto& repository = repository_of(call);
  if (call.is("GET", {"labels"})) {
    json::array list;
    for (const auto& [key, label] : repository.labels)
      list.push_back(shapes_.label(repository, label.name));
    return Answer{200, std::move(list), true, ""};
  }
  if (call.is("POST", {"labels"})) {
    cloud::Label label;
    label.name = string_or(call.body, "name");
    label.color = string_or(call.body, "color", "ededed");
    label.description = string_or(call.body, "description");
    auto made = github_.create_label(call.repository, std::move(label), clock_.now());
    if (!made.ok()) return std::move(made).error();
    return Answer{201, shapes_.label(repository_of(call), made->name), false, ""};
  }
  if (call.path.size() != 2) return std::nullopt;
  const auto found = std::find_if(
      repository.labels.begin(), repository.labels.end(),
      [&](const auto& entry) { return equal_without_case(entry.second.name, call.path[1]); });
  if (found == repository.labels.end()) return cloud::github_error(404, "Not Found");
  if (call.method == "GET")
    return Answer{200, shapes_.label(repository, found->second.name), false, ""};
  if (call.method != "DELETE") return std::nullopt;
  auto removed = github_.delete_label(call.repository, call.path[1], clock_.now());
  if (!removed.ok()) return std::move(removed).error();
  return Answer{204, nullptr, false, ""};
}

}  // namespace pawl::sandbox
