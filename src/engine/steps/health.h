// One question to the application, and whether the answer is good; the check that asks repeatedly.
#pragma once

#include <map>
#include <string>

#include "core/config.h"
#include "engine/ports/health_probe.h"
#include "engine/step.h"

namespace pawl::steps {

struct HealthAnswer {
  bool ok = false;
  std::string result;   // in words: "HTTP 200, version 1.4.2", "HTTP 503 (expected 200)"
  std::string version;  // what the version header said; empty when it is not asked for
  int status = 0;
  bool stopped = false;  // we were asked to stop; says nothing of the application
};

/// Why an answer is not good, or nothing. `version` empty: any will do.
std::string judge(const HealthSettings& settings, const ProbeAnswer& answer,
                  const std::string& version);

/// The same of a body alone: paths in it, and the text that each value must have.
std::string judge_body(const std::map<std::string, std::string>& expected, const std::string& body);

Task<HealthAnswer> ask_once(HealthProbe& probe, HealthSettings settings, std::string base_url,
                            std::string version);

struct HealthCheck {
  HealthSettings settings;
  std::string base_url;
  std::string version;  // that must answer; empty: any
  int attempts = 1;
};
/// Asks until it has had enough good answers in a row; each try is journalled. Outputs: attempts,
/// seconds, version, url.
Task<Result<json::object>> check_until_healthy(StepContext& context, HealthProbe& probe,
                                               HealthCheck check);

Error explain_url_error(Error error, const std::string& api);

}  // namespace pawl::steps
