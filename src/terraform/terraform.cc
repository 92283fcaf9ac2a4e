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
#include "terraform/output.h"
#include "terraform/plan_review.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kInitLimit{10};
constexpr std::chrono::minutes kReadLimit{5};
constexpr std::chrono::minutes kPlanLimit{30};
constexpr std::chrono::minutes kApplyLimit{60};
// After SIGINT Terraform ends what it has begun, writes the state and gives its lock back; killed
// sooner, the lock stays and what was made is not in the state.
constexpr std::chrono::minutes kGrace{5};
constexpr size_t kMaxPlanJson = 64u << 20;
constexpr size_t kMaxErrors = 3;  // of a run, told in its error; all are in the log

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

class Terraform : public Infrastructure {
 public:
  Terraform(Processes& processes, TerraformOptions options)
      : processes_(processes), options_(std::move(options)) {}

  Task<Result<std::string>> available() override {
    if (!find_program(options_.program))
      co_return Error(ErrorKind::not_found,
                      "pawl.yaml names infrastructure.terraform, and there is no terraform here")
          .with_hint(
              "install it (https://developer.hashicorp.com/terraform/install), or leave "
              "`infrastructure` out of pawl.yaml");
    const std::vector<std::string> arguments = {"version"};
    Command command = command_of(arguments, kReadLimit);
    PAWL_CO_TRY(auto exited, co_await processes_.run(std::move(command), {}));
    if (exited.code != 0) co_return terraform_error("`terraform version`", exited.errors);
    co_return exited.output.substr(0, exited.output.find('\n'));
  }

  Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine log) override {
    const Place place = place_of(request);
    PAWL_CO_CHECK(co_await initialise(place, request, log, Init::when_changed));
    auto planned = co_await make_plan(place, request, log);
    if (!planned.ok() && needs_init(planned.error().what())) {
      if (log) log("Terraform asks for another init");
      PAWL_CO_CHECK(co_await initialise(place, request, log, Init::always));
      planned = co_await make_plan(place, request, log);
    }
    if (!planned.ok()) {
      forget(place.plan_file);
      co_return planned;
    }
    PAWL_CO_TRY(auto saved, read_text(place.plan_file));
    planned->plan_sha256 = sha256_hex(saved);
    if (!planned->has_changes) {
      forget(place.plan_file);  // nobody will apply it, and it holds secrets in clear
      co_return planned;
    }
    auto reviewed = co_await review(place, request);
    if (!reviewed.ok()) {
      forget(place.plan_file);
      co_return std::move(reviewed).error();
    }
    co_return planned;
  }

  Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                           LogLine log) override {
    const Place place = place_of(request);
    auto saved = read_text(place.plan_file);
    if (!saved.ok() || sha256_hex(*saved) != plan_sha256)
      co_return Error(ErrorKind::conflict,
                      saved.ok() ? "the saved Terraform plan is not the one that was made"
                                 : "the saved Terraform plan is gone: " + saved.error().what())
          .with_hint("deploy again: a new plan is made");
    const std::vector<std::string> arguments = {"apply", "-input=false", "-json", lock_timeout(),
                                                place.plan_file};
    auto applied = co_await run_json(place, arguments, kApplyLimit, log, nullptr);
    // Used once, whatever came of it; but a run that could not get the lock did not use it.
    if (applied.ok() || applied.error().kind() != ErrorKind::conflict) forget(place.plan_file);
    if (!applied.ok()) co_return std::move(applied).error();
    co_return ok();
  }

  Task<Result<json::object>> outputs(InfrastructureRequest request) override {
    const Place place = place_of(request);
    const std::vector<std::string> arguments = {"output", "-json", "-no-color"};
    PAWL_CO_TRY(auto exited, co_await read(place, arguments));
    if (exited.code != 0 && needs_init(exited.errors)) {
      // Resumed on another machine, or the data folder was cleared.
      PAWL_CO_CHECK(co_await initialise(place, request, {}, Init::always));
      PAWL_CO_TRY(exited, co_await read(place, arguments));
    }
    if (exited.code != 0) co_return terraform_error("`terraform output`", exited.errors);
    PAWL_CO_TRY(auto all, parse_json_object(exited.output, "terraform's outputs"));
    json::object plain;
    for (const auto& [name, output] : all)
      if (output.is_object() && !bool_or(output.get_object(), "sensitive"))
        if (const auto* value = output.get_object().if_contains("value")) plain[name] = *value;
    co_return plain;
  }

 private:
  enum class Init { when_changed, always };

  // The absolute paths of one request: Terraform runs in its tree, not where we do.
  struct Place {
    std::string tree;
    std::string data;  // TF_DATA_DIR
    std::string backend_file;
    std::string init_mark;
    std::string plan_file;
  };

  Place place_of(const InfrastructureRequest& request) const {
    const fs::path project = fs::absolute(options_.directory.empty() ? "." : options_.directory);
    const fs::path own =
        fs::absolute(options_.scratch_dir) / (request.environment + "-" + request.region);
    return {(project / request.settings.dir).lexically_normal().string(), (own / "data").string(),
            (own / "backend.hcl").string(), (own / "initialised").string(),
            (project / request.plan_file).string()};
  }

  static void forget(const std::string& path) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }

  std::string lock_timeout() const {
    return fmt::format("-lock-timeout={}s", options_.lock_timeout.count());
  }

  Task<Result<InfrastructurePlan>> make_plan(Place place, InfrastructureRequest request,
                                             LogLine log) {
    PAWL_CO_CHECK(make_folder(fs::path(place.plan_file).parent_path()));
    // Terraform writes into the file that is there, and so leaves it private.
    PAWL_CO_CHECK(write_private_file(place.plan_file, ""));
    std::vector<std::string> arguments = {"plan",
                                          "-input=false",
                                          "-json",
                                          request.is_rehearsal ? "-lock=false" : lock_timeout(),
                                          "-detailed-exitcode",
                                          "-out=" + place.plan_file};
    for (const auto& file : request.settings.var_files) arguments.push_back("-var-file=" + file);
    InfrastructurePlan result;
    PAWL_CO_TRY(auto code, co_await run_json(place, arguments, kPlanLimit, log, &result));
    result.has_changes = code == 2;
    co_return result;
  }

  Task<Result<void>> review(Place place, InfrastructureRequest request) {
    const std::vector<std::string> arguments = {"show", "-json", "-no-color", place.plan_file};
    PAWL_CO_TRY(auto shown, co_await read(place, arguments));
    if (shown.code != 0) co_return terraform_error("`terraform show`", shown.errors);
    PAWL_CO_TRY(auto plan, parse_json_object(shown.output, "the Terraform plan"));
    co_return review_plan(plan, request.function, request.alias);
  }

  // Everything that an earlier init depended on: when nothing of it changed, init has nothing to
  // do.
  static Result<std::string> init_fingerprint(const std::string& tree, const std::string& backend) {
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
    hash.update(tree + "\n" + backend);
    for (const auto& file : files) {
      PAWL_TRY(auto text, read_text(file));
      hash.update("\n" + file.filename().string() + "\n" + text);
    }
    const auto digest = hash.finish();
    return sha256_hex(std::string(digest.begin(), digest.end()));
  }

  static Result<std::string> backend_of(const Place& place, const InfrastructureRequest& request) {
    if (request.settings.backend.empty()) return std::string();
    const fs::path file = fs::path(place.tree) / request.settings.backend;
    auto text = read_text(file);
    if (!text.ok())
      return std::move(text).error().with_hint(
          "infrastructure.terraform.backend in pawl.yaml names a file relative to `dir`");
    return fill_backend_template(*text, request.account_id, request.region)
        .while_doing("filling in " + file.string());
  }

  Task<Result<void>> initialise(Place place, InfrastructureRequest request, LogLine log,
                                Init when) {
    PAWL_CO_TRY(const auto backend, backend_of(place, request));
    PAWL_CO_TRY(const auto wanted, init_fingerprint(place.tree, backend));
    const auto before = read_text(place.init_mark);
    std::error_code ignored;
    if (when == Init::when_changed && before.ok() && *before == wanted &&
        fs::exists(place.data, ignored)) {
      if (log) log("already initialised for this backend");
      co_return ok();
    }
    forget(place.init_mark);
    PAWL_CO_CHECK(make_folder(place.data));
    std::vector<std::string> arguments = {"init", "-input=false", "-no-color", "-reconfigure"};
    if (!backend.empty()) {
      PAWL_CO_CHECK(write_private_file(place.backend_file, backend));
      arguments.push_back("-backend-config=" + place.backend_file);
    }
    LineHandler lines = [log](Stream, std::string_view line) {
      if (log && !line.empty()) log(line);
    };
    Command command = command_of(std::move(arguments), kInitLimit, &place);
    PAWL_CO_TRY(auto exited, co_await processes_.run(std::move(command), std::move(lines)));
    if (exited.code != 0) co_return terraform_error("`terraform init`", exited.errors);
    // The lock file may be new: the mark is of what init left.
    PAWL_CO_TRY(auto after, init_fingerprint(place.tree, backend));
    co_return write_private_file(place.init_mark, after);
  }

  Task<Result<int>> run_json(Place place, std::vector<std::string> arguments,
                             std::chrono::milliseconds limit, LogLine log,
                             InfrastructurePlan* plan) {
    std::vector<std::string> errors;
    LineHandler lines = [&errors, log, plan](Stream, std::string_view line) {
      const TerraformLine read = read_terraform_line(line);
      if (log) log(read.message.empty() ? line : std::string_view(read.message));
      if (read.is_error && errors.size() < kMaxErrors) errors.push_back(read.error_detail);
      if (read.is_summary && plan != nullptr) {
        plan->to_add = read.to_add;
        plan->to_change = read.to_change;
        plan->to_destroy = read.to_destroy;
      }
    };
    const std::string what = "`terraform " + arguments.front() + "`";
    Command command = command_of(std::move(arguments), limit, &place);
    PAWL_CO_TRY(auto exited, co_await processes_.run(std::move(command), std::move(lines)));
    const bool good = exited.code == 0 || (plan != nullptr && exited.code == 2);
    if (good) co_return exited.code;
    std::string error;
    for (const auto& each : errors) error += (error.empty() ? "" : "; ") + each;
    co_return terraform_error(what, error.empty() ? exited.errors : error);
  }

  Task<Result<Exited>> read(Place place, std::vector<std::string> arguments) {
    Command command = command_of(std::move(arguments), kReadLimit, &place);
    command.max_output_bytes = kMaxPlanJson;
    co_return co_await processes_.run(std::move(command), {});
  }

  Command command_of(std::vector<std::string> arguments, std::chrono::milliseconds limit,
                     const Place* place = nullptr) const {
    Command command;
    command.argv = {options_.program};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.environment = options_.environment;
    command.environment["TF_IN_AUTOMATION"] = "1";
    command.environment["CHECKPOINT_DISABLE"] = "1";
    if (place != nullptr) {
      command.directory = place->tree;
      command.environment["TF_DATA_DIR"] = place->data;
    }
    command.timeout = limit;
    command.grace = kGrace;
    return command;
  }

  Processes& processes_;
  TerraformOptions options_;
};

}  // namespace

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options) {
  return std::make_unique<Terraform>(processes, std::move(options));
}

}  // namespace pawl
