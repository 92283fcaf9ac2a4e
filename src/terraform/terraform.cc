#include "terraform/terraform.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/hash.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kInitLimit{10};
constexpr std::chrono::minutes kPlanLimit{30};
constexpr std::chrono::minutes kApplyLimit{60};
// How long Terraform itself waits for another run to give the state lock back.
constexpr const char* kLockTimeout = "-lock-timeout=300s";
// Terraform writes the state and gives its lock back after SIGINT; killed sooner, the lock stays.
constexpr std::chrono::seconds kGrace{60};

Result<std::string> read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error(ErrorKind::config,
                 fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<void> write_private(const fs::path& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (!written)
    return Error(ErrorKind::storage,
                 fmt::format("cannot write {}: {}", path.string(), std::strerror(failure)));
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
          .with_hint("install it (https://developer.hashicorp.com/terraform/install), or leave "
                     "`infrastructure` out of pawl.yaml");
    std::vector<std::string> arguments = {"version"};
    PAWL_CO_TRY(auto exited, co_await terraform("", arguments, kInitLimit, {}));
    co_return exited.output.substr(0, exited.output.find('\n'));
  }

  Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine log) override {
    PAWL_CO_CHECK(co_await initialise(request, log));
    std::vector<std::string> arguments = {"plan", "-input=false",      "-json", kLockTimeout,
                                          "-detailed-exitcode", "-out=" + request.plan_file};
    for (const auto& file : request.settings.var_files) arguments.push_back("-var-file=" + file);
    InfrastructurePlan result;
    PAWL_CO_TRY(auto code, co_await run_json(tree(request), arguments, kPlanLimit, log, &result));
    result.has_changes = code == 2;
    PAWL_CO_TRY(auto saved, read_text(request.plan_file));
    result.plan_sha256 = sha256_hex(saved);
    std::error_code ignored;
    fs::permissions(request.plan_file, fs::perms::owner_read | fs::perms::owner_write, ignored);
    co_return result;
  }

  Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                           LogLine log) override {
    PAWL_CO_TRY(auto saved, read_text(request.plan_file));
    if (sha256_hex(saved) != plan_sha256)
      co_return Error(ErrorKind::conflict, "the saved Terraform plan is not the one that was made")
          .with_hint("deploy again: a new plan is made");
    std::vector<std::string> arguments = {"apply", "-input=false", "-json", kLockTimeout,
                                          request.plan_file};
    PAWL_CO_CHECK(co_await run_json(tree(request), arguments, kApplyLimit, log, nullptr));
    // A plan holds secrets in clear; it is used once.
    std::error_code ignored;
    fs::remove(request.plan_file, ignored);
    co_return ok();
  }

  Task<Result<json::object>> outputs(InfrastructureRequest request) override {
    std::vector<std::string> arguments = {"output", "-json"};
    PAWL_CO_TRY(auto exited, co_await terraform(tree(request), arguments, kInitLimit, {}));
    if (exited.code != 0)
      co_return Error(ErrorKind::failed, "`terraform output` failed: " + exited.errors);
    PAWL_CO_TRY(auto all, parse_json_object(exited.output, "terraform's outputs"));
    json::object plain;
    for (const auto& [name, output] : all)
      if (output.is_object() && !bool_or(output.get_object(), "sensitive"))
        if (const auto* value = output.get_object().if_contains("value")) plain[name] = *value;
    co_return plain;
  }

 private:
  std::string tree(const InfrastructureRequest& request) const {
    const fs::path dir(request.settings.dir);
    return (dir.is_absolute() ? dir : fs::path(options_.directory) / dir).string();
  }

  // Everything that an earlier init depended on: when nothing of it changed, init has nothing to do.
  Result<std::string> init_fingerprint(const std::string& directory,
                                       const std::string& backend) const {
    std::vector<fs::path> files;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(directory, failure)) {
      const auto name = entry.path().filename().string();
      if (entry.path().extension() == ".tf" || name == ".terraform.lock.hcl")
        files.push_back(entry.path());
    }
    if (failure)
      return Error(ErrorKind::config,
                   fmt::format("cannot read the folder {}: {}", directory, failure.message()))
          .with_hint("correct infrastructure.terraform.dir in pawl.yaml");
    std::sort(files.begin(), files.end());
    Sha256Stream hash;
    hash.update(directory + "\n" + backend);
    for (const auto& file : files) {
      PAWL_TRY(auto text, read_text(file));
      hash.update("\n" + file.filename().string() + "\n" + text);
    }
    const auto digest = hash.finish();
    return sha256_hex(std::string(digest.begin(), digest.end()));
  }

  Task<Result<void>> initialise(InfrastructureRequest request, LogLine log) {
    const std::string directory = tree(request);
    std::error_code failure;
    fs::create_directories(options_.scratch_dir, failure);
    std::string backend;
    if (!request.settings.backend.empty()) {
      PAWL_CO_TRY(auto text, read_text(fs::path(directory) / request.settings.backend));
      PAWL_CO_TRY(backend, fill_backend_template(text, request.account_id, request.region)
                               .while_doing("filling in " + request.settings.backend));
    }
    PAWL_CO_TRY(auto fingerprint, init_fingerprint(directory, backend));
    const fs::path mark = fs::path(options_.scratch_dir) / "initialised";
    auto before = read_text(mark);
    if (before.ok() && *before == fingerprint && fs::exists(directory + "/.terraform", failure)) {
      if (log) log("already initialised for this backend");
      co_return ok();
    }
    std::vector<std::string> arguments = {"init", "-input=false", "-no-color", "-reconfigure"};
    if (!backend.empty()) {
      const fs::path file = fs::path(options_.scratch_dir) / "backend.hcl";
      PAWL_CO_CHECK(write_private(file, backend));
      arguments.push_back("-backend-config=" + fs::absolute(file).string());
    }
    LineHandler lines = [log](Stream, std::string_view line) {
      if (log) log(line);
    };
    PAWL_CO_TRY(auto exited, co_await terraform(directory, arguments, kInitLimit, lines));
    if (exited.code != 0)
      co_return Error(ErrorKind::failed, "`terraform init` failed: " + exited.errors)
          .with_hint("the whole output: pawl logs --step plan_infrastructure");
    // The lock file may be new: the mark is of what init left.
    PAWL_CO_TRY(auto after, init_fingerprint(directory, backend));
    co_return write_private(mark, after);
  }

  Task<Result<int>> run_json(std::string directory, std::vector<std::string> arguments,
                             std::chrono::milliseconds limit, LogLine log,
                             InfrastructurePlan* plan) {
    std::string error;
    LineHandler lines = [&error, log, plan](Stream, std::string_view line) {
      const TerraformLine read = read_terraform_line(line);
      if (log) log(read.message.empty() ? line : std::string_view(read.message));
      if (read.is_error && error.empty()) error = read.error_detail;
      if (read.is_summary && plan != nullptr) {
        plan->to_add = read.to_add;
        plan->to_change = read.to_change;
        plan->to_destroy = read.to_destroy;
      }
    };
    const std::string what = "`terraform " + arguments.front() + "`";
    PAWL_CO_TRY(auto exited, co_await terraform(directory, std::move(arguments), limit, lines));
    const bool good = exited.code == 0 || (plan != nullptr && exited.code == 2);
    if (!good) {
      if (error.empty()) error = exited.errors;
      // The lock's holder is in the error's detail: who, since when, doing what.
      const bool locked = error.find("acquiring the state lock") != std::string::npos;
      co_return Error(locked ? ErrorKind::conflict : ErrorKind::failed,
                      fmt::format("{} failed: {}", what, error))
          .with_hint(locked ? "wait for the run that holds the lock, or see `terraform "
                              "force-unlock` when it is gone"
                            : "the whole output: pawl logs");
    }
    co_return exited.code;
  }

  Task<Result<Exited>> terraform(std::string directory, std::vector<std::string> arguments,
                                 std::chrono::milliseconds limit, LineHandler lines) {
    Command command;
    command.argv = {options_.program};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = std::move(directory);
    command.environment = options_.environment;
    command.environment["TF_IN_AUTOMATION"] = "1";
    command.environment["CHECKPOINT_DISABLE"] = "1";
    command.timeout = limit;
    command.grace = kGrace;
    co_return co_await processes_.run(std::move(command), std::move(lines));
  }

  Processes& processes_;
  TerraformOptions options_;
};

}  // namespace

std::unique_ptr<Infrastructure> make_terraform(Processes& processes, TerraformOptions options) {
  return std::make_unique<Terraform>(processes, std::move(options));
}

}  // namespace pawl
