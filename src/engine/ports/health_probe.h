// Asks the deployed application how it is, through the door that its users use.
#pragma once

#include <chrono>
#include <string>

#include "base/task.h"

namespace pawl {

struct ProbeAnswer {
  int status = 0;
  std::string body;            // the first 64 KiB
  std::string version_header;  // value of the header that was asked for
};

class HealthProbe {
 public:
  virtual ~HealthProbe() = default;
  /// Follows no redirects: a 308 is an answer, and not a good one.
  virtual Task<Result<ProbeAnswer>> ask(std::string url, std::string version_header,
                                        std::chrono::milliseconds timeout) = 0;
};

/// Finds the public URL of an API Gateway v2 API by its name; not_found when there is none.
class Endpoints {
 public:
  virtual ~Endpoints() = default;
  virtual Task<Result<std::string>> find_url(std::string api_name) = 0;
};

}  // namespace pawl
