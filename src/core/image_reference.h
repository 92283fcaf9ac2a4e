// The name of an image: host/repository[:tag][@digest], as Docker and the distribution
// specification read it.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/digest.h"

namespace pawl {

struct ImageReference {
  std::string host;        // "ghcr.io", "127.0.0.1:5000"; "docker.io" when none was written
  std::string repository;  // "example/meals"
  std::optional<std::string> tag;
  std::optional<Digest> digest;

  /// Host, repository, tag and digest are checked against their grammars and lengths.
  static Result<ImageReference> parse(std::string_view text);

  /// "ghcr.io/example/meals:v1@sha256:..."
  std::string str() const;
  /// "ghcr.io/example/meals"
  std::string name() const { return host + "/" + repository; }
  ImageReference with_tag(std::string new_tag) const;
  ImageReference with_digest(Digest new_digest) const;  // drops the tag

  bool operator==(const ImageReference&) const = default;
};

/// [A-Za-z0-9_][A-Za-z0-9._-]{0,127}
bool is_valid_image_tag(std::string_view tag);

}  // namespace pawl
