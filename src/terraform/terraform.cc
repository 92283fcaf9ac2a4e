#include "terraform/terraform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hash.h"
#include "process/private_file.h"
#include "terraform/plan_review.h"
#include "terraform/plan_summary.h"
#include "terraform/plugin_cache.h"
#include "terraform/program.h"
#include "terraform/protection.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kInitLimit{10};
constexpr std::chrono::minutes kPlanLimit{30};
constexpr std::chrono::minutes kApplyLimit{60};
constexpr size_t kMaxChangesKept = 200;  // in the journal; all are in the log

Result<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error(ErrorKind::config,
                 fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<void> make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure)
    return Error(ErrorKind::storage,
                 fmt::format("cannot make the folder {}: {}", path.string(), failure.message()));
  return ok();
}

void forget(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// Of an environment that is ours alone no other plan is wanted any more: what is there was left by
// a process that died.
void forget_other_plans(const fs::path& plan_file) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(plan_file.parent_path(), ignored))
    if (entry.path().extension() == ".tfplan") forget(entry.path());
}

// Everything that an earlier init depended on: when nothing of it changed, init has nothing to do.
Result<std::string> init_fingerprint(const std::string& tree, const std::string& settings) {
  std::vector<fs::path> files;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(tree, failure)) {
    const auto name = entry.path().filename().string();
    if (name.find(".tf") != std::string::npos || name == ".terraform.lock.hcl")
      if (entry.path().extension() != ".tfvars") files.push_back(entry.path());
  }
  if (failure)
    return Error(ErrorKind::config,
                 fmt::format("cannot read the folder {}: {}", tree, failure.message()))
        .with_hint("correct infrastructure.terraform.dir in pawl.yaml");
  std::sort(files.begin(), files.end());
  Sha256Stream hash;
  hash.update(tree + "\n" + settings);
  for (const auto& file : files) {
    PAWL_TRY(auto text, read_text(file));
    hash.update("\n" + file.filename().string() + "\n" + text);
  }
  const auto digest = hash.finish();
  return sha256_hex(std::string(digest.begin(), digest.end()));
}

Result<std::string> backend_of(const TerraformPlace& place, const InfrastructureRequest& request) {
  if (request.settings.backend.empty()) return std::string();
  const fs::path file = fs::path(place.tree) / request.settings.backend;
  auto text = read_text(file);
  if (!text.ok())
    return std::move(text).error().with_hint(
        "infrastructure.terraform.backend in pawl.yaml names a file relative to `dir`");
  return fill_backend_template(*text, request.account_id, request.region)
      .while_doing("filling in " + file.string());
}

class Terraform : public Infrastructure {
 public:
  Terraform(Processes& processes, TerraformOptions options)
      : processes_(processes), options_(std::move(options)) {
    // Terraform runs in its tree.
    if (!options_.plugin_cache.empty())
      options_.plugin_cache = fs::absolute(options_.plugin_cache).string();
  }

