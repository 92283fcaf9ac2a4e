// CloudFront's protocol as its clients speak it.
#include <gtest/gtest.h>

#include "sandbox/aws/rig.h"

namespace pawl::sandbox {
namespace {

constexpr const char* kBatch =
    "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths>"
    "<Quantity>1</Quantity><Items><Path>/a&amp;b.html</Path></Items></Paths>"
    "<CallerReference>one</CallerReference></InvalidationBatch>";

struct Distributed : AwsRig {
  std::string id = cloud.cloudfront.create("site", clock.now()).id;
  std::string path = "/2020-05-31/distribution/" + id + "/invalidation";
};

TEST(CloudFrontFace, MakesShowsAndListsInvalidations) {
  Distributed d;
  const auto made = d.call("cloudfront", "POST", d.path, kBatch);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string invalidation = d.xml(made).text_of("Id");
  EXPECT_EQ(d.xml(made).text_of("InvalidationBatch/Paths/Items/Path"), "/a&b.html");
  EXPECT_EQ(d.xml(d.call("cloudfront", "POST", d.path, kBatch)).text_of("Id"), invalidation);
  const auto shown = d.call("cloudfront", "GET", d.path + "/" + invalidation);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(d.xml(shown).text_of("InvalidationBatch/CallerReference"), "one");
  EXPECT_EQ(d.xml(d.call("cloudfront", "GET", d.path)).text_of("Quantity"), "1");
  EXPECT_EQ(d.xml(d.call("cloudfront", "GET", "/2020-05-31/distribution")).text_of("Quantity"),
            "1");
}

TEST(CloudFrontFace, RefusesInCloudFrontsWords) {
  Distributed d;
  const auto unknown =
      d.call("cloudfront", "POST", "/2020-05-31/distribution/E0/invalidation", kBatch);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(d.xml(unknown).text_of("Error/Code"), "NoSuchDistribution");
  std::string wrong = kBatch;
  wrong.replace(wrong.find("<Quantity>1"), 11, "<Quantity>2");
  EXPECT_EQ(d.xml(d.call("cloudfront", "POST", d.path, wrong)).text_of("Error/Code"),
            "InconsistentQuantities");
  EXPECT_EQ(d.xml(d.call("cloudfront", "POST", d.path, "{}")).text_of("Error/Code"),
            "MalformedXML");
  EXPECT_EQ(d.call("cloudfront", "DELETE", d.path).status, 501);
}

}  // namespace
}  // namespace pawl::sandbox
