// The functions of OpenSSL's libcrypto that hashes, encodings and signatures call, each bound on
// its first call (base/lazy_library.h). It is the library that takes the loader longest.
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/lazy_library.h"

namespace {

pawl::LazyLibrary crypto_library("libcrypto.so.3", "libssl3");

}  // namespace

#define CRYPTO_FUNCTION(result, name, parameters, arguments) \
  PAWL_LAZY_FUNCTION(crypto_library, result, name, parameters, arguments)

CRYPTO_FUNCTION(EVP_MD_CTX*, EVP_MD_CTX_new, (), ())
CRYPTO_FUNCTION(void, EVP_MD_CTX_free, (EVP_MD_CTX * context), (context))
CRYPTO_FUNCTION(int, EVP_MD_CTX_copy_ex, (EVP_MD_CTX * out, const EVP_MD_CTX* in), (out, in))
CRYPTO_FUNCTION(int, EVP_DigestInit_ex, (EVP_MD_CTX * context, const EVP_MD* type, ENGINE* engine),
                (context, type, engine))
CRYPTO_FUNCTION(int, EVP_DigestUpdate, (EVP_MD_CTX * context, const void* bytes, size_t size),
                (context, bytes, size))
CRYPTO_FUNCTION(int, EVP_DigestFinal_ex,
                (EVP_MD_CTX * context, unsigned char* digest, unsigned int* size),
                (context, digest, size))
CRYPTO_FUNCTION(int, EVP_Digest,
                (const void* bytes, size_t size, unsigned char* digest, unsigned int* digest_size,
                 const EVP_MD* type, ENGINE* engine),
                (bytes, size, digest, digest_size, type, engine))
CRYPTO_FUNCTION(EVP_MD*, EVP_MD_fetch,
                (OSSL_LIB_CTX * context, const char* name, const char* properties),
                (context, name, properties))
CRYPTO_FUNCTION(const EVP_MD*, EVP_md5, (), ())
CRYPTO_FUNCTION(const EVP_MD*, EVP_sha1, (), ())
CRYPTO_FUNCTION(const EVP_MD*, EVP_sha256, (), ())
CRYPTO_FUNCTION(unsigned char*, HMAC,
                (const EVP_MD* type, const void* key, int key_size, const unsigned char* bytes,
                 size_t size, unsigned char* digest, unsigned int* digest_size),
                (type, key, key_size, bytes, size, digest, digest_size))
CRYPTO_FUNCTION(int, CRYPTO_memcmp, (const void* a, const void* b, size_t size), (a, b, size))
CRYPTO_FUNCTION(int, EVP_EncodeBlock, (unsigned char* text, const unsigned char* bytes, int size),
                (text, bytes, size))
CRYPTO_FUNCTION(int, EVP_DecodeBlock, (unsigned char* bytes, const unsigned char* text, int size),
                (bytes, text, size))

// Signatures.
CRYPTO_FUNCTION(BIO*, BIO_new_mem_buf, (const void* bytes, int size), (bytes, size))
CRYPTO_FUNCTION(int, BIO_free, (BIO * source), (source))
CRYPTO_FUNCTION(void, ERR_clear_error, (), ())
CRYPTO_FUNCTION(EVP_PKEY*, PEM_read_bio_PrivateKey,
                (BIO * source, EVP_PKEY** key, pem_password_cb* password, void* user),
                (source, key, password, user))
CRYPTO_FUNCTION(EVP_PKEY*, PEM_read_bio_PUBKEY,
                (BIO * source, EVP_PKEY** key, pem_password_cb* password, void* user),
                (source, key, password, user))
CRYPTO_FUNCTION(void, EVP_PKEY_free, (EVP_PKEY * key), (key))
CRYPTO_FUNCTION(int, EVP_PKEY_get_base_id, (const EVP_PKEY* key), (key))
CRYPTO_FUNCTION(int, EVP_PKEY_get_bits, (const EVP_PKEY* key), (key))
CRYPTO_FUNCTION(int, EVP_DigestSignInit,
                (EVP_MD_CTX * context, EVP_PKEY_CTX** key_context, const EVP_MD* type,
                 ENGINE* engine, EVP_PKEY* key),
                (context, key_context, type, engine, key))
CRYPTO_FUNCTION(int, EVP_DigestSign,
                (EVP_MD_CTX * context, unsigned char* signature, size_t* signature_size,
                 const unsigned char* bytes, size_t size),
                (context, signature, signature_size, bytes, size))
CRYPTO_FUNCTION(int, EVP_DigestVerifyInit,
                (EVP_MD_CTX * context, EVP_PKEY_CTX** key_context, const EVP_MD* type,
                 ENGINE* engine, EVP_PKEY* key),
                (context, key_context, type, engine, key))
CRYPTO_FUNCTION(int, EVP_DigestVerify,
                (EVP_MD_CTX * context, const unsigned char* signature, size_t signature_size,
                 const unsigned char* bytes, size_t size),
                (context, signature, signature_size, bytes, size))
