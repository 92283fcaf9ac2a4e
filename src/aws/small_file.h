// The small files that hold identities: profiles, tokens, caches.
#pragma once

#include <string>

#include "base/result.h"

namespace pawl::aws {

constexpr size_t kMaxSmallFileBytes = 1u << 20;

/// The whole file; not_found when there is none, denied when it cannot be read or is larger than
/// `max_bytes`.
Result<std::string> read_small_file(const std::string& path, size_t max_bytes = kMaxSmallFileBytes);

}  // namespace pawl::aws
