#include "core/image_reference.h"

#include <fmt/format.h>

#include <algorithm>

namespace pawl {
namespace {

constexpr size_t kMaxRepositoryBytes = 255;

bool is_alnum_lower(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_alnum_lower(c) || (c >= 'A' && c <= 'Z');
}

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, parts joined by "/"
bool is_valid_repository(std::string_view name) {
  if (name.empty() || name.size() > kMaxRepositoryBytes) return false;
  size_t start = 0;
  while (start <= name.size()) {
    const size_t slash = std::min(name.find('/', start), name.size());
    const auto part = name.substr(start, slash - start);
    if (part.empty() || !is_alnum_lower(part.front()) || !is_alnum_lower(part.back())) return false;
    for (size_t i = 0; i < part.size(); ++i) {
      const char c = part[i];
      if (is_alnum_lower(c) || c == '-') continue;
      if (c != '.' && c != '_') return false;
      const char next = part[i + 1];
      const bool double_underscore =
          c == '_' && next == '_' && i + 2 < part.size() && is_alnum_lower(part[i + 2]);
      if (!is_alnum_lower(next) && !double_underscore) return false;
      if (double_underscore) ++i;
    }
    start = slash + 1;
  }
  return true;
}

bool is_valid_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
}

// Docker's rule: the first part is a host when it has a dot or a colon, or is "localhost".
bool looks_like_host(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

}  // namespace

bool is_valid_image_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > 128 || tag.front() == '.' || tag.front() == '-') return false;
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

Result<ImageReference> ImageReference::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorKind::usage,
                 fmt::format("'{}' is not an image reference: {}", text.substr(0, 200), why))
        .with_hint("write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST");
  };
  ImageReference reference;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest.ok()) return bad(digest.error().what());
    reference.digest = *digest;
    rest = rest.substr(0, at);
  }
  const auto last_slash = rest.rfind('/');
  const auto colon = rest.rfind(':');
  const bool has_tag = colon != std::string_view::npos &&
                       (last_slash == std::string_view::npos || colon > last_slash);
  if (has_tag) {
    reference.tag = std::string(rest.substr(colon + 1));
    if (!is_valid_image_tag(*reference.tag)) return bad("the tag is not valid");
    rest = rest.substr(0, colon);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && looks_like_host(rest.substr(0, slash))) {
    reference.host = std::string(rest.substr(0, slash));
    rest = rest.substr(slash + 1);
  } else {
    reference.host = "docker.io";
  }
  reference.repository = std::string(rest);
  if (!is_valid_host(reference.host)) return bad("the host is not valid");
  if (!is_valid_repository(reference.repository))
    return bad("the repository must be lower-case letters, digits and . _ - between slashes");
  return reference;
}

std::string ImageReference::str() const {
  std::string text = name();
  if (tag) text += ":" + *tag;
  if (digest) text += "@" + digest->str();
  return text;
}

ImageReference ImageReference::with_tag(std::string new_tag) const {
  ImageReference copy = *this;
  copy.tag = std::move(new_tag);
  copy.digest.reset();
  return copy;
}

ImageReference ImageReference::with_digest(Digest new_digest) const {
  ImageReference copy = *this;
  copy.tag.reset();
  copy.digest = std::move(new_digest);
  return copy;
}

}  // namespace pawl
