#include "builder/builder.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "builder/commands.h"
#include "builder/registry_login.h"
#include "builder/root_mount.h"
#include "process/secret_variables.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kBuildLimit{60};
constexpr std::chrono::minutes kPushLimit{30};
constexpr std::chrono::seconds kQuestionLimit{30};

enum class Tool { buildah, docker };

class CommandLineBuilder : public ImageBuilder {
 public:
  CommandLineBuilder(Processes& processes, BuilderOptions options)
      : processes_(processes), options_(std::move(options)) {
    start_.prefix = root_mount_prefix_here();
  }

  Task<Result<std::string>> available(BuildSettings settings) override {
    PAWL_CO_TRY(auto tool, co_await choose(settings));
    const std::vector<std::string> argv = {tool == Tool::buildah ? "buildah" : "docker",
                                           "--version"};
    PAWL_CO_TRY(auto exited, co_await ask(argv));
    co_return exited.output.substr(0, exited.output.find('\n'));
  }

  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    if (request.tags.empty())
      co_return Error(ErrorKind::internal, "an image is to be built, and no tag is given");
    PAWL_CO_CHECK(check_dockerfile(request.settings));
    PAWL_CO_TRY(auto tool, co_await choose(request.settings));
    PAWL_CO_TRY(const PrivateFolder folder, PrivateFolder::make_in(options_.scratch_dir));
    Run run{tool, folder.path(), {}, std::move(log)};
    PAWL_CO_CHECK(write_logins(folder, &run));
    if (tool == Tool::buildah) PAWL_CO_CHECK(co_await choose_storage(run.log));

