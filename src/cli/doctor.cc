// pawl doctor [ENVIRONMENT]
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "base/secret.h"
#include "cli/commands.h"
#include "cli/facts.h"
#include "cli/identity_words.h"
#include "cli/session.h"
#include "cli/store_choice.h"
#include "cli/terminal.h"
#include "core/terraform_outputs.h"

namespace pawl {
namespace {

// The code of an Error that stands for a check which was not made, since another has failed.
constexpr std::string_view kNotTried = "not_tried";

struct Finding {
  std::string name;
  bool good = false;
  bool tried = true;
  std::string words;
  std::string hint;
};

class Doctor {
 public:
  Doctor(Session& session, const Globals& globals, const LoadedConfig& config,
         const EnvironmentConfig& environment)
      : session_(session), globals_(globals), config_(config), environment_(environment) {}

  Task<std::vector<Finding>> examine() {
    co_await look("git", git());
    co_await look("builder", builder());
    co_await look("source registry", source_registry());
    co_await look("AWS identity", identity());
    co_await learn_names();
    co_await look("ECR repository", repository());
    co_await look("function", function());
    co_await look("alias", alias());
    co_await look("static files", static_files());
    co_await look("bucket", bucket());
    co_await look("URL", url());
    co_await look("terraform", terraform());
    co_await look("GitHub", forge());
    co_await look("journal", journal());
    co_return std::move(findings_);
  }

 private:
  // What a check gives: words when it is fine, an empty text when it does not apply.
  using Check = Task<Result<std::string>>;

  Task<void> look(std::string name, Check check) {
    auto result = co_await std::move(check);
    if (result.ok() && result->empty()) co_return;
    note(std::move(name), result);
  }

  void note(std::string name, const Result<std::string>& result) {
    Finding finding;
    finding.name = std::move(name);
    finding.good = result.ok();
    finding.words = result.ok() ? *result : result.error().message();
    if (!result.ok()) {
      finding.tried = result.error().code() != kNotTried;
      finding.hint = result.error().hint();
    }
    findings_.push_back(std::move(finding));
  }

  static Error not_tried(std::string why) {
    return Error(ErrorKind::failed, "not tried: " + std::move(why))
        .with_code(std::string(kNotTried));
  }

  // Said once, by the check of the identity; every call of AWS would end in the same words.
  Result<void> with_credentials() const {
    if (has_credentials_) return ok();
    return not_tried("there are no AWS credentials");
  }

  // The names that Terraform's outputs gave.
  Task<void> learn_names() {
    is_url_named_by_terraform_ = names_output(environment_.url.fixed);
    const json::object none;
    Result<json::object> outputs = none;
    if (names_output(environment_) && !is_identified_) {
      outputs = not_tried("it is not known as whom AWS is asked");
    } else {
      outputs = co_await outputs_before(session_, environment_);
    }
    are_outputs_read_ = outputs.ok();
    if (!outputs.ok()) note("terraform outputs", outputs.error());
    environment_ = with_known_outputs(environment_, outputs.ok() ? *outputs : none);
  }

  // What Terraform names is looked at once it has run: until then there is nothing to look for.
  Result<std::string> named_by_terraform() const {
    if (are_outputs_read_) return std::string("Terraform names it, and has not run yet");
    return not_tried("Terraform names it, and its outputs could not be read");
  }

  Check git() {
    PAWL_CO_TRY(auto state, co_await session_.source().state());
    co_return fmt::format(
        "{} on {}{}", state.sha.substr(0, 7), state.branch.empty() ? "no branch" : state.branch,
        state.is_dirty ? ", with uncommitted changes: those are never built" : "");
  }

  Check builder() {
    const std::string& layout = environment_.image.layout;
    if (!layout.empty()) co_return layout + " is pushed as it is: nothing is built";
    if (!environment_.image.build) co_return std::string();
    co_return co_await session_.ports().builder->available(*environment_.image.build);
  }

  // A tag that does not exist is a fine answer: the registry let us look.
  Check source_registry() {
    PAWL_CO_TRY(auto image, ImageReference::parse(environment_.image.source));
    auto found = co_await session_.ports().images->resolve(image.with_tag("latest"), "linux/amd64");
    if (!found.ok() && found.error().kind() != ErrorKind::not_found)
      co_return std::move(found).error();
    co_return fmt::format("{} can be read", image.name());
  }

  Check identity() {
    PAWL_CO_TRY(const auto credentials, co_await session_.aws_credentials().get());
    has_credentials_ = true;
    PAWL_CO_TRY(const auto caller, co_await session_.ports().identity->caller());
    is_identified_ = true;
    co_return identity_words(caller, credentials, session_.loop().clock().now());
  }

  Check repository() {
    PAWL_CO_CHECK(with_credentials());
    if (environment_.function.repository.empty()) co_return named_by_terraform();
    auto uri = co_await session_.ports().repositories->find_uri(environment_.function.repository);
    if (!uri.ok() && uri.error().kind() == ErrorKind::not_found)
      co_return std::move(uri).error().with_hint(
          "create it with Terraform first, or correct "
          "function.repository in pawl.yaml");
    co_return uri;
  }

  Check function() {
    PAWL_CO_CHECK(with_credentials());
    if (environment_.function.name.empty()) co_return named_by_terraform();
    auto state = co_await session_.ports().functions->get(environment_.function.name, "");
    if (!state.ok() && state.error().kind() == ErrorKind::not_found)
      co_return std::move(state).error().with_hint(
          "create it with Terraform first, or correct function.name in pawl.yaml");
    if (!state.ok()) co_return std::move(state).error();
    co_return fmt::format("{}, {}, last update {}", state->name, state->state,
                          state->last_update_status);
  }

