#include "base/jwt.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "support/test_keys.h"

namespace pawl {
namespace {

json::object claims() {
  return {{"iat", 1699999940}, {"exp", 1700000540}, {"iss", "1234"}};
}

TEST(Jwt, IsWhatOpensslSigns) {
  for (const char* key : {test::kRsaKey, test::kRsaKeyPkcs8}) {
    const auto made = make_jwt(claims(), Secret(key));
    ASSERT_TRUE(made.ok()) << made.error().message();
    EXPECT_EQ(*made, test::kSignedByOpenssl);
  }
}

TEST(Jwt, IsReadWithEitherHalfOfItsKey) {
  for (const char* key : {test::kRsaPublicKey, test::kRsaKey}) {
    const auto read = read_jwt(test::kSignedByOpenssl, key);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->at("iss"), "1234");
  }
}

TEST(Jwt, IsNotMadeWithAKeyThatIsNone) {
  const std::string cut(test::kRsaKey, 500);
  for (const std::string& key :
       {std::string(), std::string("no key"), cut, std::string(test::kSmallRsaKey),
        std::string(test::kEcKey), std::string(test::kRsaPublicKey)}) {
    const auto made = make_jwt(claims(), Secret(key));
    ASSERT_FALSE(made.ok()) << key;
    EXPECT_EQ(made.error().kind(), ErrorKind::config);
    EXPECT_EQ(made.error().message(), "the private key cannot be used");
  }
}

TEST(Jwt, IsRefusedWhenAnythingInItWasChanged) {
  const std::string right = test::kSignedByOpenssl;
  const size_t payload = right.find('.') + 1, signature = right.rfind('.') + 1;
  const auto resigned = [&](std::string_view header) {
    return base64url_encode(header) + right.substr(right.find('.'));
  };
  const std::string rows[] = {
      "",
      "a.b",
      "...",
      right.substr(0, signature),                                               // no signature
      right.substr(0, payload) + "e30" + right.substr(signature - 1),           // other claims
      right.substr(0, signature) + std::string(right.size() - signature, 'A'),  // another one
      resigned(R"({"alg":"none"})"),
      resigned(R"({"alg":"HS256"})"),  // the public key as a password (RFC 8725 section 2.1)
      resigned("[]"),
  };
  for (const auto& token : rows) {
    const auto read = read_jwt(token, test::kRsaPublicKey);
    EXPECT_FALSE(read.ok()) << token;
  }
}

TEST(Base64Url, HasNoPaddingAndNoSlash) {
  const std::string bytes("\xfb\xff\xfe\x00", 4);
  EXPECT_EQ(base64url_encode(bytes), "-__-AA");
  EXPECT_EQ(*base64url_decode("-__-AA"), bytes);
  EXPECT_FALSE(base64url_decode("+//+AA").ok());
  EXPECT_FALSE(base64url_decode("-__-AA==").ok());
}

}  // namespace
}  // namespace pawl
