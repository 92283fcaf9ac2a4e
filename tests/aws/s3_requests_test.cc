// S3 and CloudFront as they are in a real account: buckets elsewhere, missing permissions, what is
// asked to slow down, what must not be deleted.
#include <gtest/gtest.h>

#include <tuple>

#include "aws/cloud_front.h"
#include "aws/s3.h"
#include "fake_http.h"
#include "support/fakes/run.h"
#include "support/temp_folder.h"

namespace pawl::aws {
namespace {

using fakes::run;
using test::Wire;

TEST(S3Requests, ABucketInAnotherRegionIsAskedThere) {
  const Headers told{{"x-amz-bucket-region", "eu-central-1"}};
  const struct {
    int status;
    const char* body;
    Headers headers;
  } rows[] = {
      {301, "<Error><Code>PermanentRedirect</Code></Error>", told},
      {307, "<Error><Code>TemporaryRedirect</Code></Error>", told},
      {400, "", told},  // to a HEAD
      {400,
       "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>",
       {}},
  };
  for (const auto& row : rows) {
    Wire wire;
    S3 store(wire.client);
    wire.http.answer(row.status, row.body, row.headers);
    wire.http.answer(200, "", {{"ETag", "\"e\""}, {"Content-Length", "4"}});
    wire.http.answer(404, "");
    const auto there = run(store.head("bucket", "k"));
    ASSERT_TRUE(there.ok()) << there.error().message();
    EXPECT_EQ((*there)->etag, "e");
    EXPECT_EQ(wire.last().url, "https://bucket.s3.eu-central-1.amazonaws.com/k");
    EXPECT_NE(wire.last().headers.get_or("Authorization", "").find("/eu-central-1/s3/"),
              std::string::npos);
    (void)run(store.head("bucket", "other"));  // known by now
    EXPECT_EQ(wire.http.requests.size(), 3u);
    EXPECT_EQ(wire.last().url, "https://bucket.s3.eu-central-1.amazonaws.com/other");
  }
}

TEST(S3Requests, ARegionThatIsNoneIsNotFollowed) {
  Wire wire;
  wire.http.answer(301, "", {{"x-amz-bucket-region", "evil.example/"}});
  EXPECT_EQ(run(S3(wire.client).list("bucket", "", kEveryObject)).error().kind(),
            ErrorKind::config);
  EXPECT_EQ(wire.http.requests.size(), 1u);
}

TEST(S3Requests, AMissingPermissionIsNamed) {
  Wire wire;
  S3 store(wire.client);
  wire.http.answer(403, "");
  auto head = run(store.head("bucket", "k"));
  ASSERT_FALSE(head.ok());
  EXPECT_NE(head.error().hint().find("s3:ListBucket on arn:aws:s3:::bucket"), std::string::npos);
  wire.http.answer(403,
                   "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is "
                   "not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:"
                   "eu-west-1:1:key/2</Message></Error>");
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.body = std::string("x");
  auto put = run(store.put(request));
  ASSERT_FALSE(put.ok());
  EXPECT_NE(put.error().hint().find("kms:GenerateDataKey"), std::string::npos);
  wire.http.answer(403, "<Error><Code>AccessDenied</Code></Error>");
  auto removed = run(store.remove("bucket", "k", "e"));
  EXPECT_NE(removed.error().hint().find("s3:DeleteObject and"), std::string::npos);
}

TEST(S3Requests, DeletionsCarryTheEtagThatWasSeen) {
  Wire wire;
  S3 store(wire.client);
  wire.http.answer(204, "");
  ASSERT_TRUE(run(store.remove("bucket", "k", "seen")).ok());
  EXPECT_EQ(wire.last().headers.get_or("If-Match", ""), "\"seen\"");
  wire.http.answer(412, "<Error><Code>PreconditionFailed</Code></Error>");
  wire.http.answer(200, "", {{"ETag", "\"other\""}});
  EXPECT_EQ(run(store.remove("bucket", "k", "seen")).error().kind(), ErrorKind::conflict);
  // A tombstone, or what an earlier try whose answer was lost has left.
  wire.http.answer(412, "<Error><Code>PreconditionFailed</Code></Error>");
  wire.http.answer(404, "");
  EXPECT_TRUE(run(store.remove("bucket", "k", "seen")).ok());
  wire.http.answer(404, "<Error><Code>NoSuchKey</Code></Error>");
  EXPECT_TRUE(run(store.remove("bucket", "k", "seen")).ok());
}

TEST(S3Requests, SlowDownIsWaitedOut) {
  Wire wire;
  wire.http.answer(503, "<Error><Code>SlowDown</Code></Error>");
  wire.http.answer(503, "<Error><Code>SlowDown</Code></Error>");
  wire.http.answer(200, "", {{"ETag", "\"e\""}});
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.body = std::string("x");
  request.if_match = "before";  // not even one that must not be done twice was begun
  ASSERT_TRUE(run(S3(wire.client).put(request)).ok());
  EXPECT_EQ(wire.clock.sleeps.size(), 2u);
}

TEST(S3Requests, AChecksumThatIsWrongIsSaidSo) {
  Wire wire;
  wire.http.answer(400,
                   "<Error><Code>BadDigest</Code><Message>The SHA256 you specified did not "
                   "match</Message></Error>");
  PutRequest request;
  request.bucket = "bucket";
  request.key = "k";
  request.body = std::string("x");
  const auto put = run(S3(wire.client).put(request));
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().kind(), ErrorKind::corrupt);
  EXPECT_NE(put.error().hint().find("changed meanwhile"), std::string::npos);
}

TEST(S3Requests, PartsCarryTheirChecksums) {
  Wire wire;
  pawl::test::TempFolder folder;
  PutRequest request;
  request.bucket = "bucket";
  request.key = "large.bin";
  const uint64_t size = kMultipartBytes + 1;
  request.body = FileOnDisk{folder.write("large.bin", std::string(size, 'x')), size};
  wire.http.answer(200, "<R><UploadId>u1</UploadId></R>");
  for (int part = 1; part <= 3; ++part)
    wire.http.answer(200, "", {{"ETag", "\"p" + std::to_string(part) + "\""}});
  wire.http.answer(200, "<R><ETag>&quot;whole-3&quot;</ETag></R>");
  const auto put = run(S3(wire.client).put(request));
  ASSERT_TRUE(put.ok()) << put.error().message();
  EXPECT_EQ(put->etag, "whole-3");
  const auto& asked = wire.http.requests;
  EXPECT_EQ(asked[0].headers.get_or("x-amz-checksum-algorithm", ""), "SHA256");
  const std::string checksum = asked[3].headers.get_or("x-amz-checksum-sha256", "");
  EXPECT_EQ(checksum, "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=");  // of "x"
  EXPECT_NE(wire.last().body.find("<ChecksumSHA256>" + checksum + "<"), std::string::npos);
}

TEST(CloudFront, IsOneForThePartitionWhateverTheRegion) {
  for (const auto& [region, host, home] :
       {std::tuple{"eu-west-1", "cloudfront.amazonaws.com", "us-east-1"},
        std::tuple{"cn-north-1", "cloudfront.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"}}) {
    Wire wire({region, {}});
    wire.http.answer(201, "<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>");
    wire.http.answer(200, "<Invalidation><Id>I1</Id><Status>Completed</Status></Invalidation>");
    CloudFront cdn(wire.client);
    EXPECT_EQ(*run(cdn.invalidate("E1", {"/a&b.html"}, "key")), "I1");
    EXPECT_EQ(wire.last().url,
              std::string("https://") + host + "/2020-05-31/distribution/E1/invalidation");
    EXPECT_NE(wire.last().body.find("<Path>/a&amp;b.html</Path>"), std::string::npos);
    EXPECT_NE(wire.last().body.find("<CallerReference>key<"), std::string::npos);
    EXPECT_NE(wire.last()
                  .headers.get_or("Authorization", "")
                  .find(std::string("/") + home + "/cloudfront/"),
              std::string::npos);
    EXPECT_TRUE(*run(cdn.is_done("E1", "I1")));
  }
}

TEST(CloudFront, TooManyAtOnceAreWaitedForAndAMissingPermissionIsNamed) {
  Wire wire;
  CloudFront cdn(wire.client);
  wire.http.answer(400,
                   "<ErrorResponse><Error><Code>TooManyInvalidationsInProgress</Code>"
                   "</Error></ErrorResponse>");
  wire.http.answer(201, "<Invalidation><Id>I1</Id></Invalidation>");
  EXPECT_TRUE(run(cdn.invalidate("E1", {"/*"}, "key")).ok());
  EXPECT_EQ(wire.clock.sleeps.size(), 1u);
  wire.http.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
  EXPECT_NE(
      run(cdn.invalidate("E1", {"/*"}, "key")).error().hint().find("cloudfront:CreateInvalidation"),
      std::string::npos);
}

}  // namespace
}  // namespace pawl::aws
