// Small adapters that belong to no outside system of their own: what the engine's ports need from
// plain HTTP.
#pragma once

#include "engine/ports/health_probe.h"
#include "net/http_client.h"

namespace pawl {

/// One GET of the application's URL. Any answer is an answer, a redirect included; of a body that
/// is over kMaxProbeBodyBytes its beginning is kept.
class HttpHealthProbe : public HealthProbe {
 public:
  explicit HttpHealthProbe(HttpClient& http) : http_(http) {}
  Task<Result<ProbeAnswer>> ask(std::string url, std::string version_header,
                                std::chrono::milliseconds timeout) override;

 private:
  HttpClient& http_;
};

constexpr size_t kMaxProbeBodyBytes = 64u << 10;
/// A body that never ends is not read to its end.
constexpr size_t kMaxReadProbeBytes = 4u << 20;

}  // namespace pawl