    const BuildCommands commands = tool == Tool::buildah
                                       ? buildah_commands(request, options_, start_, folder.path())
                                       : docker_commands(request, options_);
    PAWL_CO_CHECK(co_await build(&run, commands.build));
    co_return co_await push(&run, commands);
  }

 private:
  struct Run {
    Tool tool;
    std::string folder;         // private to this build
    std::string docker_config;  // empty: the person's own
    LogLine log;
    const char* name() const { return tool == Tool::buildah ? "buildah" : "docker"; }
  };

  Result<void> check_dockerfile(const BuildSettings& settings) const {
    const std::string path = dockerfile_path(options_, settings);
    std::error_code failure;
    if (fs::exists(path, failure)) return ok();
    return Error(ErrorKind::config, "there is no Dockerfile at " + path)
        .with_hint(
            "image.build.dockerfile is relative to image.build.context, which is relative "
            "to pawl.yaml");
  }

  /// The configured tool, else the first that works: buildah needs no daemon.
  Task<Result<Tool>> choose(BuildSettings settings) {
    const std::string& wanted = settings.builder;
    const bool any = wanted.empty() || wanted == "auto";
    if (any || wanted == "buildah") {
      if (find_program("buildah")) co_return Tool::buildah;
      if (!any) co_return missing("buildah");
    }
    if (!find_program("docker")) co_return missing(any ? "buildah or docker" : "docker");
    const std::vector<std::string> argv = {"docker", "version", "--format", "{{.Server.Version}}"};
    PAWL_CO_TRY(auto exited, co_await ask(argv));
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

  Result<void> write_logins(const PrivateFolder& folder, Run* run) const {
    if (options_.logins.empty()) return ok();
    if (run->tool == Tool::buildah) return folder.write("auth.json", auth_file(options_));
    run->docker_config = folder.path();
    return write_docker_config(folder, options_);
  }

  /// As the machine is configured, else vfs. Whether overlay mounts work cannot be told from
  /// outside (they need privileges, and not every file system takes them): buildah opens its store
  /// and says so. vfs copies whole trees, but works everywhere.
  Task<Result<void>> choose_storage(LogLine log) {
    if (storage_chosen_) co_return ok();
    std::string why;
    for (const char* driver : {"", "vfs"}) {
      start_.storage_driver = driver;
      auto argv = start_.argv();
      argv.emplace_back("info");
      PAWL_CO_TRY(auto exited, co_await ask(argv));
      if (exited.code == 0) {
        storage_chosen_ = true;
        if (log && *driver != '\0') log("storing layers with vfs, because: " + why);
        co_return ok();
      }
      if (why.empty()) why = last_line(exited);
    }
    co_return Error(ErrorKind::failed, "buildah cannot store images here: " + why)
        .with_hint("try `buildah info`");
  }

  Task<Result<void>> build(const Run* run, std::vector<std::string> argv) {
    PAWL_CO_TRY(auto built, co_await run_logged(run, std::move(argv), kBuildLimit));
    if (built.code == 0) co_return ok();
    co_return Error(ErrorKind::failed, fmt::format("`{} build` ended with {}: {}", run->name(),
                                                   built.code, last_line(built)))
        .with_hint("the whole output: pawl logs --step build_image");
  }

  Task<Result<Digest>> push(const Run* run, BuildCommands commands) {
    std::string first;
    for (const auto& each : commands.pushes) {
      std::string digest;
      for (const auto& argv : each.commands) {
        PAWL_CO_TRY(auto pushed, co_await run_logged(run, argv, kPushLimit));
        if (pushed.code != 0) co_return push_failure(each.reference, pushed);
        digest = run->tool == Tool::docker ? digest_in_docker_output(pushed.output)
                                           : digest_in_file(run->folder + "/digest");
      }
      if (first.empty()) first = digest;
      if (digest != first)
        co_return Error(ErrorKind::corrupt,
                        fmt::format("{} was pushed as {}, the tag before it as {}", each.reference,
                                    digest, first));
    }
    co_return Digest::parse(first).while_doing("reading the digest that was pushed");
  }

  static Error push_failure(const std::string& reference, const Exited& pushed) {
    const ErrorKind kind = kind_of_push_failure(pushed.errors + pushed.output);
    const std::string host = host_of(reference);
    Error error(kind, fmt::format("pushing {} ended with {}: {}", reference, pushed.code,
                                  last_line(pushed)));
    if (kind != ErrorKind::denied) return error;
    return std::move(error).with_hint(fmt::format(
        "the credentials for {} are missing, wrong, or may not write there (docker login {})", host,
        host));
  }

  static std::string digest_in_file(const std::string& path) {
    std::ifstream file(path);
    std::string digest;
    file >> digest;
    return digest;
  }

  // The last line that says "error" at its start, else the last line: warnings may follow it.
  static std::string last_line(const Exited& exited) {
    std::istringstream lines(exited.errors.empty() ? exited.output : exited.errors);
    std::string last;
    std::string telling;
    for (std::string line; std::getline(lines, line);) {
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (line.empty()) continue;
      last = line;
      const std::string start = line.substr(0, 6);
      if (start == "Error:" || start == "error:" || start == "error " || start == "ERROR:")
        telling = line;
    }
    return (telling.empty() ? last : telling).substr(0, 600);
  }

  Task<Result<Exited>> ask(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.unset = secret_variables();
    command.timeout = kQuestionLimit;
    co_return co_await processes_.run(std::move(command), {});
  }

  Task<Result<Exited>> run_logged(const Run* run, std::vector<std::string> argv,
                                  std::chrono::milliseconds limit) {
    Command command;
    command.argv = std::move(argv);
    command.timeout = limit;
    if (!run->docker_config.empty()) command.environment["DOCKER_CONFIG"] = run->docker_config;
    // It logs in with the file that it is given; only a helper of the person's may need more.
    if (!names_helpers(options_)) command.unset = secret_variables();
    LineHandler lines = [log = run->log](Stream, std::string_view line) {
      if (log) log(line);
    };
    co_return co_await processes_.run(std::move(command), std::move(lines));
  }

  Processes& processes_;
  BuilderOptions options_;
  BuildahStart start_;
  bool storage_chosen_ = false;
};

}  // namespace

std::unique_ptr<ImageBuilder> make_image_builder(Processes& processes, BuilderOptions options) {
  return std::make_unique<CommandLineBuilder>(processes, std::move(options));
}

}  // namespace pawl
