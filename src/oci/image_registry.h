// The engine's port for registries, over the distribution protocol.
#pragma once

#include <memory>

#include "engine/ports/image_registry.h"
#include "oci/registries.h"

namespace pawl::oci {

/// `http`, `clock` and `entropy` must outlive it.
std::unique_ptr<ImageRegistry> make_image_registry(HttpClient& http, Clock& clock, Entropy& entropy,
                                                   RegistryAccess access);

}  // namespace pawl::oci
