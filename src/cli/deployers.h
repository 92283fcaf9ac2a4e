// The small adapters that belong to no outside system of their own.
#pragma once

#include <memory>

#include "engine/ports/health_probe.h"
#include "net/http_client.h"

namespace pawl {

constexpr size_t kMaxProbeBodyBytes = 64u << 10;  // of a body, what is kept
constexpr size_t kMaxReadProbeBytes = 4u << 20;   // and what is read at most

/// Asks over HTTP; the client must outlive it. Any answer is an answer, a redirect included.
std::unique_ptr<HealthProbe> make_health_probe(HttpClient& http);

}  // namespace pawl
