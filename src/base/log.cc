#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/secret.h"

namespace pawl {
namespace {
bool verbose_enabled = false;
}

void set_verbose(bool verbose) {
  verbose_enabled = verbose;
}
bool is_verbose() {
  return verbose_enabled;
}

void write_debug(std::string_view line) {
  // Made at the first line, so that a command that says nothing pays nothing.
  static const auto logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("pawl", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made->set_pattern("%H:%M:%S.%e debug %v");
    made->set_level(spdlog::level::debug);
    return made;
  }();
  logger->debug("{}", redact(line));
}

}  // namespace pawl
