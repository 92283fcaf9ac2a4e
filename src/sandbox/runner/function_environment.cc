#include <fmt/format.h>

#include "sandbox/runner/instance.h"

namespace pawl::sandbox {

std::vector<std::string> function_environment(const FunctionCode& code, const ImageRunConfig& image,
                                              const RunnerSettings& settings,
                                              const std::string& runtime_api,
                                              const std::string& log_stream) {
  std::map<std::string, std::string> variables{
      {"LANG", "en_US.UTF-8"},
      {"TZ", ":UTC"},
      {"PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"},
      {"LD_LIBRARY_PATH",
       "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"},
      {"LAMBDA_TASK_ROOT", "/var/task"},
      {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
  };
  const auto put = [&variables](const std::map<std::string, std::string>& more) {
    for (const auto& [name, value] : more) variables[name] = value;
  };
  for (const auto& line : image.environment) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  put(settings.environment);
  put(code.environment);
  // Reserved: a function cannot set these itself.
  put({{"AWS_REGION", settings.region},
       {"AWS_DEFAULT_REGION", settings.region},
       {"AWS_LAMBDA_FUNCTION_NAME", code.function},
       {"AWS_LAMBDA_FUNCTION_VERSION", code.version},
       {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(code.memory_mb)},
       {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
       {"AWS_LAMBDA_LOG_GROUP_NAME", fmt::format("/aws/lambda/{}", code.function)},
       {"AWS_LAMBDA_LOG_STREAM_NAME", log_stream},
       {"AWS_LAMBDA_RUNTIME_API", runtime_api}});
  const auto& command = code.command.empty() ? image.command : code.command;
  if (!command.empty()) variables["_HANDLER"] = command.front();
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

}  // namespace pawl::sandbox
