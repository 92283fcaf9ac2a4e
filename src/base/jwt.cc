#include "base/jwt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <memory>

#include "base/encoding.h"

namespace pawl {
namespace {

constexpr int kLeastKeyBits = 2048;
constexpr size_t kMaxPemBytes = 64u << 10;
constexpr const char* kHeader = R"({"alg":"RS256","typ":"JWT"})";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// OpenSSL would ask for the password of an encrypted key on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Key read_key(std::string_view pem, bool may_be_public) {
  Key key(nullptr, &EVP_PKEY_free);
  if (pem.empty() || pem.size() > kMaxPemBytes) return key;
  const auto attempt = [&](auto read) {
    BIO* source = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    PAWL_ASSERT(source != nullptr);
    key.reset(read(source, nullptr, no_password, nullptr));
    BIO_free(source);
  };
  attempt(PEM_read_bio_PrivateKey);
  if (!key && may_be_public) attempt(PEM_read_bio_PUBKEY);
  // What was read in vain stays in OpenSSL's queue of errors, where TLS would find it.
  ERR_clear_error();
  if (key && (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
              EVP_PKEY_get_bits(key.get()) < kLeastKeyBits))
    key.reset();
  return key;
}

Error denied(const char* what) {
  return Error(ErrorKind::denied, what);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<std::string> base64url_decode(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != std::string::npos)
    return Error(ErrorKind::corrupt, "not base64url");
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return base64_decode(plain);
}

Result<std::string> make_jwt(const json::object& claims, const Secret& private_key_pem) {
  const Key key = read_key(private_key_pem.reveal_for("OpenSSL"), /*may_be_public=*/false);
  if (!key)
    return Error(ErrorKind::config, "the private key cannot be used")
        .with_hint("it must be an RSA key of 2048 bits or more in PEM, without a password");
  std::string token = base64url_encode(kHeader) + "." + base64url_encode(json::serialize(claims));
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  size_t size = 0;
  std::string signature;
  bool signed_it = context != nullptr && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(),
                                                            nullptr, key.get()) == 1;
  signed_it = signed_it &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes_of(token), token.size()) == 1;
  signature.resize(size);
  signed_it =
      signed_it && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                  &size, bytes_of(token), token.size()) == 1;
  ERR_clear_error();
  if (!signed_it) return Error(ErrorKind::internal, "OpenSSL cannot sign with the private key");
  signature.resize(size);
  return token + "." + base64url_encode(signature);
}

Result<json::object> read_jwt(std::string_view token, std::string_view key_pem) {
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return denied("not a JSON web token");
  const Key key = read_key(key_pem, /*may_be_public=*/true);
  if (!key) return Error(ErrorKind::config, "the key cannot be used");
  const auto header = base64url_decode(token.substr(0, first));
  const auto claims = base64url_decode(token.substr(first + 1, second - first - 1));
  const auto signature = base64url_decode(token.substr(second + 1));
  if (!header.ok() || !claims.ok() || !signature.ok()) return denied("not a JSON web token");
  const auto read = parse_json_object(*header, "the token's header");
  if (!read.ok() || string_or(*read, "alg") != "RS256")
    return denied("the token is not signed with RS256");
  const std::string_view text = token.substr(0, second);
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const bool is_right =
      context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(*signature), signature->size(), bytes_of(text),
                       text.size()) == 1;
  ERR_clear_error();
  if (!is_right) return denied("the token's signature is not right");
  return parse_json_object(*claims, "the token's claims");
}

}  // namespace pawl
