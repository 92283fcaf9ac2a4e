// SigV4 against AWS's published test suite, the worked examples in the S3 documentation, and the
// check that a server makes.
#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include "aws/canonical.h"
#include "base/hash.h"

namespace pawl::aws {
namespace {

Credentials suite_credentials(std::string token = "") {
  Credentials credentials;
  credentials.access_key_id = "AKIDEXAMPLE";
  credentials.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  if (!token.empty()) credentials.session_token = Secret(std::move(token));
  return credentials;
}

WallTime at(std::string_view iso) {
  return *parse_iso8601(iso);
}
const char* const kSuiteTime = "2015-08-30T12:36:00Z";

std::string signature_in(const Headers& headers) {
  const std::string authorization = headers.get_or("Authorization", "");
  return authorization.substr(authorization.find("Signature=") + 10);
}

struct SuiteCase {
  const char* name;
  const char* method;
  std::string target;
  Headers headers;
  std::string body;
  const char* signature;
};

const std::string kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const char* const kForm = "application/x-www-form-urlencoded";

// https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
const std::vector<SuiteCase>& suite() {
  static const std::vector<SuiteCase> cases = {
      {"get-vanilla",
       "GET",
       "/",
       {},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {},
       "",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/?Param1=value1",
       {},
       "",
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-unreserved",
       "GET",
       "/" + kUnreserved,
       {},
       "",
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-vanilla-query-unreserved",
       "GET",
       "/?" + kUnreserved + "=" + kUnreserved,
       {},
       "",
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-utf8",
       "GET",
       "/\xE1\x88\xB4",
       {},
       "",
       "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla-utf8-query",
       "GET",
       "/?\xE1\x88\xB4=bar",
       {},
       "",
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-slash",
       "GET",
       "//",
       {},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative",
       "GET",
       "/example/..",
       {},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-relative-relative",
       "GET",
       "/example1/example2/../..",
       {},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-dot-slash",
       "GET",
       "/./",
       {},
       "",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       {},
       "",
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slashes",
       "GET",
       "//example//",
       {},
       "",
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-space",
       "GET",
       "/example space/",
       {},
       "",
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       {{"My-Header1", "value4"},
        {"My-Header1", "value1"},
        {"My-Header1", "value3"},
        {"My-Header1", "value2"}},
       "",
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla",
       "POST",
       "/",
       {},
       "",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-vanilla-query",
       "POST",
       "/?Param1=value1",
       {},
       "",
       "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
      {"post-header-key-sort",
       "POST",
       "/",
       {{"My-Header1", "value1"}},
       "",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       {{"My-Header1", "VALUE1"}},
       "",
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       {{"Content-Type", kForm}},
       "Param1=value1",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       {{"Content-Type", std::string(kForm) + "; charset=utf8"}},
       "Param1=value1",
       "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
  };
  return cases;
}

SignableRequest as_request(const SuiteCase& each) {
  SignableRequest request{each.method, each.target, each.headers, sha256_hex(each.body)};
  request.headers.add("Host", "example.amazonaws.com");
  return request;
}

TEST(SigV4, AgreesWithThePublishedTestSuite) {
  for (const auto& each : suite()) {
    SignableRequest request = as_request(each);
    sign(request, suite_credentials(), SigningScope{"us-east-1", "service"}, at(kSuiteTime));
    EXPECT_EQ(signature_in(request.headers), each.signature) << each.name;
  }
}

TEST(SigV4, SignsASessionToken) {
  SignableRequest request{"POST", "/", {{"Host", "example.amazonaws.com"}}, sha256_hex("")};
  const auto credentials = suite_credentials(
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP"
      "IeoYR"
      "qYnTfC8sy4X5nfe4xSfR7W7DU7ZlwHjDKPU3TUFaxzjbr");
  sign(request, credentials, SigningScope{"us-east-1", "service"}, at(kSuiteTime));
  EXPECT_NE(request.headers.get_or("Authorization", "")
                .find("SignedHeaders=host;x-amz-date;x-amz-security-token,"),
            std::string::npos);
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
TEST(SigV4, AgreesWithTheWorkedExamplesOfS3) {
  Credentials credentials = suite_credentials();
  credentials.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  struct Example {
    const char* method;
    const char* target;
    Headers headers;
    const char* body;
    const char* signature;
  };
  const std::vector<Example> examples = {
      {"GET",
       "/test.txt",
       {{"Range", "bytes=0-9"}},
       "",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {"PUT",
       "/test%24file.text",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
       "Welcome to Amazon S3.",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {"GET",
       "/?lifecycle",
       {},
       "",
       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {"GET",
       "/?max-keys=2&prefix=J",
       {},
       "",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const auto& each : examples) {
    SignableRequest request{each.method, each.target, each.headers, sha256_hex(each.body)};
    request.headers.add("Host", "examplebucket.s3.amazonaws.com");
    sign(request, credentials, SigningScope{"us-east-1", "s3"}, at("2013-05-24T00:00:00Z"));
    EXPECT_EQ(signature_in(request.headers), each.signature) << each.target;
  }
  SignableRequest request{"GET",
                          "/test.txt",
                          {{"Host", "examplebucket.s3.amazonaws.com"}},
                          std::string(kUnsignedPayload)};
  const std::string target = presign(request, credentials, SigningScope{"us-east-1", "s3"},
                                     at("2013-05-24T00:00:00Z"), std::chrono::hours(24));
  EXPECT_EQ(target.substr(target.find("X-Amz-Signature=") + 16),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Canonical, AnS3PathIsEncodedOnceAndNotNormalised) {
  EXPECT_EQ(canonical_s3_path("/a//b/../c%20d:e"), "/a//b/../c%20d%3Ae");
  EXPECT_EQ(canonical_path("/a//b/../c%20d:e"), "/a/c%2520d%3Ae");
  EXPECT_EQ(canonical_s3_path(""), "/");
  EXPECT_EQ(canonical_path(""), "/");
}

TEST(Canonical, AQueryIsSortedByItsEncodedForm) {
  EXPECT_EQ(canonical_query("b=2&a=1&uploads"), "a=1&b=2&uploads=");
  EXPECT_EQ(canonical_query("prefix=a/b&x="), "prefix=a%2Fb&x=");
  EXPECT_EQ(canonical_query("k=b&k=a"), "k=a&k=b");
  EXPECT_EQ(canonical_query("a+b=%2B%zz"), "a%2Bb=%2B%25zz");
  EXPECT_EQ(canonical_query(""), "");
}

// --- the server's side ---------------------------------------------------------------------------

struct Signed {
  RawRequest request;
  KeyLookup lookup = [](const std::string& id) -> std::optional<KnownKey> {
    if (id != "AKIDEXAMPLE") return std::nullopt;
    return KnownKey{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", std::nullopt};
  };
};

Signed signed_put(std::string service = "s3", std::string target = "/bucket/a%20b?x=1",
                  std::string body = "hello") {
  SignableRequest request{"PUT", std::move(target), {{"Host", "127.0.0.1:4510"}}, sha256_hex(body)};
  sign(request, suite_credentials(), SigningScope{"us-east-1", std::move(service)}, at(kSuiteTime));
  Signed result;
  result.request = {request.method, request.target, request.headers, sha256_hex(body)};
  return result;
}

std::string code_of(const Signed& made, std::string_view now = kSuiteTime) {
  auto verified = verify(made.request, made.lookup, at(now));
  return verified.ok() ? "ok" : verified.error().code();
}

TEST(Verify, TakesWhatSignMade) {
  EXPECT_EQ(code_of(signed_put()), "ok");
  EXPECT_EQ(code_of(signed_put("lambda", "/2015-03-31/functions/arn:aws:lambda/code?b=&a=%2F")),
            "ok");
  auto verified = verify(signed_put().request, signed_put().lookup, at(kSuiteTime));
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->scope.service, "s3");
  EXPECT_EQ(verified->access_key_id, "AKIDEXAMPLE");
}

TEST(Verify, TakesEveryCaseOfTheTestSuite) {
  for (const auto& each : suite()) {
    SignableRequest request = as_request(each);
    sign(request, suite_credentials(), SigningScope{"us-east-1", "service"}, at(kSuiteTime));
    Signed made;
    made.request = {request.method, request.target, request.headers, sha256_hex(each.body)};
    EXPECT_EQ(code_of(made), "ok") << each.name;
  }
}

TEST(Verify, RefusesWhatWasChangedOnTheWay) {
  auto made = signed_put();
  made.request.target = "/bucket/a%20c?x=1";
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
  made = signed_put();
  made.request.method = "GET";
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
  made = signed_put();
  made.request.headers.set("Host", "elsewhere");
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
  made = signed_put();
  made.request.headers.add("X-Amz-Acl", "public-read");
  EXPECT_EQ(code_of(made), "AccessDenied");
  made = signed_put();
  made.request.body_sha256 = sha256_hex("other");
  EXPECT_EQ(code_of(made), "XAmzContentSHA256Mismatch");
  made = signed_put("lambda");
  made.request.body_sha256 = sha256_hex("other");
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
}

TEST(Verify, TellsTheCanonicalRequestThatItExpected) {
  auto made = signed_put();
  made.request.target = "/bucket/a%20c?x=1";
  auto verified = verify(made.request, made.lookup, at(kSuiteTime));
  ASSERT_FALSE(verified.ok());
  EXPECT_NE(verified.error().message().find("PUT\n/bucket/a%20c\nx=1"), std::string::npos);
}

TEST(Verify, ChecksTheKeyTheTokenAndTheTime) {
  EXPECT_EQ(code_of(signed_put(), "2015-08-30T12:51:00Z"), "ok");
  EXPECT_EQ(code_of(signed_put(), "2015-08-30T12:51:01Z"), "RequestTimeTooSkewed");
  EXPECT_EQ(code_of(signed_put(), "2015-08-30T12:20:59Z"), "RequestTimeTooSkewed");
  auto made = signed_put();
  made.lookup = [](const std::string&) { return std::nullopt; };
  EXPECT_EQ(code_of(made), "InvalidClientTokenId");
  made = signed_put();
  made.lookup = [](const std::string&) -> std::optional<KnownKey> {
    return KnownKey{"another-secret", "", std::nullopt};
  };
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
  made.lookup = [](const std::string&) -> std::optional<KnownKey> {
    return KnownKey{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-token", std::nullopt};
  };
  EXPECT_EQ(code_of(made), "InvalidClientTokenId");
  made.lookup = [](const std::string&) -> std::optional<KnownKey> {
    return KnownKey{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", at("2015-08-30T12:36:00Z")};
  };
  EXPECT_EQ(code_of(made), "ExpiredToken");
}

TEST(Verify, SaysWhatIsWrongWithAMalformedHeader) {
  const auto with = [](std::string authorization) {
    Signed made = signed_put();
    made.request.headers.set("Authorization", std::move(authorization));
    return code_of(made);
  };
  Signed unsigned_request = signed_put();
  unsigned_request.request.headers.remove("Authorization");
  EXPECT_EQ(code_of(unsigned_request), "MissingAuthenticationToken");
  for (const char* bad :
       {"Basic abc", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/c, Signature=x",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, "
        "Signature=aa",
        "AWS4-HMAC-SHA256 =,=,,,;"})
    EXPECT_EQ(with(bad), "IncompleteSignature") << bad;
  EXPECT_EQ(with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aws4_request, "
                 "SignedHeaders=x-amz-content-sha256;x-amz-date, Signature=aa"),
            "SignatureDoesNotMatch");
  Signed made = signed_put();
  made.request.headers.set("X-Amz-Date", "yesterday");
  EXPECT_EQ(code_of(made), "IncompleteSignature");
}

TEST(Verify, TakesAPresignedUrlUntilItExpires) {
  SignableRequest request{
      "GET", "/bucket/k?versionId=1", {{"Host", "127.0.0.1:4510"}}, std::string(kUnsignedPayload)};
  Signed made;
  made.request = {"GET",
                  presign(request, suite_credentials(), SigningScope{"us-east-1", "s3"},
                          at(kSuiteTime), std::chrono::hours(1)),
                  {{"Host", "127.0.0.1:4510"}},
                  sha256_hex("")};
  EXPECT_EQ(code_of(made), "ok");
  EXPECT_EQ(code_of(made, "2015-08-30T13:30:00Z"), "ok");
  EXPECT_EQ(code_of(made, "2015-08-30T13:36:01Z"), "AccessDenied");
  made.request.target += "&more=1";
  EXPECT_EQ(code_of(made), "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace pawl::aws
