// A content digest as OCI writes it: "sha256:" and 64 lower-case hexadecimal digits. The only way
// in is parse(), so that inside Pawl a Digest is always well formed.
// https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
#pragma once

#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"

namespace pawl {

class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view bytes);
  static Digest from(const Sha256& hash);

  /// "sha256:ab12..."
  const std::string& str() const { return text_; }
  /// The 64 digits after the algorithm.
  std::string_view hex() const { return std::string_view(text_).substr(7); }
  /// "sha256:" and the first 12 digits, for people.
  std::string short_form() const { return text_.substr(0, 7 + 12); }

  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace pawl
