// The small adapters that belong to no outside system of their own.
#pragma once

#include <memory>

#include "engine/ports/health_probe.h"
#include "net/http_client.h"

namespace pawl {

/// Asks over HTTP; the client must outlive it.
std::unique_ptr<HealthProbe> make_health_probe(HttpClient& http);

}  // namespace pawl
