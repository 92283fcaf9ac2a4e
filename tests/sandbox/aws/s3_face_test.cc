#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sandbox/aws/rig.h"
#include "sim/cloud/blob_store.h"

namespace pawl::sandbox {
namespace {

std::string header(const HttpResponse& response, const char* name) {
  return response.headers.get_or(name, "");
}

struct Site : AwsRig {
  Site() { EXPECT_EQ(call("s3", "PUT", "/site").status, 200); }
  HttpResponse put(const std::string& target, const std::string& body, Headers headers = {}) {
    return call("s3", "PUT", "/site/" + target, body, std::move(headers));
  }
  HttpResponse get(const std::string& target, Headers headers = {}) {
    return call("s3", "GET", "/site/" + target, "", std::move(headers));
  }
  std::string code(const HttpResponse& response) { return xml(response).text_of("Code"); }
  size_t files() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
};

TEST(S3Face, AnObjectComesBackWithItsHeaders) {
  Site s;
  const auto stored = s.put("index.html", "hello",
                            {{"Content-Type", "text/html"},
                             {"Cache-Control", "no-cache"},
                             {"x-amz-meta-sha256", "ab"},
                             {"x-amz-checksum-crc32", "NhCmhg=="}});
  ASSERT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(header(stored, "ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  const auto got = s.get("index.html", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(header(got, "Content-Type"), "text/html");
  EXPECT_EQ(header(got, "Cache-Control"), "no-cache");
  EXPECT_EQ(header(got, "x-amz-meta-sha256"), "ab");
  EXPECT_EQ(header(got, "x-amz-checksum-crc32"), "NhCmhg==");
  EXPECT_EQ(header(got, "Last-Modified").substr(26), "GMT");
  const auto head = s.call("s3", "HEAD", "/site/index.html");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(header(head, "Content-Length"), "5");
  EXPECT_TRUE(head.body.empty());
}

TEST(S3Face, KeysMayHoldAnything) {
  Site s;
  for (const char* key :
       {"a%20b", "a%2Bb%26c", "%C3%BCml%C3%A4ut", "deep/er//double", "tilde~(x)'*!"}) {
    EXPECT_EQ(s.put(key, key).status, 200) << key;
    EXPECT_EQ(s.get(key).body, key) << key;
  }
  const auto list = s.xml(s.call("s3", "GET", "/site?list-type=2&encoding-type=url"));
  EXPECT_EQ(list.all("Contents").size(), 5u);
  EXPECT_EQ(list.text_of("KeyCount"), "5");
}

TEST(S3Face, PartsOfAnObjectAreGiven) {
  Site s;
  s.put("a", "0123456789");
  const struct {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  } rows[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"}, {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=-2", 206, "89", "bytes 8-9/10"},    {"bytes=8-100", 206, "89", "bytes 8-9/10"},
      {"bytes=5-2", 200, "0123456789", ""},       {"nonsense", 200, "0123456789", ""}};
  for (const auto& row : rows) {
    const auto got = s.get("a", {{"Range", row.range}});
    EXPECT_EQ(got.status, row.status) << row.range;
    EXPECT_EQ(got.body, row.body) << row.range;
    EXPECT_EQ(header(got, "Content-Range"), row.content_range) << row.range;
  }
  EXPECT_EQ(s.get("a", {{"Range", "bytes=10-"}}).status, 416);
}

TEST(S3Face, ReadsUnderConditions) {
  Site s;
  const std::string etag = header(s.put("a", "x"), "ETag");
  EXPECT_EQ(s.get("a", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(s.get("a", {{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_EQ(s.get("a", {{"If-Match", "\"other\""}}).status, 412);
  const std::string modified = header(s.get("a"), "Last-Modified");
  EXPECT_EQ(s.get("a", {{"If-Modified-Since", modified}}).status, 304);
  EXPECT_EQ(s.get("a", {{"If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}}).status, 412);
}

TEST(S3Face, DeletesUnderConditions) {
  Site s;
  const std::string first = header(s.put("a", "1"), "ETag");
  const std::string second = header(s.put("a", "2"), "ETag");
  const auto refused = s.call("s3", "DELETE", "/site/a", "", {{"If-Match", first}});
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(s.code(refused), "PreconditionFailed");
  EXPECT_EQ(s.get("a").body, "2");
  EXPECT_EQ(s.call("s3", "DELETE", "/site/a", "", {{"If-Match", second}}).status, 204);
  EXPECT_EQ(s.call("s3", "DELETE", "/site/a", "", {{"If-Match", second}}).status, 404);
  EXPECT_EQ(s.call("s3", "DELETE", "/site/a").status, 204);
}

TEST(S3Face, WritesUnderConditions) {
  Site s;
  const Headers absent{{"If-None-Match", "*"}};
  const std::string etag = header(s.put("lock", "1", absent), "ETag");
  const auto second = s.put("lock", "2", absent);
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(s.code(second), "PreconditionFailed");
  EXPECT_EQ(s.put("lock", "3", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(s.put("lock", "4", {{"If-Match", etag}}).status, 412);
  EXPECT_EQ(s.put("none", "5", {{"If-Match", etag}}).status, 404);
  EXPECT_EQ(s.get("lock").body, "3");
  EXPECT_EQ(s.files(), 1u);
}

TEST(S3Face, ABodyThatIsNotWhatItClaimsIsRefusedAndLeavesNothing) {
  Site s;
  const struct {
    Headers headers;
    const char* code;
  } rows[] = {
      {{{"Content-MD5", base64_encode(std::string(16, 'x'))}}, "BadDigest"},
      {{{"Content-MD5", "short"}}, "InvalidDigest"},
      {{{"x-amz-checksum-crc32", "AAAAAA=="}}, "BadDigest"},
      {{{"x-amz-checksum-sha256", "AAAA"}}, "BadDigest"},
      {{{"x-amz-content-sha256", sha256_hex("another body")}}, "XAmzContentSHA256Mismatch"},
  };
  for (const auto& row : rows) {
    const auto response = s.put("a", "hello", row.headers);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(s.code(response), row.code);
  }
  EXPECT_EQ(s.files(), 0u);
  EXPECT_EQ(s.put("a", "hello", {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}).status, 200);
}

TEST(S3Face, WhatIsNotThereIsSaidInXml) {
  Site s;
  const auto none = s.get("none");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(s.code(none), "NoSuchKey");
  EXPECT_EQ(s.code(s.call("s3", "GET", "/nowhere/a")), "NoSuchBucket");
  EXPECT_EQ(s.code(s.call("s3", "PUT", "/nowhere/a", "x")), "NoSuchBucket");
  EXPECT_EQ(s.call("s3", "HEAD", "/nowhere").status, 404);
  EXPECT_EQ(s.code(s.call("s3", "GET", "/site?policy")), "NoSuchBucketPolicy");
  EXPECT_EQ(s.call("s3", "GET", "/site/a?tagging").status, 501);
}

TEST(S3Face, ListsInPages) {
  Site s;
  for (const char* key : {"a", "b/1", "b/2", "c/1", "d"}) s.put(key, "x");
  std::string seen;
  std::string token;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page =
        s.xml(s.call("s3", "GET",
                     "/site?delimiter=%2F&list-type=2&max-keys=2" +
                         (token.empty() ? "" : "&continuation-token=" + url_encode(token))));
    for (const auto* one : page.all("Contents")) seen += one->text_of("Key") + " ";
    for (const auto* one : page.all("CommonPrefixes")) seen += one->text_of("Prefix") + " ";
    token = page.text_of("NextContinuationToken");
    if (page.text_of("IsTruncated") == "false") break;
  }
  EXPECT_EQ(seen, "a b/ d c/ ");  // objects of a page come before its prefixes
  EXPECT_EQ(s.code(s.call("s3", "GET", "/site?continuation-token=x&list-type=2")),
            "InvalidArgument");
  const auto first = s.xml(s.call("s3", "GET", "/site?marker=b%2F1&max-keys=2"));
  EXPECT_EQ(first.all("Contents").size(), 2u);
  EXPECT_EQ(first.all("Contents")[0]->text_of("Key"), "b/2");
  EXPECT_EQ(first.text_of("IsTruncated"), "true");
}

TEST(S3Face, DeletesOneAndMany) {
  Site s;
  for (const char* key : {"a", "b", "c"}) s.put(key, "x");
  EXPECT_EQ(s.call("s3", "DELETE", "/site/a").status, 204);
  EXPECT_EQ(s.call("s3", "DELETE", "/site/a").status, 204);
  const auto many = s.xml(
      s.call("s3", "POST", "/site?delete",
             "<Delete><Object><Key>b</Key></Object><Object><Key>never</Key></Object></Delete>"));
  EXPECT_EQ(many.all("Deleted").size(), 2u);
  EXPECT_EQ(s.code(s.call("s3", "POST", "/site?delete", "<Delete/>")), "MalformedXML");
  EXPECT_EQ(s.code(s.call("s3", "POST", "/site?delete", "no xml")), "MalformedXML");
  EXPECT_EQ(s.files(), 1u);
}

TEST(S3Face, CopiesWithinAndAcrossBuckets) {
  Site s;
  s.call("s3", "PUT", "/other");
  s.put("a%20b", "body", {{"Content-Type", "text/css"}});
  EXPECT_EQ(s.call("s3", "PUT", "/other/copy", "", {{"x-amz-copy-source", "/site/a%20b"}}).status,
            200);
  const auto copy = s.call("s3", "GET", "/other/copy");
  EXPECT_EQ(copy.body, "body");
  EXPECT_EQ(header(copy, "Content-Type"), "text/css");
  s.call("s3", "DELETE", "/site/a%20b");
  EXPECT_EQ(s.call("s3", "GET", "/other/copy").body, "body");
}

TEST(S3Face, AnUploadInPartsBecomesOneObject) {
  Site s;
  const std::string id =
      s.xml(s.call("s3", "POST", "/site/big?uploads", "", {{"Content-Type", "text/x"}}))
          .text_of("UploadId");
  const std::string first(5u << 20, 'x');
  const std::string target = "/site/big?partNumber={}&uploadId=" + id;
  const std::string one =
      header(s.call("s3", "PUT", "/site/big?partNumber=1&uploadId=" + id, first), "ETag");
  const std::string two =
      header(s.call("s3", "PUT", "/site/big?partNumber=2&uploadId=" + id, "tail"), "ETag");
  const auto listed = s.xml(s.call("s3", "GET", "/site/big?uploadId=" + id));
  EXPECT_EQ(listed.all("Part").size(), 2u);
  const auto done = s.call(
      "s3", "POST", "/site/big?uploadId=" + id,
      fmt::format("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>"
                  "<Part><PartNumber>2</PartNumber><ETag>{}</ETag></Part>"
                  "</CompleteMultipartUpload>",
                  one, two));
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_NE(s.xml(done).text_of("ETag").find("-2\""), std::string::npos);
  const auto got = s.get("big");
  EXPECT_EQ(got.body, first + "tail");
  EXPECT_EQ(header(got, "Content-Type"), "text/x");
  EXPECT_EQ(s.files(), 1u);
  EXPECT_EQ(s.code(s.call("s3", "GET", "/site/big?uploadId=" + id)), "NoSuchUpload");
}

TEST(S3Face, TakesUnsignedChunksWithAChecksumAtTheEnd) {
  Site s;
  const std::string body = "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  Headers headers{{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
                  {"Content-Encoding", "aws-chunked"},
                  {"x-amz-decoded-content-length", "5"},
                  {"x-amz-trailer", "x-amz-checksum-crc32"}};
  const auto stored = s.put("a", body, headers);
  ASSERT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(header(stored, "x-amz-checksum-crc32"), "NhCmhg==");
  EXPECT_EQ(s.get("a").body, "hello");
  EXPECT_FALSE(s.get("a").headers.has("Content-Encoding"));
  const std::string wrong = "5\r\nhellO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  EXPECT_EQ(s.code(s.put("a", wrong, headers)), "BadDigest");
  EXPECT_EQ(s.code(s.put("a", "5\r\nhello\r\n", headers)), "IncompleteBody");
  headers.set("x-amz-decoded-content-length", "6");
  EXPECT_EQ(s.code(s.put("a", body, headers)), "IncompleteBody");
}

TEST(S3Face, BucketsAreMadeFoundAndTakenAway) {
  Site s;
  EXPECT_EQ(s.call("s3", "PUT", "/site").status, 200);  // one's own, in us-east-1
  EXPECT_EQ(s.call("s3", "PUT", "/No").status, 400);
  const auto list = s.xml(s.call("s3", "GET", "/"));
  EXPECT_EQ(list.find("Buckets")->all("Bucket").size(), 1u);
  EXPECT_EQ(s.xml(s.call("s3", "GET", "/site?location")).text, "");
  EXPECT_EQ(header(s.call("s3", "HEAD", "/site"), "x-amz-bucket-region"), "us-east-1");
  s.put("a", "x");
  EXPECT_EQ(s.call("s3", "DELETE", "/site").status, 409);
  s.call("s3", "DELETE", "/site/a");
  EXPECT_EQ(s.call("s3", "DELETE", "/site").status, 204);
}

TEST(S3Face, AnInterruptedStoreIsSweptOfWhatNobodyNames) {
  Site s;
  s.put("kept", "x");
  ASSERT_TRUE(s.blobs->put("an orphan").ok());
  EXPECT_EQ(s.files(), 2u);
  s.blobs->sweep(s.cloud.s3.blob_ids());
  EXPECT_EQ(s.files(), 1u);
  EXPECT_EQ(s.get("kept").body, "x");
}

}  // namespace
}  // namespace pawl::sandbox
