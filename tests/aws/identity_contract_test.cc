// Becoming somebody, against servers that check signatures: moto where Python has it, and the
// sandbox (contract_server). Identity tokens come from a real OpenID Connect issuer, where npm has
// put it: npm ci --prefix tests/aws/oidc
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "aws/credential_chain.h"
#include "aws/sts.h"
#include "net/loop.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

struct Server {
  std::optional<test::ServerProcess> process;
  std::string url, key, secret, role;

  explicit Server(std::vector<std::string> argv) {
    process.emplace(std::move(argv));
    url = string_or(process->ready(), "url");
    key = string_or(process->ready(), "key");
    secret = string_or(process->ready(), "secret");
    role = string_or(process->ready(), "role", "arn:aws:iam::123456789012:role/contract");
  }
};

// Started once for all tests; no value: what it needs is not here.
Server* server_named(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Server>> servers;
  if (servers.count(name) == 0) {
    std::vector<std::string> argv;
    if (name == "moto")
      argv = {"python3", std::string(PAWL_SOURCE_DIR) + "/tests/aws/signed_moto.py"};
    if (const char* own = std::getenv("PAWL_TEST_SANDBOX"); name == "sandbox" && own != nullptr)
      argv = {own};
    servers[name] = argv.empty() ? nullptr : std::make_unique<Server>(std::move(argv));
    if (servers[name] && servers[name]->url.empty()) servers[name] = nullptr;
  }
  return servers[name].get();
}

class IdentityContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    server_ = server_named(GetParam());
    if (server_ == nullptr)
      GTEST_SKIP() << GetParam() << " is not here (python3 with moto; PAWL_TEST_SANDBOX)";
  }
  /// Nothing is set but where AWS is.
  virtual void begin() {
    variables_ = {{"HOME", folder_.path().string()},
                  {"AWS_ENDPOINT_URL", server_->url},
                  {"AWS_EC2_METADATA_DISABLED", "true"}};
    settings_ = {};
    settings_.session_name = "pawl-run 7-prod";
    clock_ = &loop_.clock();
  }

  ClientPorts ports() { return ClientPorts{*http_, *clock_, loop_.entropy()}; }
  void use_keys() {
    variables_["AWS_ACCESS_KEY_ID"] = server_->key;
    variables_["AWS_SECRET_ACCESS_KEY"] = server_->secret;
  }
  void use_config(const std::string& text) {
    folder_.write(".aws/config", text);
    variables_["AWS_PROFILE"] = "p";
  }
  std::string keys_profile() const {
    return "[profile keys]\naws_access_key_id = " + server_->key +
           "\naws_secret_access_key = " + server_->secret + "\n";
  }

  /// Who we are by what the chain finds, as the server sees it.
  Result<CallerIdentity> caller() {
    const ClientPorts shared = ports();
    const Profiles profiles = *load_profiles(variables_);
    const AwsOptions options = *aws_options_from(variables_, "us-east-1", profiles);
    source_ = credential_chain(shared, options, *processes_, variables_, profiles, settings_);
    AwsOptions behind = options;
    behind.endpoints["STS"] = server_->url;
    Client client(shared, behind, source_);
    return loop_.run(Sts(client).caller());
  }
  std::string arn() {
    const auto found = caller();
    return found.ok() ? found->arn : found.error().message();
  }

  // Each is a test of its own; they share one server, whose start takes seconds.
  void a_role_of_the_config_signs_under_the_runs_name();
  void a_chain_of_roles_ends_as_the_last();
  void a_profile_takes_its_role_with_anothers_keys();
  void a_program_gives_the_keys();
  void a_wrong_secret_is_traced_to_its_place();
  void a_wrong_clock_is_no_hindrance();
  void an_instances_role_is_found();

  Loop loop_;
  std::unique_ptr<HttpClient> http_ = make_http_client(loop_);
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
  Clock* clock_ = &loop_.clock();
  Server* server_ = nullptr;
  pawl::test::TempFolder folder_;
  Variables variables_;
  ChainSettings settings_;
  std::shared_ptr<CredentialSource> source_;
};
INSTANTIATE_TEST_SUITE_P(, IdentityContract, testing::Values("moto", "sandbox"),
                         [](const auto& each) { return std::string(each.param); });

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

