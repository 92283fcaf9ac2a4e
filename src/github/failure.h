// What GitHub said no with, in words that help: its own message, the permission that is missing,
// the page that a proxy showed in its place.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.h"

namespace pawl {

/// The Error for an answer that was not a success and no rate limit. `who` made the call: "the
/// token", "the App 12".
Error github_failure(const HttpResponse& response, std::string_view method, std::string_view url,
                     std::string_view who);

/// The sentence in GitHub's error body with the fields that it complained about; for any other
/// body its beginning, and of an HTML page the title.
std::string github_message(const HttpResponse& response);

/// What `method` on that path takes, as a workflow's `permissions` names it: "checks: write"; empty
/// when it is not known. https://docs.github.com/rest/authentication/
/// permissions-required-for-github-apps
std::string permission_for(std::string_view method, std::string_view path);

}  // namespace pawl
