#include "base/secret.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"

namespace pawl {
namespace {

// Shorter values would blacken innocent text.
constexpr size_t kShortestSecretBytes = 8;
// What is left of a secret at the beginning of a text that was cut: so little tells nothing.
constexpr size_t kShortestRestBytes = 4;

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
    if (value.size() < kShortestSecretBytes) return;
    shortest = std::min(shortest.load(), value.size());
    values.insert(std::move(value));
  }
};

Registry& registry() {
  static Registry instance;
  return instance;
}

// Base64 takes three bytes at a time, so each of three offsets has its own: "user:password" is
// encoded otherwise than "password". What depends on the bytes beside the secret is left out.
std::vector<std::string> base64_forms(std::string_view value) {
  constexpr size_t kBitsPerByte = 8;
  constexpr size_t kBitsPerLetter = 6;
  std::vector<std::string> forms{base64_encode(value)};
  for (size_t before = 0; before < 3; ++before) {
    const std::string encoded = base64_encode(std::string(before, '\0') + std::string(value));
    const size_t from = (before * kBitsPerByte + kBitsPerLetter - 1) / kBitsPerLetter;
    const size_t to = (before + value.size()) * kBitsPerByte / kBitsPerLetter;
    forms.push_back(encoded.substr(from, to - from));
  }
  return forms;
}

std::string escaped_for_json(std::string_view value) {
  const std::string quoted = json::serialize(json::value(json::string_view(value)));
  return quoted.substr(1, quoted.size() - 2);
}

// Some write "\/" for "/".
std::string with_escaped_slashes(std::string_view value) {
  std::string escaped;
  for (const char c : value) escaped += c == '/' ? std::string("\\/") : std::string(1, c);
  return escaped;
}

}  // namespace

void register_for_redaction(std::string_view value) {
  if (value.size() < kShortestSecretBytes) return;
  const std::string escaped = escaped_for_json(value);
  std::lock_guard lock(registry().mutex);
  registry().add(std::string(value));
  registry().add(url_encode(value));
  registry().add(escaped);
  registry().add(with_escaped_slashes(escaped));
  registry().add(escaped_for_json(escaped));  // JSON in JSON: the body of an answer
  for (auto& form : base64_forms(value)) registry().add(std::move(form));
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

std::string redact_tail(std::string_view text) {
  size_t rest = 0;
  {
    std::lock_guard lock(registry().mutex);
    for (const auto& secret : registry().values)
      for (size_t size = std::min(secret.size() - 1, text.size());
           size >= kShortestRestBytes && size > rest; --size)
        if (text.substr(0, size) == std::string_view(secret).substr(secret.size() - size))
          rest = size;
  }
  return (rest > 0 ? "***" : "") + redact(text.substr(rest));
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
