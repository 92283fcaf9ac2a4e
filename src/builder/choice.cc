#include "builder/choice.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <sstream>

#include "process/secret_variables.h"

namespace pawl {
namespace {

constexpr std::chrono::seconds kVersionLimit{30};
// Without a daemon first; buildx before docker, since it can do all that docker can.
constexpr std::array kOrder = {BuildTool::buildah, BuildTool::podman, BuildTool::buildx,
                               BuildTool::docker};

std::optional<BuildTool> tool_named(const std::string& name) {
  if (name == "buildah") return BuildTool::buildah;
  if (name == "podman") return BuildTool::podman;
  if (name == "buildx") return BuildTool::buildx;
  if (name == "docker") return BuildTool::docker;
  return std::nullopt;
}

Task<Result<Exited>> ask(Processes& processes, std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  command.unset = secret_variables();
  command.timeout = kVersionLimit;
  co_return co_await processes.run(std::move(command), {});
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

Error not_here(BuildTool tool) {
  return Error(ErrorKind::not_found,
               fmt::format("the image has to be built, and there is no {}", to_string(tool)))
      .with_hint("apt install buildah, or set image.build.builder in pawl.yaml");
}

// Its version, when it is here and answers.
Task<Result<std::string>> look_for(Processes& processes, BuildTool tool) {
  const bool is_dockers = tool == BuildTool::buildx || tool == BuildTool::docker;
  const std::string program = is_dockers ? "docker" : std::string(to_string(tool));
  if (!find_program(program)) co_return not_here(tool);
  std::string version;
  if (tool == BuildTool::buildx) {
    const std::vector<std::string> argv = {"docker", "buildx", "version"};
    PAWL_CO_TRY(auto plugin, co_await ask(processes, argv));
    if (plugin.code != 0 || plugin.output.find("buildx") == std::string::npos)
      co_return not_here(tool);
    version = first_line(plugin.output);
  }
  if (is_dockers) {
    const std::vector<std::string> argv = {"docker", "version", "--format", "{{.Server.Version}}"};
    PAWL_CO_TRY(auto server, co_await ask(processes, argv));
    if (server.code != 0)
      co_return Error(ErrorKind::failed,
                      "docker is installed, but no daemon answers: " + telling_line(server))
          .with_hint("start dockerd, set DOCKER_HOST, or install buildah (apt install buildah)");
  }
  if (!version.empty()) co_return version;
  const std::vector<std::string> argv = {program, "--version"};
  PAWL_CO_TRY(auto exited, co_await ask(processes, argv));
  co_return first_line(exited.output);
}

Error cannot(BuildTool tool, const std::string& shortcoming) {
  return Error(ErrorKind::config, fmt::format("{} {}, and image.build in pawl.yaml asks for it",
                                              to_string(tool), shortcoming))
      .with_hint("set image.build.builder: buildx, or leave that out");
}

Error none_of_them(const std::string& why, std::optional<Error> silent_daemon) {
  if (silent_daemon) return *std::move(silent_daemon);
  return Error(ErrorKind::not_found,
               "the image has to be built, and there is no buildah or docker that can: " + why)
      .with_hint("apt install buildah, or set image.build.builder in pawl.yaml");
}

}  // namespace

Task<Result<BuilderChoice>> choose_builder(Processes& processes, BuildSettings settings) {
  if (const auto named = tool_named(settings.builder)) {
    if (const auto shortcoming = shortcoming_of(*named, settings); !shortcoming.empty())
      co_return cannot(*named, shortcoming);
    PAWL_CO_TRY(auto version, co_await look_for(processes, *named));
    co_return BuilderChoice{*named, std::move(version), "image.build.builder names it"};
  }
  std::string passed_over;
  std::optional<Error> silent_daemon;
  for (const BuildTool tool : kOrder) {
    std::string why = shortcoming_of(tool, settings);
    if (why.empty()) {
      auto version = co_await look_for(processes, tool);
      if (version.ok()) {
        std::string reason = passed_over.empty() ? "the first choice, and it is here"
                                                 : "the first that can: " + passed_over;
        co_return BuilderChoice{tool, *std::move(version), std::move(reason)};
      }
      if (version.error().kind() == ErrorKind::interrupted) co_return std::move(version).error();
      if (version.error().kind() == ErrorKind::failed) silent_daemon = version.error();
      why = version.error().kind() == ErrorKind::not_found ? "is not here" : "does not answer";
    }
    passed_over += fmt::format("{}{} {}", passed_over.empty() ? "" : ", ", to_string(tool), why);
  }
  co_return none_of_them(passed_over, std::move(silent_daemon));
}

// Warnings may follow it.
std::string telling_line(const Exited& exited) {
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

}  // namespace pawl
