#include "core/digest.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl {

Result<Digest> Digest::parse(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const auto is_lower_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  bool well_formed =
      text.substr(0, kPrefix.size()) == kPrefix && text.size() == kPrefix.size() + 64;
  for (size_t i = kPrefix.size(); well_formed && i < text.size(); ++i)
    well_formed = is_lower_hex(text[i]);
  if (!well_formed)
    return Error(ErrorKind::corrupt,
                 fmt::format("'{}' is not a digest (sha256: and 64 hexadecimal digits)",
                             text.substr(0, 100)));
  return Digest(std::string(text));
}

Digest Digest::of(std::string_view bytes) {
  return from(sha256(bytes));
}

Digest Digest::from(const Sha256& hash) {
  return Digest("sha256:" + hex_encode(hash));
}

}  // namespace pawl
