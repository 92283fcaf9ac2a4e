// SHA-256 and HMAC-SHA256 over OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pawl {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view message);
/// Compares without telling by its duration where the first difference is.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// For bytes that come in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view bytes);
  /// Ends the stream; call once.
  Sha256 finish();
  /// What the digest would be if the stream ended here; the stream goes on.
  Sha256 peek() const;
  /// A second stream that goes on from the same bytes: a place to come back to.
  Sha256Stream clone() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl
