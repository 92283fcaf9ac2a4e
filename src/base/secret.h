// A secret speaks only when it is asked by name. Formatting one does not compile; its value is
// registered, so that redact() takes it out of whatever leaves the process.
#pragma once

#include <string>
#include <string_view>

namespace pawl {

class Secret {
 public:
  Secret() = default;
  /// Registers the value (8 bytes or more) for redaction.
  explicit Secret(std::string value);
  bool empty() const { return value_.empty(); }
  /// For the one place that sends it. Say to whom: reveal_for("ghcr.io").
  const std::string& reveal_for(std::string_view /*receiver*/) const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

/// `text` with every registered secret (as it is, base64 at any offset, URL-encoded, escaped for
/// JSON) replaced by "***".
std::string redact(std::string_view text);
/// The same of the end of a longer text, as the last 4 KB of a log are: what it begins with may be
/// the rest of a secret, and goes too.
std::string redact_tail(std::string_view text);
/// Whether redact() would change it.
bool holds_secret(std::string_view text);
void register_for_redaction(std::string_view value);

}  // namespace pawl
