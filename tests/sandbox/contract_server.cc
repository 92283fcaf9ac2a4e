// The sandbox as a server for the adapters' contract tests, with the resources that they need, made
// as tests/aws/signed_moto.py makes them in moto. Prints one JSON line when it is ready, and ends
// when its standard input is closed:
//
//   {"url", "key", "secret", "image", "role",
//    "distribution",                                       of the AWS face
//    "registries": [{"host", "user", "password"}, ...],    the source's, then ECR's
//    "github": {"url", "token"}}                            also of the App 1234 (test_keys.h)
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "net/loop.h"
#include "net/watched_fd.h"
#include "sandbox/sandbox.h"
#include "support/temp_folder.h"
#include "support/test_keys.h"

namespace pawl::sandbox {
namespace {

SandboxSeed seed() {
  SandboxSeed made;
  made.app = "contract";
  made.repository = "example/meals";
  made.source_image = "ghcr.io/example/meals";
  EnvironmentSeed environment;
  environment.name = environment.function = environment.api = "contract";
  environment.ecr_repository = "contract-lambda";
  environment.bucket = "contract-assets";
  made.environments = {environment};
  return made;
}

std::string plain(const Secret& secret) {
  return secret.reveal_for("the tests");
}

std::string without_scheme(const std::string& url) {
  return url.substr(url.find("://") + 3);
}

std::string sha_of(int commit) {
  return fmt::format("{:040x}", commit);
}

// 130 commits, more than a page, with a tag at the last; an environment with every kind of rule; a
// repository that had another name.
Result<void> fill_github(cloud::GitHub& github, WallTime now) {
  const std::string repository = "example/meals";
  constexpr int kCommits = 130;
  for (int i = 1; i <= kCommits; ++i) {
    cloud::Commit commit{sha_of(i), fmt::format("change {}", i), now};
    PAWL_CHECK(github.add_commit(repository, std::move(commit), "main"));
  }
  PAWL_CHECK(github.add_tag(repository, {"v1.4.2", sha_of(kCommits)}));
  cloud::GitHubEnvironment prod;
  prod.name = "prod";
  prod.wait_timer_minutes = 30;
  prod.reviewers = {"ana"};
  prod.teams = {"ops"};
  prod.prevents_self_review = prod.protected_branches_only = true;
  PAWL_CHECK(github.put_environment(repository, std::move(prod), now));
  github.add_repository("example/old-name", now);
  return github.rename_repository("example/old-name", "example/new-name");
}

Result<json::object> ready_line(Sandbox& sandbox, Clock& clock) {
  const Connection& at = sandbox.connection();
  auto& cloud = sandbox.world().cloud();
  for (const char* repository : {"team/app", "mirror/app"})
    PAWL_CHECK(cloud.ecr.create(repository, false, clock.now()));
  PAWL_CHECK(fill_github(sandbox.world().github_model(), clock.now()));
  const auto token = cloud.ecr.issue_token(clock.now());
  json::array registries;
  registries.push_back(json::object{{"host", without_scheme(at.source_registry_url)},
                                    {"user", at.credentials.registry_user},
                                    {"password", plain(at.credentials.registry_password)}});
  registries.push_back(json::object{{"host", without_scheme(at.ecr_registry_url)},
                                    {"user", "AWS"},
                                    {"password", token.password}});
  const auto distribution = cloud.cloudfront.create("contract", clock.now());
  return json::object{{"url", at.aws_url},
                      {"distribution", distribution.id},
                      {"key", at.credentials.access_key_id},
                      {"secret", plain(at.credentials.secret_access_key)},
                      {"image", cloud.ecr.repository_uri("contract-lambda") + ":pawl-placeholder"},
                      {"role", cloud.sts.role_arn("contract-role")},
                      {"registries", std::move(registries)},
                      {"github", json::object{{"url", at.github_url},
                                              {"token", plain(at.credentials.github_token)}}}};
}

Task<void> serve_until_stdin_closes(Loop& loop, Sandbox& sandbox) {
  std::stop_source stop;
  const TaskContext context{stop.get_token()};
  Scope group(&context);
  group.spawn(sandbox.run());
  WatchedFd input(loop, ::dup(STDIN_FILENO));
  for (;;) {
    const auto readable = co_await input.readable();
    char ignored[64];
    if (!readable.ok() || ::read(input.get(), ignored, sizeof ignored) == 0) break;
  }
  stop.request_stop();
  co_await group.join();
}

Result<void> serve() {
  const test::TempFolder folder;
  Loop loop;
  SandboxOptions options;
  options.folder = folder / "sandbox";
  options.base_port = uint16_t{0};
  options.seed = seed();
  options.github_app.app_id = "1234";
  options.github_app.key_pem = test::kRsaPublicKey;
  // Long enough to be seen as InProgress.
  options.lambda.create_duration = options.lambda.update_duration =
      options.lambda.publish_duration = std::chrono::milliseconds(200);
  PAWL_TRY(auto sandbox, Sandbox::open(loop, std::move(options)));
  PAWL_TRY(const auto line, ready_line(*sandbox, loop.clock()));
  std::printf("%s\n", json::serialize(line).c_str());
  std::fflush(stdout);
  loop.run(serve_until_stdin_closes(loop, *sandbox));
  return ok();
}

}  // namespace
}  // namespace pawl::sandbox

int main() {
  const auto served = pawl::sandbox::serve();
  if (served.ok()) return 0;
  std::fprintf(stderr, "%s\n", served.error().message().c_str());
  return 1;
}
