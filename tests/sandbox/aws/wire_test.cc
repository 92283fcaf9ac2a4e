// The wire formats below the faces: chunked uploads, CBOR, checksums, forms.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "sandbox/aws/aws_chunked.h"
#include "sandbox/aws/cbor.h"
#include "sandbox/aws/checksums.h"
#include "sandbox/aws/query_form.h"

namespace pawl::sandbox {
namespace {

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, "Example: PUT object"
struct AwsExample {
  ChunkSigning signing{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "20130524T000000Z",
                       "us-east-1",
                       "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
  std::string wire =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
      std::string(65536, 'a') +
      "\r\n400;chunk-signature="
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
      std::string(1024, 'a') +
      "\r\n0;chunk-signature="
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
};

Result<std::string> decode(const std::optional<ChunkSigning>& signing, std::string_view wire,
                           size_t piece) {
  std::string out;
  AwsChunkedDecoder decoder(signing, [&](std::string_view bytes) {
    out += bytes;
    return ok();
  });
  while (!wire.empty()) {
    PAWL_CHECK(decoder.feed(wire.substr(0, piece)));
    wire.remove_prefix(std::min(piece, wire.size()));
  }
  PAWL_CHECK(decoder.finish());
  return out;
}

TEST(AwsChunked, TheExampleOfTheDocumentationIsAcceptedInPiecesOfAnySize) {
  const AwsExample example;
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}, example.wire.size()}) {
    auto decoded = decode(example.signing, example.wire, piece);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message();
    EXPECT_EQ(*decoded, std::string(66560, 'a'));
  }
}

TEST(AwsChunked, AChangedByteBreaksTheChainOfSignatures) {
  AwsExample example;
  example.wire[60000] = 'b';
  auto decoded = decode(example.signing, example.wire, 4096);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code(), "SignatureDoesNotMatch");
  EXPECT_FALSE(decode(example.signing, "1\r\na\r\n0\r\n\r\n", 4096).ok());
}

TEST(AwsChunked, RefusesWhatIsNotWellFormed) {
  for (const char* wire :
       {"", "zz\r\n", "5\r\nhel", "3\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n",
        "0\r\nno colon\r\n\r\n", "0\r\n\r\nmore", "ffffffffffffff\r\n"})
    EXPECT_FALSE(decode(std::nullopt, wire, 3).ok()) << wire;
  EXPECT_FALSE(decode(std::nullopt, std::string(20000, 'a'), 4096).ok());
}

TEST(Checksums, MatchTheirPublishedCheckValues) {
  // The check value of each algorithm is that of "123456789".
  const struct {
    const char* algorithm;
    std::string bytes;
  } rows[] = {
      {"crc32", std::string("\xcb\xf4\x39\x26", 4)},
      {"crc32c", std::string("\xe3\x06\x92\x83", 4)},
      {"crc64nvme", std::string("\xae\x8b\x14\x86\x0a\x79\x98\x88", 8)},
  };
  for (const auto& row : rows) {
    auto sum = Checksum::make(row.algorithm);
    sum->update("1234");
    sum->update("56789");
    EXPECT_EQ(sum->finish(), base64_encode(row.bytes)) << row.algorithm;
  }
  auto sha1 = Checksum::make("sha1");
  sha1->update("abc");
  EXPECT_EQ(sha1->finish(), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  EXPECT_EQ(Checksum::make("adler"), nullptr);
  EXPECT_EQ(checksum_in_name("X-Amz-Checksum-CRC32"), "crc32");
  EXPECT_EQ(checksum_in_name("x-amz-checksum-algorithm"), std::nullopt);
}

std::string hex(std::string_view bytes) {
  return hex_encode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}
std::string bytes(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return out;
}

TEST(Cbor, EncodesTheExamplesOfRfc8949) {
  const struct {
    json::value value;
    const char* encoded;
  } rows[] = {
      {0, "00"},
      {23, "17"},
      {24, "1818"},
      {1000, "1903e8"},
      {-1, "20"},
      {-1000, "3903e7"},
      {true, "f5"},
      {nullptr, "f6"},
      {"IETF", "6449455446"},
      {1.1, "fb3ff199999999999a"},
      {json::array{1, 2, 3}, "83010203"},
      {json::object{{"a", 1}}, "a1616101"},
      {1'000'000'000'000, "1b000000e8d4a51000"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(hex(cbor_encode(row.value)), row.encoded);
    auto decoded = cbor_decode(bytes(row.encoded));
    ASSERT_TRUE(decoded.ok()) << row.encoded;
    EXPECT_EQ(json::serialize(*decoded), json::serialize(row.value));
  }
}

TEST(Cbor, DecodesWhatOthersWrite) {
  EXPECT_EQ(json::serialize(*cbor_decode(bytes("9f018202039f0405ffff"))), "[1,[2,3],[4,5]]");
  EXPECT_EQ(json::serialize(*cbor_decode(bytes("7f657374726561646d696e67ff"))), "\"streaming\"");
  EXPECT_EQ(cbor_decode(bytes("f93e00"))->as_double(), 1.5);
  EXPECT_EQ(cbor_decode(bytes("fa47c35000"))->as_double(), 100000.0);
  const auto time = timestamp_in(*cbor_decode(bytes("c11a514b67b0")));
  ASSERT_TRUE(time);
  EXPECT_EQ(time->unix_ms, 1363896240000);
}

TEST(Cbor, EveryTruncationIsRefusedAndNothingCrashes) {
  const std::string whole = cbor_encode(
      json::object{{"a", json::array{1, "text", 2.5, timestamp({1000})}}, {"b", nullptr}});
  ASSERT_TRUE(cbor_decode(whole).ok());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(cbor_decode(whole.substr(0, length)).ok()) << length;
  EXPECT_FALSE(cbor_decode(whole + "x").ok());
  EXPECT_FALSE(cbor_decode(std::string(1000, '\x81')).ok());  // too deep
  EXPECT_FALSE(cbor_decode(bytes("9bffffffffffffffff")).ok());
  EXPECT_FALSE(cbor_decode(bytes("5bffffffffffffffff")).ok());
  EXPECT_FALSE(cbor_decode(bytes("c1fb7ff0000000000000")).ok());  // an endless time
}

TEST(QueryForm, MembersBecomeArraysInTheirOrder) {
  const json::object nested = nest_form({{"Action", "X"},
                                         {"A.member.2", "b"},
                                         {"A.member.10", "c"},
                                         {"A.member.1", "a"},
                                         {"D.member.1.Name", "n"},
                                         {"D.member.1.Value", "v"},
                                         {"S.Sum", "3"}});
  EXPECT_EQ(json::serialize(nested.at("A")), R"(["a","b","c"])");
  EXPECT_EQ(json::serialize(nested.at("D")), R"([{"Name":"n","Value":"v"}])");
  EXPECT_EQ(number_in(nested.at("S").as_object(), "Sum", 0), 3);
}

TEST(QueryForm, WritesXml) {
  EXPECT_EQ(
      query_xml(json::object{{"A", json::array{"x<", 1}}, {"T", timestamp({0})}, {"B", true}}),
      "<A><member>x&lt;</member><member>1</member></A><T>1970-01-01T00:00:00Z</T><B>true</B>");
}

}  // namespace
}  // namespace pawl::sandbox
