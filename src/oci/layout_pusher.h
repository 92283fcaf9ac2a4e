// Pushes an image that something else has built and left as an OCI layout: no builder and no daemon
// is needed, and the digest stays what it was.
#pragma once

#include <memory>
#include <string>

#include "engine/ports/image_builder.h"
#include "oci/registries.h"

namespace pawl::oci {

/// An ImageBuilder for requests with a `layout`, which is relative to `directory`. An image that
/// says it was made of another commit (org.opencontainers.image.revision) is refused. `http`,
/// `clock` and `entropy` must outlive it.
std::unique_ptr<ImageBuilder> make_layout_pusher(HttpClient& http, Clock& clock, Entropy& entropy,
                                                 RegistryAccess access, std::string directory);

}  // namespace pawl::oci
