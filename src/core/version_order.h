// The order of version tags: semantic versioning with prereleases (https://semver.org, section 11),
// read leniently: a "v" in front is ignored, "1.4" is 1.4.0.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl {

struct Version {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  std::vector<std::string> prerelease;  // "rc", "1" of 2.0.0-rc.1; build metadata is dropped
};

/// No value: not a version ("release-2024", "latest").
std::optional<Version> parse_version(std::string_view tag);

/// Build metadata does not count; 2.0.0-rc.1 comes before 2.0.0.
std::strong_ordering compare_versions(const Version& a, const Version& b);

/// The newest of those that are versions, as it was written; empty when none is.
std::string newest_version_tag(const std::vector<std::string>& tags);

/// "v1.4.2" -> "1.4.2"; "vanilla" stays.
std::string strip_v(std::string_view tag);

}  // namespace pawl