  Check alias() {
    const auto& wanted = environment_.function;
    if (wanted.alias.empty() || wanted.name.empty()) co_return std::string();
    PAWL_CO_CHECK(with_credentials());
    PAWL_CO_TRY(auto state,
                co_await session_.ports().functions->get_alias(wanted.name, wanted.alias));
    if (!state)
      co_return fmt::format("{} is not there yet: the first deployment makes it", wanted.alias);
    co_return fmt::format("{} is version {}", wanted.alias, state->version);
  }

  Check static_files() {
    if (!environment_.static_files) co_return std::string();
    const auto& settings = *environment_.static_files;
    std::string directory = settings.dir;
    if (directory.rfind('/', 0) != 0) directory = config_.directory + "/" + directory;
    StaticRules rules;
    rules.immutable = settings.immutable;
    PAWL_CO_TRY(auto manifest,
                co_await session_.ports().static_files->scan(directory, std::move(rules)));
    co_return fmt::format("{} files in {}", manifest.files.size(), settings.dir);
  }

  Check bucket() {
    if (!environment_.static_files) co_return std::string();
    PAWL_CO_CHECK(with_credentials());
    if (environment_.static_files->bucket.empty()) co_return named_by_terraform();
    PAWL_CO_CHECK(
        co_await session_.ports().objects->check_bucket(environment_.static_files->bucket));
    co_return environment_.static_files->bucket;
  }

  Check url() {
    if (!environment_.url.fixed.empty()) co_return environment_.url.fixed;
    if (is_url_named_by_terraform_) co_return named_by_terraform();
    PAWL_CO_CHECK(with_credentials());
    co_return co_await session_.ports().endpoints->find_url(environment_.url.api);
  }

  Check terraform() {
    if (!environment_.terraform) co_return std::string();
    co_return co_await session_.ports().infrastructure->available(*environment_.terraform);
  }

  Check forge() {
    if (config_.config.repository.empty())
      co_return std::string("pawl.yaml names no repository: nobody will be told");
    if (session_.forge() == nullptr)
      co_return Error(ErrorKind::denied, "there is no token: nobody will be told")
          .with_hint(
              "set GITHUB_TOKEN (in GitHub Actions: env: {GITHUB_TOKEN: ${{ github.token }}}), or "
              "PAWL_GITHUB_APP_ID and PAWL_GITHUB_APP_KEY_FILE");
    co_return co_await session_.forge()->check_access(config_.config.repository);
  }

  Check journal() {
    PAWL_CO_CHECK(co_await session_.store().unfinished(config_.config.app, environment_.name));
    PAWL_CO_TRY(auto choice, choose_store(globals_, config_));
    co_return co_await check_store(session_.loop(), std::move(choice));
  }

  Session& session_;
  const Globals& globals_;
  const LoadedConfig& config_;
  EnvironmentConfig environment_;
  bool has_credentials_ = false;
  bool is_identified_ = false;
  bool are_outputs_read_ = false;
  bool is_url_named_by_terraform_ = false;
  std::vector<Finding> findings_;
};

int print_findings(const std::vector<Finding>& findings, const Globals& globals) {
  bool all_good = true;
  json::array list;
  const Terminal terminal = Terminal::of_stdout(globals.environment);
  for (const auto& finding : findings) {
    all_good = all_good && finding.good;
    const std::string words = printable(redact(finding.words));
    if (globals.json) {
      list.push_back(json::object{{"check", finding.name},
                                  {"ok", finding.good},
                                  {"tried", finding.tried},
                                  {"found", words},
                                  {"hint", redact(finding.hint)}});
      continue;
    }
    const std::string mark = finding.good    ? terminal.green("✓")
                             : finding.tried ? terminal.red("✗")
                                             : terminal.dim("-");
    fmt::print("{} {:<16} {}\n", mark, finding.name, words);
    if (!finding.hint.empty()) fmt::print("  {:<16} {}\n", "", redact(finding.hint));
  }
  if (globals.json)
    fmt::print("{}", pretty(json::object{{"ok", all_good}, {"checks", std::move(list)}}));
  return all_good ? kDone : kFailed;
}

Task<Result<int>> examine(Session& session, const LoadedConfig& config,
                          const EnvironmentConfig& environment, const Globals& globals) {
  Doctor doctor(session, globals, config, environment);
  const std::vector<Finding> findings = co_await doctor.examine();
  co_return print_findings(findings, globals);
}

}  // namespace

void add_doctor(CliCommand root, Globals& globals) {
  auto name = std::make_shared<std::string>();
  CliCommand command = root.sub(
      "doctor",
      "Whether what a deployment needs can be reached and read, and as whom; changes nothing");
  command.positional("environment", *name, "Which one")
      .examples("  pawl doctor dev\n  pawl doctor prod --json")
      .run([name, &globals] {
        auto config = load_config(globals);
        if (!config.ok()) return report(config.error(), globals);
        auto environment = config->config.environment(*name);
        if (!environment.ok()) return report(environment.error(), globals);
        return run_in_session(globals, *config, **environment, [&](Session& session) {
          return examine(session, *config, **environment, globals);
        });
      });
}

}  // namespace pawl
