#include "cli/github_access.h"

#include <fmt/format.h>

#include "github/app.h"

namespace pawl {
namespace {

constexpr size_t kMaxKeyBytes = 64u << 10;

// No value: the file that pawl.yaml names is not on this machine, which may use a token.
Result<std::optional<std::string>> app_key(const ProcessEnvironment& environment,
                                           const LoadedConfig& config) {
  if (auto key = environment.get("PAWL_GITHUB_APP_KEY"); !key.empty())
    return std::optional<std::string>(std::move(key));
  const std::string named = environment.get("PAWL_GITHUB_APP_KEY_FILE");
  std::string path = named.empty() ? config.config.github.app_key_file : named;
  if (path.empty()) return std::optional<std::string>();
  if (path[0] != '/' && named.empty()) path = config.directory + "/" + path;
  auto text = read_file(path, kMaxKeyBytes);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found && named.empty())
    return std::optional<std::string>();
  if (!text.ok())
    return std::move(text).error().while_doing("reading the private key of the GitHub App");
  return std::optional<std::string>(*std::move(text));
}

Result<int64_t> installation_of(const ProcessEnvironment& environment, const LoadedConfig& config) {
  const std::string text = environment.get("PAWL_GITHUB_APP_INSTALLATION");
  if (text.empty()) return int64_t{config.config.github.app_installation};
  const bool is_number =
      text.size() < 16 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number)
    return Error(ErrorKind::usage,
                 fmt::format("PAWL_GITHUB_APP_INSTALLATION is '{}', not a number", text))
        .with_hint(
            "it is the last part of the installation's address in its settings; without "
            "it Pawl finds the installation by the repository");
  return int64_t{std::stoll(text)};
}

}  // namespace

Result<std::optional<GitHubOptions>> github_access(const ProcessEnvironment& environment,
                                                   const LoadedConfig& config, bool sandbox,
                                                   HttpClient& http, Clock& clock,
                                                   Entropy& entropy) {
  const GitHubSettings& settings = config.config.github;
  GitHubOptions options;
  options.patience = settings.patience;
  if (!settings.api_url.empty()) options.api_url = settings.api_url;
  if (const auto url = environment.get("GITHUB_API_URL"); !url.empty()) options.api_url = url;
  options.token = Secret(environment.get("GITHUB_TOKEN"));
  if (config.config.repository.empty()) return std::optional<GitHubOptions>();

  std::string app_id = environment.get("PAWL_GITHUB_APP_ID");
  const bool is_named = !app_id.empty();
  if (!is_named) app_id = settings.app_id;
  if (sandbox) app_id.clear();
  if (!app_id.empty()) {
    PAWL_TRY(auto key, app_key(environment, config));
    if (!key && is_named)
      return Error(ErrorKind::usage, "PAWL_GITHUB_APP_ID is set, and the App's private key is not")
          .with_hint("set PAWL_GITHUB_APP_KEY to it, or PAWL_GITHUB_APP_KEY_FILE to its file");
    if (key) {
      GitHubAppOptions app;
      app.app_id = std::move(app_id);
      app.private_key = github_app_key(*std::move(key));
      app.repository = config.config.repository;
      PAWL_TRY(app.installation, installation_of(environment, config));
      app.api = options;
      app.api.token = Secret();
      options.credentials = make_github_app(http, clock, entropy, std::move(app));
      return std::optional<GitHubOptions>(std::move(options));
    }
  }
  if (options.token.empty()) return std::optional<GitHubOptions>();
  return std::optional<GitHubOptions>(std::move(options));
}

std::string workflow_run_url(const ProcessEnvironment& environment) {
  const auto server = environment.get("GITHUB_SERVER_URL");
  const auto repository = environment.get("GITHUB_REPOSITORY");
  const auto run = environment.get("GITHUB_RUN_ID");
  if (server.empty() || repository.empty() || run.empty()) return "";
  std::string url = fmt::format("{}/{}/actions/runs/{}", server, repository, run);
  const auto attempt = environment.get("GITHUB_RUN_ATTEMPT");
  if (!attempt.empty() && attempt != "1") url += "/attempts/" + attempt;
  return url;
}

}  // namespace pawl
