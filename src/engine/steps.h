// The steps that a plan may name, over the engine's ports. Each kind lives in a file of its own in
// engine/steps/.
#pragma once

#include <memory>

#include "engine/ports/cdn.h"
#include "engine/ports/concurrency.h"
#include "engine/ports/forge.h"
#include "engine/ports/function_calls.h"
#include "engine/ports/function_versions.h"
#include "engine/ports/functions.h"
#include "engine/ports/health_probe.h"
#include "engine/ports/identity.h"
#include "engine/ports/image_builder.h"
#include "engine/ports/image_registry.h"
#include "engine/ports/infrastructure.h"
#include "engine/ports/object_store.h"
#include "engine/static_site.h"
#include "engine/step.h"

namespace pawl {

/// All but `clock` may be null when no step of the plans that will be run needs them.
struct StepPorts {
  Clock* clock = nullptr;
  Functions* functions = nullptr;
  FunctionCalls* function_calls = nullptr;
  Concurrency* concurrency = nullptr;             // null: what is provisioned is not looked at
  FunctionVersions* function_versions = nullptr;  // null: old versions stay
  ImageRegistry* images = nullptr;
  ImageRepositories* repositories = nullptr;
  ObjectStore* objects = nullptr;
  StaticFiles* static_files = nullptr;  // the directory of assets (engine/static_site.h)
  Cdn* cdn = nullptr;
  HealthProbe* health = nullptr;
  Endpoints* endpoints = nullptr;
  ImageBuilder* builder = nullptr;
  Infrastructure* infrastructure = nullptr;
  Identity* identity = nullptr;
  Forge* forge = nullptr;
};

std::unique_ptr<StepLibrary> make_step_library(StepPorts ports);

}  // namespace pawl