void IdentityContract::a_role_of_the_config_signs_under_the_runs_name() {
  use_keys();
  settings_.roles = {server_->role};
  settings_.external_id = "pawl/prod";
  const std::string who = arn();
  EXPECT_NE(who.find(":assumed-role/contract"), std::string::npos) << who;
  EXPECT_TRUE(ends_with(who, "/pawl-run-7-prod")) << who;
  const auto credentials = loop_.run(source_->get());
  ASSERT_TRUE(credentials.ok());
  EXPECT_GT(*credentials->expires - clock_->now(), std::chrono::minutes(50));
}

void IdentityContract::a_chain_of_roles_ends_as_the_last() {
  use_keys();
  settings_.roles = {server_->role, server_->role};
  EXPECT_TRUE(ends_with(arn(), "/pawl-run-7-prod"));
}

void IdentityContract::a_profile_takes_its_role_with_anothers_keys() {
  use_config("[profile p]\nrole_arn = " + server_->role +
             "\nsource_profile = keys\nrole_session_name = from-a-file\n" + keys_profile());
  EXPECT_TRUE(ends_with(arn(), "/from-a-file"));
}

void IdentityContract::a_program_gives_the_keys() {
  folder_.write("keys.json", "{\"Version\": 1, \"AccessKeyId\": \"" + server_->key +
                                 "\", \"SecretAccessKey\": \"" + server_->secret + "\"}");
  use_config("[profile p]\ncredential_process = cat '" + (folder_ / "keys.json") + "'\n");
  EXPECT_TRUE(caller().ok());
  use_config("[profile p]\ncredential_process = no-such-program-here\n");
  EXPECT_NE(arn().find("no-such-program-here"), std::string::npos);
}

void IdentityContract::a_wrong_secret_is_traced_to_its_place() {
  use_config("[profile p]\naws_access_key_id = " + server_->key +
             "\naws_secret_access_key = another-secret\n");
  const auto refused = caller();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::denied);
  EXPECT_NE(refused.error().hint().find("the keys of profile [p]"), std::string::npos);
  EXPECT_EQ(refused.error().message().find("another-secret"), std::string::npos);
}

// A clock that is an hour off, as a laptop's may be after a long sleep.
class WrongClock : public Clock {
 public:
  WrongClock(Clock& right, std::chrono::milliseconds off) : right_(right), off_(off) {}
  WallTime now() const override { return right_.now() + off_; }
  SteadyTime steady_now() const override { return right_.steady_now(); }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    return right_.sleep_for(duration);
  }

 private:
  Clock& right_;
  std::chrono::milliseconds off_;
};

void IdentityContract::a_wrong_clock_is_no_hindrance() {
  for (const int hours : {-1, 1}) {
    WrongClock wrong(loop_.clock(), std::chrono::hours(hours));
    clock_ = &wrong;
    use_keys();
    settings_.roles = {server_->role};
    EXPECT_TRUE(ends_with(arn(), "/pawl-run-7-prod")) << hours << ": " << arn();
    source_.reset();
    clock_ = &loop_.clock();
  }
}

void IdentityContract::an_instances_role_is_found() {
  if (GetParam() != std::string("moto")) return;  // the sandbox is no EC2 instance
  variables_["AWS_EC2_METADATA_DISABLED"] = "false";
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_->url;
  variables_["AWS_METADATA_SERVICE_TIMEOUT"] = "30";  // a loaded machine
  const auto found = caller();
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(loop_.run(source_->get())->source, "the instance's role default-role");
}

