#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace pawl {
namespace {

constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Hash, IsSha256) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), kAbc);
}

TEST(Hash, OfPiecesIsThatOfTheWhole) {
  Sha256Stream stream;
  stream.update("a");
  stream.update("");
  EXPECT_EQ(hex_encode(stream.peek()), sha256_hex("a"));
  stream.update("bc");
  EXPECT_EQ(hex_encode(stream.peek()), kAbc);
  EXPECT_EQ(hex_encode(stream.finish()), kAbc);
}

TEST(Hash, AStreamMayBeMoved) {
  Sha256Stream stream;
  stream.update("ab");
  Sha256Stream other = std::move(stream);
  other.update("c");
  EXPECT_EQ(hex_encode(other.finish()), kAbc);
}

TEST(Hash, HmacIsThatOfRfc4231) {
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                                   "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  // An empty key is one, too.
  EXPECT_EQ(hex_encode(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hash, ComparesInConstantTime) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace pawl
