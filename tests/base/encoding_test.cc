#include "base/encoding.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

TEST(Hex, IsLowerCase) {
  const uint8_t bytes[] = {0x00, 0x0f, 0xab, 0xff};
  EXPECT_EQ(hex_encode(bytes), "000fabff");
  EXPECT_EQ(hex_encode({}), "");
}

TEST(Base64, IsThatOfRfc4648) {
  struct Row {
    const char* plain;
    const char* encoded;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"}};
  for (const auto& row : rows) {
    EXPECT_EQ(base64_encode(row.plain), row.encoded);
    EXPECT_EQ(*base64_decode(row.encoded), row.plain);
  }
}

TEST(Base64, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(*base64_decode(base64_encode(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotOne) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Z===", "====", "Zm9v!A==", "Zg==Zg==", "=Zg="})
    EXPECT_FALSE(base64_decode(bad).ok()) << bad;
}

TEST(UrlEncoding, LeavesOnlyUnreservedCharactersAlone) {
  EXPECT_EQ(url_encode("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(url_encode("a b/c+\xC3\xA4%"), "a%20b%2Fc%2B%C3%A4%25");
  EXPECT_EQ(url_encode("a/b:c", "/"), "a/b%3Ac");
}

TEST(UrlEncoding, IsUndone) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(*url_decode(url_encode(bytes)), bytes);
  EXPECT_EQ(*url_decode("%2f%2F+"), "//+");
  for (const char* bad : {"%", "%1", "%zz", "a%2"}) EXPECT_FALSE(url_decode(bad).ok()) << bad;
}

}  // namespace
}  // namespace pawl
