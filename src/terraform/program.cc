#include "terraform/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kReadLimit{5};
// After SIGINT Terraform ends what it has begun, writes the state and gives its lock back; killed
// sooner, the lock stays and what was made is not in the state.
constexpr std::chrono::minutes kGrace{5};
constexpr size_t kMaxPlanJson = 64u << 20;
constexpr size_t kMaxErrors = 3;  // of a run, told in its error; all are in the log
// The holder is looked at anew so often: it may have changed.
constexpr std::chrono::seconds kLockSlice{60};

std::string binary_of(const TerraformOptions& options, const TerraformSettings& settings) {
  const std::string& binary = settings.binary;
  if (binary.find('/') == std::string::npos || binary.front() == '/') return binary;
  const fs::path project = options.directory.empty() ? "." : options.directory;
  return (fs::absolute(project) / binary).lexically_normal().string();
}

std::string plan_of_waiting(std::chrono::milliseconds wait) {
  return fmt::format("waiting for it, at most {}", format_duration(wait));
}

}  // namespace

TerraformProgram::TerraformProgram(Processes& processes, const TerraformOptions& options,
                                   const TerraformSettings& settings, TerraformPlace place)
    : processes_(processes),
      options_(options),
      place_(std::move(place)),
      binary_(binary_of(options, settings)) {
  name_ = fs::path(binary_).filename().string().rfind("tofu", 0) == 0 ? "tofu" : "terraform";
}

Task<Result<Command>> TerraformProgram::command_of(std::vector<std::string> arguments,
                                                   std::chrono::milliseconds limit) {
  Command command;
  command.argv = {binary_};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = options_.environment;
  if (options_.credentials) {
    PAWL_CO_TRY(const auto credentials, co_await options_.credentials());
    for (const auto& [name, value] : credentials) command.environment[name] = value;
  }
  command.environment["TF_IN_AUTOMATION"] = "1";
  command.environment["CHECKPOINT_DISABLE"] = "1";
  // Its own log has the secrets in it. The workspace is the configured one, whatever a person's
  // shell says.
  command.unset = {"TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER", "TF_WORKSPACE"};
  if (!place_.tree.empty()) {
    command.directory = place_.tree;
    command.environment["TF_DATA_DIR"] = place_.data;
  }
  command.timeout = limit;
  command.grace = kGrace;
  co_return command;
}

Task<Result<Exited>> TerraformProgram::read(std::vector<std::string> arguments) {
  PAWL_CO_TRY(auto command, co_await command_of(std::move(arguments), kReadLimit));
  command.max_output_bytes = kMaxPlanJson;
  co_return co_await processes_.run(std::move(command), {});
}

Task<Result<Exited>> TerraformProgram::run(std::vector<std::string> arguments,
                                           std::chrono::milliseconds limit,
                                           std::string plugin_cache, LogLine log) {
  PAWL_CO_TRY(auto command, co_await command_of(std::move(arguments), limit));
  if (!plugin_cache.empty()) command.environment["TF_PLUGIN_CACHE_DIR"] = plugin_cache;
  LineHandler lines = [log](Stream, std::string_view line) {
    if (log && !line.empty()) log(line);
  };
  co_return co_await processes_.run(std::move(command), std::move(lines));
}

Task<Result<int>> TerraformProgram::run_json(const JsonRun& run) {
  const auto wait = std::chrono::duration_cast<std::chrono::seconds>(run.lock_wait);
  std::chrono::seconds waited{0};
  std::chrono::seconds slice{0};  // the first look is one that names the holder at once
  std::string told;
  for (;;) {
    auto done = co_await run_once(run, slice);
    if (done.ok() || done.error().code() != kStateLocked) co_return done;
    waited += slice;
    if (waited >= wait) {
      if (waited.count() == 0) co_return done;
      Error error = std::move(done).error().while_doing(
          fmt::format("waiting {} for the state's lock", format_duration(waited)));
      co_return error;
    }
    // It names the holder: said once for each.
    const std::string holder = done.error().what();
    if (run.log && holder != told) run.log(holder + "; " + plan_of_waiting(wait - waited));
    told = holder;
    slice = std::min(kLockSlice, wait - waited);
  }
}

Task<Result<int>> TerraformProgram::run_once(const JsonRun& run,
                                             std::chrono::seconds lock_timeout) {
  std::vector<std::string> arguments = run.arguments;
  const std::string lock = run.takes_lock ? fmt::format("-lock-timeout={}s", lock_timeout.count())
                                          : std::string("-lock=false");
  const std::vector<std::string> more = {"-json", lock};
  arguments.insert(arguments.begin() + 1, more.begin(), more.end());
  std::vector<std::string> errors;
  LineHandler lines = [this, &errors, &run](Stream, std::string_view line) {
    const TerraformLine read = read_terraform_line(line);
    if (read.is_error && errors.size() < kMaxErrors) errors.push_back(clean(read.error_detail));
    if (run.on_line) run.on_line(read);
    // Who holds the lock is told in words of ours.
    if (!run.log || (read.is_error && is_state_locked(read.error_detail))) return;
    run.log(clean(read.message.empty() ? line : std::string_view(read.message)));
  };
  PAWL_CO_TRY(auto command, co_await command_of(std::move(arguments), run.limit));
  PAWL_CO_TRY(auto exited, co_await processes_.run(std::move(command), std::move(lines)));
  if (exited.code == 0 || (run.changes_are_two && exited.code == 2)) co_return exited.code;
  std::string error;
  for (const auto& each : errors) error += (error.empty() ? "" : "; ") + each;
  co_return terraform_error(name_, run.arguments.front(),
                            error.empty() ? clean(exited.errors) : error);
}

}  // namespace pawl
