// Files with fixed names that were replaced in a bucket, and a content delivery network in front of
// it that still keeps the old ones: which paths it is told, and that it is told once.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "engine/ports/cdn.h"

namespace pawl {

struct CdnTarget {
  std::string distribution;  // empty: there is none
  std::string path = "/";    // where the first key under the prefix is served; ends with "/"
  bool waits = false;        // until every place has forgotten
};
/// `{distribution, path, wait}`, as a plan's step has it.
json::object to_json(const CdnTarget& target);
CdnTarget cdn_target_from(const json::object& object);

/// More than so many paths are told as one with a wildcard: CloudFront bills by the path.
constexpr size_t kMaxInvalidatedPaths = 15;

/// What to tell of `files` (paths under the prefix, as they are named): sorted, encoded, the folder
/// beside its index.html; one with a wildcard when they are many.
std::vector<std::string> invalidation_paths(const std::string& served_at,
                                            const std::vector<std::string>& files);

/// Tells it, and waits when the target says so. Nothing is sent when there is no file or no
/// distribution. Gives the invalidation's id, or empty. `key` names the effect: the same key and
/// files are told once.
Task<Result<std::string>> invalidate(Cdn& cdn, Clock& clock, CdnTarget target,
                                     std::vector<std::string> files, std::string key);

}  // namespace pawl
