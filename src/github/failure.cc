#include "github/failure.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace pawl {
namespace {

struct PermissionRow {
  const char* part;  // of the path
  const char* permission;
};

// The first row that matches counts.
constexpr PermissionRow kPermissions[] = {
    {"/check-runs", "checks"},       {"/statuses", "statuses"}, {"/status", "statuses"},
    {"/deployments", "deployments"}, {"/issues", "issues"},     {"/labels", "issues"},
    {"/environments", "actions"},    {"/actions/", "actions"},  {"/compare/", "contents"},
    {"/commits", "contents"},        {"/tags", "contents"},     {"/git/", "contents"},
};

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

// "checks=write" or "issues=read,contents=read; pull_requests=read": each ";" is a choice.
std::string readable(std::string permissions) {
  permissions = replaced(std::move(permissions), "; ", ";");
  permissions = replaced(std::move(permissions), ";", " or ");
  permissions = replaced(std::move(permissions), ", ", ",");
  permissions = replaced(std::move(permissions), ",", " and ");
  return replaced(std::move(permissions), "=", ": ");
}

std::string hint_for_403(const HttpResponse& response, std::string_view method,
                         std::string_view path, std::string_view who) {
  if (const auto sso = response.headers.get_or("x-github-sso", ""); !sso.empty()) {
    const size_t url = sso.find("url=");
    return "the organisation wants single sign-on: authorise the token" +
           (url == std::string::npos ? std::string() : " at " + sso.substr(url + 4));
  }
  std::string wanted = readable(response.headers.get_or("x-accepted-github-permissions", ""));
  if (wanted.empty()) wanted = permission_for(method, path);
  std::string hint;
  if (wanted.empty()) {
    hint = fmt::format("{} may lack a permission, or the repository does not exist", who);
  } else {
    hint = fmt::format(
        "{} needs: {} (in a workflow `permissions: {{{}}}`, of an App under its permissions)", who,
        wanted, wanted);
  }
  if (path.find("/check-runs") != std::string_view::npos)
    hint += "; check runs are made with an App's token only, such as GITHUB_TOKEN in Actions";
  return hint;
}

bool is_html(const HttpResponse& response) {
  return response.headers.get_or("content-type", "").find("text/html") != std::string::npos ||
         response.body.rfind("<!DOCTYPE", 0) == 0 || response.body.rfind("<html", 0) == 0;
}

std::string title_of(std::string_view page) {
  const size_t open = page.find("<title>");
  const size_t close = open == std::string_view::npos ? open : page.find("</title>", open);
  if (close == std::string_view::npos) return "";
  constexpr size_t kMaxTitle = 100;
  return std::string(page.substr(open + 7, std::min(close - open - 7, kMaxTitle)));
}

std::string hint_of(const HttpResponse& response, std::string_view method, std::string_view url,
                    std::string_view who) {
  const auto parts = split_url(url);
  const std::string path = parts ? parts->path : std::string(url);
  switch (response.status) {
    case 401:
      return fmt::format("{} is not valid, or its time is over: set GITHUB_TOKEN to one that is",
                         who);
    case 403:
      return hint_for_403(response, method, path, who);
    case 404: {
      // GitHub hides what one may not see.
      const bool is_api =
          parts && (parts->host.rfind("api.", 0) == 0 || parts->path.rfind("/api/v3", 0) == 0 ||
                    is_loopback_host(parts->host));
      if (!is_api && is_html(response))
        return "of GitHub Enterprise Server the API is https://HOST/api/v3: see GITHUB_API_URL";
      return "it is not there, or may not be seen: " + hint_for_403(response, method, path, who);
    }
    default:
      return "";
  }
}

}  // namespace

std::string permission_for(std::string_view method, std::string_view path) {
  for (const auto& row : kPermissions)
    if (path.find(row.part) != std::string_view::npos)
      return fmt::format("{}: {}", row.permission, method == "GET" ? "read" : "write");
  return "";
}

std::string github_message(const HttpResponse& response) {
  const auto body = parse_json_object(response.body, "GitHub's answer");
  std::string text = body.ok() ? string_or(*body, "message") : "";
  if (text.empty()) {  // somebody between GitHub and us has words of his own
    if (!is_html(response)) return response.body.substr(0, kQuotedBodyBytes);
    const std::string title = title_of(response.body);
    return title.empty() ? "a web page" : fmt::format("a web page, \"{}\"", title);
  }
  if (const auto* errors = find(*body, "errors"); errors != nullptr && errors->is_array())
    for (const auto& each : errors->get_array()) {
      if (each.is_string()) text += fmt::format("; {}", std::string(each.get_string()));
      if (!each.is_object()) continue;
      const auto& object = each.get_object();
      text += fmt::format("; {} {} {}", string_or(object, "field"), string_or(object, "code"),
                          string_or(object, "message"));
    }
  return text;
}

Error github_failure(const HttpResponse& response, std::string_view method, std::string_view url,
                     std::string_view who) {
  const auto parts = split_url(url);
  std::string what =
      fmt::format("{} {} on {} answered {}: {}", method, parts ? parts->path : std::string(url),
                  parts ? parts->authority() : "GitHub", response.status, github_message(response));
  // What GitHub's support asks for.
  if (const auto id = response.headers.get_or("x-github-request-id", ""); !id.empty())
    what += fmt::format(" (request {})", id);
  const Error plain = error_from_response(response, method);
  return Error(plain.kind(), what)
      .with_http_status(response.status)
      .with_retry_after(plain.retry_after_seconds())
      .with_outcome_unknown(plain.outcome_unknown())
      .with_hint(hint_of(response, method, url, who));
}

}  // namespace pawl