#define PAWL_SECTION(name) \
  do {                     \
    SCOPED_TRACE(#name);   \
    begin();               \
    name();                \
    source_.reset();       \
  } while (false)

TEST_P(IdentityContract, WhatIsFoundSigns) {
  PAWL_SECTION(a_role_of_the_config_signs_under_the_runs_name);
  PAWL_SECTION(a_chain_of_roles_ends_as_the_last);
  PAWL_SECTION(a_profile_takes_its_role_with_anothers_keys);
  PAWL_SECTION(a_program_gives_the_keys);
  PAWL_SECTION(a_wrong_secret_is_traced_to_its_place);
  PAWL_SECTION(a_wrong_clock_is_no_hindrance);
  PAWL_SECTION(an_instances_role_is_found);
}

// --- GitHub Actions ------------------------------------------------------------------------------

class WorkflowContract : public IdentityContract {
 protected:
  void SetUp() override {
    IdentityContract::SetUp();
    if (IsSkipped()) return;
    const std::string folder = std::string(PAWL_SOURCE_DIR) + "/tests/aws/oidc";
    if (!std::filesystem::exists(folder + "/node_modules/oauth2-mock-server"))
      GTEST_SKIP() << "the issuer is not here (npm ci --prefix tests/aws/oidc)";
    issuer_.emplace(std::vector<std::string>{"node", folder + "/issuer.mjs", server_->url});
    if (issuer_->ready().empty()) GTEST_SKIP() << "node is not here, or too old";
  }
  void begin() override {
    IdentityContract::begin();
    variables_["AWS_ROLE_ARN"] = server_->role;
    variables_["AWS_ENDPOINT_URL_STS"] = string_or(issuer_->ready(), "sts");
    variables_["ACTIONS_ID_TOKEN_REQUEST_URL"] = string_or(issuer_->ready(), "token_url");
    variables_["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = string_or(issuer_->ready(), "token");
  }
  void ask_for(const std::string& more) { variables_["ACTIONS_ID_TOKEN_REQUEST_URL"] += more; }
  Error refused() {
    auto found = caller();
    return found.ok() ? Error(ErrorKind::internal, "taken as " + found->arn)
                      : std::move(found).error();
  }

  void a_token_of_the_issuer_becomes_the_role();
  void what_the_trust_policy_does_not_name_is_refused();
  void a_wrong_audience_and_an_ended_token_are_told_apart();
  void a_job_without_the_permission_is_told_which_one();
  void a_token_from_a_file_will_do_as_well();

  std::optional<test::ServerProcess> issuer_;
};
INSTANTIATE_TEST_SUITE_P(, WorkflowContract, testing::Values("moto", "sandbox"),
                         [](const auto& each) { return std::string(each.param); });

void WorkflowContract::a_token_of_the_issuer_becomes_the_role() {
  EXPECT_TRUE(ends_with(arn(), "/pawl-run-7-prod"));
  const auto credentials = loop_.run(source_->get());
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(credentials->source, "GitHub Actions' identity token as the role " + server_->role);
}

void WorkflowContract::what_the_trust_policy_does_not_name_is_refused() {
  ask_for("&sub=repo:somebody/else:ref:refs/heads/main");
  const Error error = refused();
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_EQ(error.code(), "AccessDenied");
  EXPECT_NE(error.hint().find("trust policy"), std::string::npos);
}

void WorkflowContract::a_wrong_audience_and_an_ended_token_are_told_apart() {
  settings_.audience = "https://github.com/example";
  EXPECT_NE(refused().message().find("Incorrect token audience (request oidc-1)"),
            std::string::npos);
  settings_.audience.clear();
  ask_for("&ended=1");
  EXPECT_EQ(refused().code(), "ExpiredTokenException");
}

void WorkflowContract::a_job_without_the_permission_is_told_which_one() {
  variables_["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "another-token";
  const Error error = refused();
  EXPECT_EQ(error.kind(), ErrorKind::denied);
  EXPECT_NE(error.hint().find("id-token: write"), std::string::npos);
}

void WorkflowContract::a_token_from_a_file_will_do_as_well() {
  folder_.write("token", "not-a-token");
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = folder_ / "token";
  const Error error = refused();
  EXPECT_EQ(error.code(), "InvalidIdentityToken");
  EXPECT_NE(error.message().find("becoming the role " + server_->role), std::string::npos);
}

TEST_P(WorkflowContract, AnIdentityTokenBecomesTheRole) {
  PAWL_SECTION(a_token_of_the_issuer_becomes_the_role);
  PAWL_SECTION(what_the_trust_policy_does_not_name_is_refused);
  PAWL_SECTION(a_wrong_audience_and_an_ended_token_are_told_apart);
  PAWL_SECTION(a_job_without_the_permission_is_told_which_one);
  PAWL_SECTION(a_token_from_a_file_will_do_as_well);
}

}  // namespace
}  // namespace pawl::aws
