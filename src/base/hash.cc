#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"
#include "base/result.h"

namespace pawl {

namespace {

// Fetched once: EVP_sha256() is looked up anew at each use, which costs as much as a short hash.
const EVP_MD* sha256_method() {
  static const EVP_MD* method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  PAWL_ASSERT(method != nullptr);
  return method;
}

}  // namespace

struct Sha256Stream::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { PAWL_ASSERT(context && EVP_DigestInit_ex(context, sha256_method(), nullptr) == 1); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::update(std::span<const std::byte> bytes) {
  PAWL_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

void Sha256Stream::update(std::string_view bytes) {
  PAWL_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Sha256 Sha256Stream::finish() {
  Sha256 digest{};
  PAWL_ASSERT(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) == 1);
  return digest;
}

Sha256 Sha256Stream::peek() const {
  State copy;
  PAWL_ASSERT(EVP_MD_CTX_copy_ex(copy.context, state_->context) == 1);
  Sha256 digest{};
  PAWL_ASSERT(EVP_DigestFinal_ex(copy.context, digest.data(), nullptr) == 1);
  return digest;
}

Sha256Stream Sha256Stream::clone() const {
  Sha256Stream copy;
  PAWL_ASSERT(EVP_MD_CTX_copy_ex(copy.state_->context, state_->context) == 1);
  return copy;
}

Sha256 sha256(std::string_view bytes) {
  Sha256 digest{};
  PAWL_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, sha256_method(),
                         nullptr) == 1);
  return digest;
}

std::string sha256_hex(std::string_view bytes) {
  return hex_encode(sha256(bytes));
}

Sha256 hmac_sha256(std::string_view key, std::string_view message) {
  Sha256 code{};
  unsigned int length = 0;
  PAWL_ASSERT(HMAC(sha256_method(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                   code.data(), &length) != nullptr);
  return code;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pawl
