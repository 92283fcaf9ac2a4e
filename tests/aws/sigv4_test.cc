// SigV4 against AWS's published test suite, the worked examples in the S3 documentation, and the
// check that a server makes.
#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include "aws/canonical.h"
#include "base/hash.h"
#include "sigv4_suite.h"

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
constexpr std::chrono::hours kSuiteLifetime{1};

std::string signature_in(const Headers& headers) {
  const std::string authorization = headers.get_or("Authorization", "");
  return authorization.substr(authorization.find("Signature=") + 10);
}

using test::suite;
using test::SuiteCase;

SignableRequest as_request(const SuiteCase& each) {
  SignableRequest request{each.method, each.target, each.headers, sha256_hex(each.body)};
  request.headers.add("Host", "example.amazonaws.com");
  return request;
}

TEST(SigV4, AgreesWithThePublishedTestSuite) {
  EXPECT_EQ(suite().size(), 31u);
  const SigningScope scope{"us-east-1", "service"};
  for (const auto& each : suite()) {
    SignableRequest request = as_request(each);
    SignableRequest url = request;
    url.headers.remove("X-Amz-Content-Sha256");
    const std::string target =
        presign(url, suite_credentials(each.token), scope, at(kSuiteTime), kSuiteLifetime);
    EXPECT_EQ(target.substr(target.find("X-Amz-Signature=") + 16), each.presigned_signature)
        << each.name;
    sign(request, suite_credentials(each.token), scope, at(kSuiteTime));
    EXPECT_EQ(signature_in(request.headers), each.signature) << each.name;
  }
}

TEST(SigV4, AgreesWithThePublishedPathsThatAreNotNormalised) {
  for (const auto& each : test::kUnnormalisedPaths)
    EXPECT_EQ(canonical_s3_path(each.path), each.canonical) << each.name;
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
