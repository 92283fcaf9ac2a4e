#include "builder/builder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kBuildLimit{60};
constexpr std::chrono::minutes kPushLimit{30};

enum class Tool { buildah, docker };

Result<void> write_private_file(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (!written)
    return Error(ErrorKind::storage, fmt::format("cannot write {}: {}", path, std::strerror(failure)));
  return ok();
}

class CommandLineBuilder : public ImageBuilder {
 public:
  CommandLineBuilder(Processes& processes, BuilderOptions options)
      : processes_(processes), options_(std::move(options)) {}

  Task<Result<std::string>> available(BuildSettings settings) override {
    PAWL_CO_TRY(auto tool, co_await choose(settings));
    Command command;
    command.argv = {tool == Tool::buildah ? "buildah" : "docker", "--version"};
    command.timeout = std::chrono::seconds(20);
    PAWL_CO_TRY(auto exited, co_await run(std::move(command), {}));
    co_return exited.output.substr(0, exited.output.find('\n'));
  }

  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    PAWL_CO_TRY(auto tool, co_await choose(request.settings));
    PAWL_CO_CHECK(prepare_scratch());
    const std::string local_name =
        fmt::format("localhost/pawl-build:{}", request.revision.substr(0, 12));
    const BuildCommands commands =
        tool == Tool::buildah
            ? buildah_commands(request, options_, local_name, !can_use_overlay())
            : docker_commands(request, options_, local_name);
    PAWL_CO_TRY(auto built, co_await run_logged(commands.build, kBuildLimit, log));
    if (built.code != 0) {
      co_return Error(ErrorKind::failed,
                      fmt::format("`{} build` ended with {}: {}", commands.build.front(), built.code,
                                  last_line(built)))
          .with_hint("the whole output: pawl logs --step build_image");
    }
    auto digest = co_await push(tool, commands, log);
    forget_credentials();
    co_return digest;
  }

 private:
  /// The configured tool, else the first that works: buildah needs no daemon.
  Task<Result<Tool>> choose(BuildSettings settings) {
    const std::string& wanted = settings.builder;
    const bool any = wanted.empty() || wanted == "auto";
    if (any || wanted == "buildah") {
      if (find_program("buildah")) co_return Tool::buildah;
      if (!any) co_return missing("buildah");
    }
    if (!find_program("docker")) co_return missing(any ? "buildah or docker" : "docker");
    Command command;
    command.argv = {"docker", "version", "--format", "{{.Server.Version}}"};
    command.timeout = std::chrono::seconds(20);
    PAWL_CO_TRY(auto exited, co_await run(std::move(command), {}));
    if (exited.code != 0)
      co_return Error(ErrorKind::failed,
                      "docker is installed, but no daemon answers: " + last_line(exited))
          .with_hint("start dockerd, set DOCKER_HOST, or install buildah (apt install buildah)");
    co_return Tool::docker;
  }

  static Error missing(const std::string& what) {
    return Error(ErrorKind::not_found, "the image has to be built, and there is no " + what)
        .with_hint("apt install buildah, or set image.build.builder in pawl.yaml");
  }

  static std::string last_line(const Exited& exited) {
    std::string text = exited.errors.empty() ? exited.output : exited.errors;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text.substr(text.rfind('\n') + 1).substr(0, 400);
  }

  Result<void> prepare_scratch() const {
    std::error_code failure;
    fs::create_directories(options_.scratch_dir, failure);
    if (failure)
      return Error(ErrorKind::storage, fmt::format("cannot make the folder {}: {}",
                                                   options_.scratch_dir, failure.message()));
    fs::permissions(options_.scratch_dir, fs::perms::owner_all, failure);
    if (options_.logins.empty()) return ok();
    PAWL_CHECK(write_private_file(options_.scratch_dir + "/auth.json", auth_file(options_.logins)));
    return write_private_file(options_.scratch_dir + "/config.json", auth_file(options_.logins));
  }

  void forget_credentials() const {
    std::error_code failure;
    for (const char* name : {"/auth.json", "/config.json"})
      fs::remove(options_.scratch_dir + name, failure);
  }

  // Overlay mounts need privileges that a container or a chroot may not have; vfs always works.
  static bool can_use_overlay() {
    std::error_code failure;
    return ::geteuid() == 0 && fs::exists("/sys/module/overlay", failure) &&
           fs::exists("/sys/fs/cgroup", failure) && !fs::is_empty("/sys/fs/cgroup", failure);
  }

  Task<Result<Digest>> push(Tool tool, BuildCommands commands, LogLine log) {
    std::string digest;
    for (const auto& argv : commands.push) {
      PAWL_CO_TRY(auto pushed, co_await run_logged(argv, kPushLimit, log));
      if (pushed.code != 0)
        co_return Error(ErrorKind::failed, fmt::format("pushing {} ended with {}: {}", argv.back(),
                                                       pushed.code, last_line(pushed)))
            .with_hint("are the credentials of the source registry right? (docker login)");
      const std::string found = tool == Tool::docker ? digest_in_docker_output(pushed.output)
                                                     : digest_in_file(commands.digest_file);
      if (digest.empty()) digest = found;
    }
    co_return Digest::parse(digest).while_doing("reading the digest that was pushed");
  }

  static std::string digest_in_file(const std::string& path) {
    std::ifstream file(path);
    std::string digest;
    file >> digest;
    return digest;
  }

  Task<Result<Exited>> run_logged(std::vector<std::string> argv, std::chrono::milliseconds limit,
                                  LogLine log) {
    Command command;
    command.argv = std::move(argv);
    command.timeout = limit;
    LineHandler lines = [log](Stream, std::string_view line) {
      if (log) log(line);
    };
    co_return co_await run(std::move(command), std::move(lines));
  }

  Task<Result<Exited>> run(Command command, LineHandler lines) {
    if (command.argv.front() == "docker" && !options_.logins.empty())
      command.environment["DOCKER_CONFIG"] = options_.scratch_dir;
    co_return co_await processes_.run(std::move(command), std::move(lines));
  }

  Processes& processes_;
  BuilderOptions options_;
};

}  // namespace

std::unique_ptr<ImageBuilder> make_image_builder(Processes& processes, BuilderOptions options) {
  return std::make_unique<CommandLineBuilder>(processes, std::move(options));
}

}  // namespace pawl
