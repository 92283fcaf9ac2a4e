#include "base/secret.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>

#include "base/encoding.h"

namespace pawl {
namespace {

// Shorter values would blacken innocent text.
constexpr size_t kShortestSecretBytes = 8;

struct Registry {
  std::mutex mutex;
  // Longest first, so that a secret that contains another goes whole.
  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, Longer> values;
  std::atomic<size_t> shortest{SIZE_MAX};  // most texts are shorter than any secret

  void add(std::string value) {
    shortest = std::min(shortest.load(), value.size());
    values.insert(std::move(value));
  }
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

void register_for_redaction(std::string_view value) {
  if (value.size() < kShortestSecretBytes) return;
  std::lock_guard lock(registry().mutex);
  registry().add(std::string(value));
  registry().add(base64_encode(value));
  registry().add(url_encode(value));
}

Secret::Secret(std::string value) : value_(std::move(value)) {
  register_for_redaction(value_);
}

bool holds_secret(std::string_view text) {
  if (text.size() < registry().shortest) return false;
  std::lock_guard lock(registry().mutex);
  for (const auto& secret : registry().values)
    if (text.find(secret) != std::string_view::npos) return true;
  return false;
}

std::string redact(std::string_view text) {
  std::string clean(text);
  if (text.size() < registry().shortest) return clean;
  std::lock_guard lock(registry().mutex);
  for (const auto& secret : registry().values) {
    for (size_t at = clean.find(secret); at != std::string::npos; at = clean.find(secret, at + 3))
      clean.replace(at, secret.size(), "***");
  }
  return clean;
}

}  // namespace pawl
