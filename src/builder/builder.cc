#include "builder/builder.h"

#include <fmt/format.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "builder/build_secrets.h"
#include "builder/choice.h"
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

constexpr size_t kLastLines = 12;  // of a build that failed, told with its error

class CommandLineBuilder : public ImageBuilder {
 public:
  CommandLineBuilder(Processes& processes, BuilderOptions options)
      : processes_(processes), options_(std::move(options)) {
    start_.prefix = root_mount_prefix_here();
  }

  Task<Result<std::string>> available(BuildSettings settings) override {
    PAWL_CO_TRY(auto choice, co_await choose_builder(processes_, std::move(settings)));
    co_return fmt::format("{} ({})", choice.version, choice.reason);
  }

  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    if (request.tags.empty())
      co_return Error(ErrorKind::internal, "an image is to be built, and no tag is given");
    PAWL_CO_CHECK(check_dockerfile(request.settings));
    PAWL_CO_TRY(const auto choice, co_await choose_builder(processes_, request.settings));
    PAWL_CO_TRY(const PrivateFolder folder, PrivateFolder::make_in(options_.scratch_dir));
    PAWL_CO_TRY(auto secrets, BuildSecrets::prepare(request, options_, folder));
    Run run{choice.tool, folder.path(), {}, {}, std::move(secrets), std::move(log), {}};
    run.tell(fmt::format("building with {}: {}",
                         choice.version.empty() ? to_string(choice.tool) : choice.version,
                         choice.reason));
    PAWL_CO_CHECK(write_logins(folder, &run));
    if (choice.tool == BuildTool::buildah) PAWL_CO_CHECK(co_await choose_storage(&run));

    const BuildCommands commands = commands_of(request, run);
    run.environment = commands.environment;
    for (const auto& argv : commands.before) (void)co_await ask(argv);
    PAWL_CO_CHECK(co_await build(&run, commands));
    if (commands.pushes.empty()) co_return digest_of_buildx(run);
    co_return co_await push(&run, commands);
  }

 private:
  struct Run {
    BuildTool tool;
    std::string folder;         // private to this build
    std::string docker_config;  // empty: the person's own
    std::map<std::string, std::string> environment;
    BuildSecrets secrets;
    LogLine log;
    std::deque<std::string> last_lines;

    std::string name() const { return std::string(to_string(tool)); }
    void tell(std::string_view line) {
      const std::string clean = secrets.clean(line);
      if (log) log(clean);
      if (clean.empty()) return;
      last_lines.push_back(clean.substr(0, 400));
      if (last_lines.size() > kLastLines) last_lines.pop_front();
    }
    std::string what_it_said_last() const {
      std::string text;
      for (const auto& line : last_lines) text += "\n    " + line;
      return text;
    }
  };

  BuildCommands commands_of(const BuildRequest& request, const Run& run) const {
    const BuildFiles files{run.folder, run.secrets.files()};
    switch (run.tool) {
      case BuildTool::buildah:
        return buildah_commands(request, options_, start_, files);
      case BuildTool::podman:
        return buildah_commands(request, options_, {}, files, BuildTool::podman);
      case BuildTool::buildx:
        return buildx_commands(request, options_, files);
      case BuildTool::docker:
        break;
    }
    return docker_commands(request, options_, files);
  }

  Result<void> check_dockerfile(const BuildSettings& settings) const {
    const std::string path = dockerfile_path(options_, settings);
    std::error_code failure;
    if (fs::exists(path, failure)) return ok();
    return Error(ErrorKind::config, "there is no Dockerfile at " + path)
        .with_hint(
            "image.build.dockerfile is relative to image.build.context, which is relative "
            "to pawl.yaml");
  }

  Result<void> write_logins(const PrivateFolder& folder, Run* run) const {
    if (options_.logins.empty()) return ok();
    if (run->tool == BuildTool::buildah || run->tool == BuildTool::podman) {
      PAWL_TRY(const auto file, auth_file(options_));
      return folder.write("auth.json", file);
    }
    run->docker_config = folder.path();
    return write_docker_config(folder, options_);
  }

  /// As the machine is configured, else vfs. Whether overlay mounts work cannot be told from
  /// outside (they need privileges, and not every file system takes them): buildah opens its store
  /// and says so. vfs copies whole trees, but works everywhere.
  Task<Result<void>> choose_storage(Run* run) {
    if (storage_chosen_) co_return ok();
    std::string why;
    for (const char* driver : {"", "vfs"}) {
      start_.storage_driver = driver;
      auto argv = start_.argv();
      argv.emplace_back("info");
      PAWL_CO_TRY(auto exited, co_await ask(argv));
      if (exited.code == 0) {
        storage_chosen_ = true;
        if (*driver != '\0') run->tell("storing layers with vfs, because: " + why);
        co_return ok();
      }
      if (why.empty()) why = telling_line(exited);
    }
    co_return Error(ErrorKind::failed, "buildah cannot store images here: " + why)
        .with_hint("try `buildah info`");
  }

  Task<Result<void>> build(Run* run, const BuildCommands& commands) {
    PAWL_CO_TRY(auto built, co_await run_logged(run, commands.build, kBuildLimit));
    if (built.code == 0) co_return ok();
    const std::string line = run->secrets.clean(telling_line(built));
    // Where the build itself pushes, it is the push that may have failed.
    const std::string all = built.errors + built.output;
    const ErrorKind kind =
        commands.pushes.empty() && all.find("failed to push") != std::string::npos
            ? kind_of_push_failure(all)
            : ErrorKind::failed;
    const std::string advice = advice_for(all);
    co_return Error(kind,
                    fmt::format("`{} build` ended with {}: {}", run->name(), built.code, line))
        .with_hint(
            fmt::format("{}{}the whole output: pawl logs --step build_image; it ended with:{}",
                        advice, advice.empty() ? "" : "; ", run->what_it_said_last()));
  }

  static Result<Digest> digest_of_buildx(const Run& run) {
    std::ifstream file(run.folder + "/metadata.json", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return Digest::parse(digest_in_metadata(text.str()))
        .while_doing("reading the digest that docker buildx pushed");
  }

  Task<Result<Digest>> push(Run* run, const BuildCommands& commands) {
    std::string first;
    for (const auto& each : commands.pushes) {
      std::string digest;
      for (const auto& argv : each.commands) {
        PAWL_CO_TRY(auto pushed, co_await run_logged(run, argv, kPushLimit));
        if (pushed.code != 0) co_return push_failure(each.reference, pushed);
        digest = run->tool == BuildTool::docker ? digest_in_docker_output(pushed.output)
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
                                  telling_line(pushed)));
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

  Task<Result<Exited>> ask(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.unset = secret_variables();
    command.timeout = kQuestionLimit;
    co_return co_await processes_.run(std::move(command), {});
  }

  Task<Result<Exited>> run_logged(Run* run, std::vector<std::string> argv,
                                  std::chrono::milliseconds limit) {
    Command command;
    command.argv = std::move(argv);
    command.timeout = limit;
    command.environment = run->environment;
    if (!run->docker_config.empty()) command.environment["DOCKER_CONFIG"] = run->docker_config;
    // It logs in with the file that it is given; only a helper of the person's may need more.
    if (!names_helpers(options_)) command.unset = secret_variables();
    LineHandler lines = [run](Stream, std::string_view line) { run->tell(line); };
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
