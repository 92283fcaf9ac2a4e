#include "sandbox/aws/checksums.h"

#include <openssl/evp.h>

#include <array>
#include <cctype>
#include <cstdint>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/result.h"

namespace pawl::sandbox {

namespace {

template <class Word>
std::string big_endian(Word value) {
  std::string bytes;
  for (int shift = static_cast<int>(sizeof(Word) * 8) - 8; shift >= 0; shift -= 8)
    bytes += static_cast<char>((value >> shift) & 0xff);
  return bytes;
}

/// A reflected CRC with all bits set before and inverted after: what all three are.
template <class Word, Word kPolynomial>
class Crc : public Checksum {
 public:
  void update(std::string_view bytes) override {
    static const std::array<Word, 256> kTable = make_table();
    for (const char c : bytes)
      state_ = kTable[(state_ ^ static_cast<unsigned char>(c)) & 0xff] ^ (state_ >> 8);
  }
  std::string finish() override { return base64_encode(big_endian<Word>(~state_)); }

 private:
  static std::array<Word, 256> make_table() {
    std::array<Word, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
      Word value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value & 1) != 0 ? (value >> 1) ^ kPolynomial : value >> 1;
      table[i] = value;
    }
    return table;
  }
  Word state_ = ~Word{0};
};

class Sha1 : public Checksum {
 public:
  Sha1() : context_(EVP_MD_CTX_new()) {
    PAWL_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha1(), nullptr) == 1);
  }
  ~Sha1() override { EVP_MD_CTX_free(context_); }
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
  void update(std::string_view bytes) override {
    PAWL_ASSERT(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
  }
  std::string finish() override {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    PAWL_ASSERT(EVP_DigestFinal_ex(context_, digest, &size) == 1);
    return base64_encode({reinterpret_cast<const char*>(digest), size});
  }

 private:
  EVP_MD_CTX* context_;
};

class Sha256Checksum : public Checksum {
 public:
  void update(std::string_view bytes) override { stream_.update(bytes); }
  std::string finish() override {
    const Sha256 hash = stream_.finish();
    return base64_encode({reinterpret_cast<const char*>(hash.data()), hash.size()});
  }

 private:
  Sha256Stream stream_;
};

}  // namespace

std::unique_ptr<Checksum> Checksum::make(std::string_view algorithm) {
  if (algorithm == "crc32") return std::make_unique<Crc<uint32_t, 0xedb88320u>>();
  if (algorithm == "crc32c") return std::make_unique<Crc<uint32_t, 0x82f63b78u>>();
  if (algorithm == "crc64nvme") return std::make_unique<Crc<uint64_t, 0x9a6c9329ac4bc9b5ull>>();
  if (algorithm == "sha1") return std::make_unique<Sha1>();
  if (algorithm == "sha256") return std::make_unique<Sha256Checksum>();
  return nullptr;
}

std::optional<std::string> checksum_in_name(std::string_view header_name) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  std::string name;
  for (const char c : header_name)
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.compare(0, kPrefix.size(), kPrefix) != 0) return std::nullopt;
  name.erase(0, kPrefix.size());
  if (!Checksum::make(name)) return std::nullopt;
  return name;
}

}  // namespace pawl::sandbox