  Task<Result<std::string>> available(TerraformSettings settings) override {
    TerraformProgram program(processes_, options_, settings, {});
    if (!find_program(program.binary()))
      co_return Error(ErrorKind::not_found,
                      fmt::format("pawl.yaml names infrastructure.terraform, and there is no {} "
                                  "here",
                                  program.binary()))
          .with_hint(
              "install it (https://developer.hashicorp.com/terraform/install, "
              "https://opentofu.org/docs/intro/install), correct infrastructure.terraform.binary, "
              "or leave `infrastructure` out of pawl.yaml");
    const std::vector<std::string> arguments = {"version"};
    PAWL_CO_TRY(auto exited, co_await program.read(arguments));
    if (exited.code != 0) co_return terraform_error(program.name(), "version", exited.errors);
    co_return exited.output.substr(0, exited.output.find('\n'));
  }

  Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine log) override {
    TerraformProgram program = program_for(request);
    const std::string plan_file = program.place().plan_file;
    PAWL_CO_CHECK(co_await initialise(program, request, log, Init::when_changed));
    forget_other_plans(plan_file);
    auto planned = co_await make_plan(program, request, log);
    if (!planned.ok() && needs_init(planned.error().what())) {
      if (log) log(program.name() + " asks for another init");
      PAWL_CO_CHECK(co_await initialise(program, request, log, Init::always));
      planned = co_await make_plan(program, request, log);
    }
    if (planned.ok()) planned = co_await judge(program, request, *planned, log);
    // One that nobody will apply: it holds secrets in clear.
    if (!planned.ok() || !planned->has_changes) forget(plan_file);
    co_return planned;
  }

  Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                           LogLine log) override {
    TerraformProgram program = program_for(request);
    const std::string plan_file = program.place().plan_file;
    auto saved = read_text(plan_file);
    if (!saved.ok() || sha256_hex(*saved) != plan_sha256)
      co_return Error(ErrorKind::conflict,
                      saved.ok() ? "the saved Terraform plan is not the one that was made"
                                 : "the saved Terraform plan is gone: " + saved.error().what())
          .with_hint("deploy again: a new plan is made");
    auto applied = co_await apply_saved(program, request, log);
    if (!applied.ok() && needs_init(applied.error().what())) {
      if (log) log(program.name() + " asks for another init");
      PAWL_CO_CHECK(co_await initialise(program, request, log, Init::always));
      applied = co_await apply_saved(program, request, log);
    }
    // Used once, whatever came of it; but a run that could not get the lock did not use it.
    if (applied.ok() || applied.error().kind() != ErrorKind::conflict) forget(plan_file);
    co_return applied;
  }

  Task<Result<json::object>> outputs(InfrastructureRequest request) override {
    TerraformProgram program = program_for(request);
    PAWL_CO_CHECK(co_await initialise(program, request, {}, Init::when_changed));
    const std::vector<std::string> arguments = {"output", "-json", "-no-color"};
    PAWL_CO_TRY(auto exited, co_await program.read(arguments));
    if (exited.code != 0 && needs_init(exited.errors)) {
      PAWL_CO_CHECK(co_await initialise(program, request, {}, Init::always));
      PAWL_CO_TRY(exited, co_await program.read(arguments));
    }
    if (exited.code != 0) co_return terraform_error(program.name(), "output", exited.errors);
    PAWL_CO_TRY(auto all, parse_json_object(exited.output, "terraform's outputs"));
    json::object plain;
    for (const auto& [name, output] : all)
      if (output.is_object() && !bool_or(output.get_object(), "sensitive"))
        if (const auto* value = output.get_object().if_contains("value")) plain[name] = *value;
    co_return plain;
  }

  void discard(const std::string& plan_file) override { forget(project() / plan_file); }

 private:
  enum class Init { when_changed, always };

  fs::path project() const {
    return fs::absolute(options_.directory.empty() ? "." : options_.directory);
  }

  TerraformProgram program_for(const InfrastructureRequest& request) const {
    const fs::path own =
        fs::absolute(options_.scratch_dir) / (request.environment + "-" + request.region);
    TerraformPlace place{(project() / request.settings.dir).lexically_normal().string(),
                         (own / "data").string(), (own / "backend.hcl").string(),
                         (own / "initialised").string(), (project() / request.plan_file).string()};
    return TerraformProgram(processes_, options_, request.settings, std::move(place));
  }

  static Task<Result<InfrastructurePlan>> make_plan(TerraformProgram& program,
                                                    const InfrastructureRequest& request,
                                                    LogLine log) {
    const std::string& plan_file = program.place().plan_file;
    PAWL_CO_CHECK(make_folder(fs::path(plan_file).parent_path()));
    // Terraform writes into the file that is there, and so leaves it private.
    PAWL_CO_CHECK(write_private_file(plan_file, ""));
    JsonRun run;
    run.arguments = {"plan", "-input=false", "-detailed-exitcode", "-out=" + plan_file};
    for (const auto& file : request.settings.var_files)
      run.arguments.push_back("-var-file=" + file);
    run.limit = kPlanLimit;
    run.lock_wait = request.lock_wait;
    run.takes_lock = !request.is_rehearsal;
    run.log = std::move(log);
    run.changes_are_two = true;
    InfrastructurePlan result;
    run.on_line = [&result](const TerraformLine& line) {
      if (!line.is_summary) return;
      result.to_add = line.to_add;
      result.to_change = line.to_change;
      result.to_destroy = line.to_destroy;
    };
    PAWL_CO_TRY(const auto code, co_await program.run_json(run));
    result.has_changes = code == 2;
    co_return result;
  }

  // Reads what was saved, tells it, and refuses what Pawl must not let through.
  static Task<Result<InfrastructurePlan>> judge(TerraformProgram& program,
                                                const InfrastructureRequest& request,
                                                InfrastructurePlan plan, LogLine log) {
    PAWL_CO_TRY(const auto saved, read_text(program.place().plan_file));
    plan.plan_sha256 = sha256_hex(saved);
    if (!plan.has_changes) co_return plan;
    PAWL_CO_TRY(const auto shown, co_await show(program));
    const PlanSummary summary = summarise_plan(shown);
    if (log)
      for (const auto& line : summary_lines(summary)) log(line);
    plan.changes = to_json(summary.changes, kMaxChangesKept);
    PAWL_CO_CHECK(review_plan(shown, request.function, request.alias));
    const Protection protection{request.settings.protect, request.allow_destroy,
                                request.environment};
    PAWL_CO_TRY(plan.allowed, check_protection(summary, protection));
    if (log)
      for (const auto& address : plan.allowed)
        log(fmt::format("{} is protected, and goes: it was allowed", address));
    co_return plan;
  }

  static Task<Result<json::object>> show(TerraformProgram& program) {
    const std::vector<std::string> arguments = {"show", "-json", "-no-color",
                                                program.place().plan_file};
    PAWL_CO_TRY(const auto shown, co_await program.read(arguments));
    if (shown.code != 0) co_return terraform_error(program.name(), "show", shown.errors);
    co_return parse_json_object(shown.output, "the Terraform plan");
  }

  static Task<Result<void>> apply_saved(TerraformProgram& program,
                                        const InfrastructureRequest& request, LogLine log) {
    // What is secret is known from the plan alone: it is read once more, also by a process that
    // took the deployment over.
    PAWL_CO_TRY(const auto shown, co_await show(program));
    program.hide(SensitiveValues(shown));
    JsonRun run;
    run.arguments = {"apply", "-input=false", program.place().plan_file};
    run.limit = kApplyLimit;
    run.lock_wait = request.lock_wait;
    run.log = std::move(log);
    uint64_t done = 0;
    run.on_line = [&done, &request](const TerraformLine& line) {
      if (!line.is_resource_done) return;
      ++done;
      const auto total = std::max(done, static_cast<uint64_t>(std::max(request.changes, 0)));
      if (request.progress) request.progress(done, total);
    };
    PAWL_CO_TRY(const auto code, co_await program.run_json(run));
    (void)code;
    co_return ok();
  }

  Task<Result<void>> initialise(TerraformProgram& program, const InfrastructureRequest& request,
                                LogLine log, Init when) {
    const TerraformPlace& place = program.place();
    PAWL_CO_TRY(const auto backend, backend_of(place, request));
    const std::string settings =
        fmt::format("{}\n{}\n{}", program.binary(), request.settings.workspace, backend);
    PAWL_CO_TRY(const auto wanted, init_fingerprint(place.tree, settings));
    const auto before = read_text(place.init_mark);
    std::error_code ignored;
    if (when == Init::when_changed && before.ok() && *before == wanted &&
        fs::exists(place.data, ignored)) {
      if (log) log("already initialised for this backend");
      co_return ok();
    }
    forget(place.init_mark);
    PAWL_CO_CHECK(make_folder(place.data));
    if (!backend.empty()) PAWL_CO_CHECK(write_private_file(place.backend_file, backend));
    PAWL_CO_CHECK(co_await run_init(program, !backend.empty(), log));
    if (!request.settings.workspace.empty())
      PAWL_CO_CHECK(co_await choose_workspace(program, request.settings.workspace, log));
    // The lock file may be new: the mark is of what init left.
    PAWL_CO_TRY(auto after, init_fingerprint(place.tree, settings));
    co_return write_private_file(place.init_mark, after);
  }

  Task<Result<void>> run_init(TerraformProgram& program, bool has_backend_file, LogLine log) {
    // In the default workspace, always: -reconfigure would ask about one that the new backend does
    // not have.
    forget(fs::path(program.place().data) / "environment");
    std::vector<std::string> arguments = {"init", "-input=false", "-no-color", "-reconfigure"};
    if (has_backend_file) arguments.push_back("-backend-config=" + program.place().backend_file);
    PAWL_CO_TRY(auto cache,
                co_await PluginCache::take(options_.plugin_cache, options_.owns_plugin_cache,
                                           options_.clock, kInitLimit, log));
    PAWL_CO_TRY(auto exited,
                co_await program.run(std::move(arguments), kInitLimit, cache.path(), log));
    // One that a signal ended may have been in the middle of a provider.
    if (exited.code < 128) cache.is_whole();
    if (exited.code != 0) co_return terraform_error(program.name(), "init", exited.errors);
    co_return ok();
  }

  static Task<Result<void>> choose_workspace(TerraformProgram& program, std::string workspace,
                                             LogLine log) {
    const std::vector<std::string> arguments = {"workspace", "select", "-no-color", "-or-create",
                                                workspace};
    PAWL_CO_TRY(auto exited, co_await program.read(arguments));
    if (exited.code != 0)
      co_return terraform_error(program.name(), "workspace select " + workspace, exited.errors);
    if (log) log("workspace " + workspace);
    co_return ok();
  }

  Processes& processes_;
  TerraformOptions options_;
};

}  // namespace

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options) {
  return std::make_unique<Terraform>(processes, std::move(options));
}

}  // namespace pawl
