// CloudFront's model: what one reference stands for, and what is refused.
#include "sim/cloud/cloudfront.h"

#include <gtest/gtest.h>

#include "sim/world.h"

namespace pawl::cloud {
namespace {

struct Distributed : World {
  std::string id = cloud.cloudfront.create("site", now).id;
  Result<Invalidation> tell(std::vector<std::string> paths, const std::string& reference) {
    return cloud.cloudfront.invalidate(id, std::move(paths), reference, now);
  }
};

TEST(CloudFrontModel, TheSameReferenceIsTheSameInvalidation) {
  Distributed w;
  const auto first = w.tell({"/a.html"}, "r");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(w.tell({"/a.html"}, "r")->id, first->id);
  EXPECT_NE(w.tell({"/a.html"}, "s")->id, first->id);
  EXPECT_EQ(code_of(w.tell({"/b.html"}, "r")), "InvalidationBatchAlreadyExists");
  EXPECT_EQ(w.cloud.ledger.of("cloudfront", "CreateInvalidation").size(), 2u);
}

TEST(CloudFrontModel, TakesAWhile) {
  Distributed w;
  const auto made = w.tell({"/*"}, "r");
  EXPECT_FALSE(CloudFront::is_done(*made, w.now));
  EXPECT_TRUE(CloudFront::is_done(*made, w.now + CloudFront::kTakes));
}

TEST(CloudFrontModel, RefusesWhatCloudFrontRefuses) {
  Distributed w;
  EXPECT_EQ(code_of(w.tell({}, "r")), "InvalidArgument");
  EXPECT_EQ(code_of(w.tell({"a.html"}, "r")), "InvalidArgument");
  EXPECT_EQ(code_of(w.cloud.cloudfront.invalidate("E0", {"/"}, "r", w.now)), "NoSuchDistribution");
  EXPECT_EQ(code_of(w.cloud.cloudfront.find_invalidation(w.id, "I0")), "NoSuchInvalidation");
  for (size_t i = 0; i < CloudFront::kMaxWildcardsInProgress; ++i)
    ASSERT_TRUE(w.tell({"/*"}, "w" + std::to_string(i)).ok());
  EXPECT_EQ(code_of(w.tell({"/*"}, "r")), "TooManyInvalidationsInProgress");
}

TEST(CloudFrontModel, SurvivesJson) {
  Distributed w;
  const auto made = w.tell({"/a.html"}, "r");
  World other;
  ASSERT_TRUE(other.cloud.cloudfront.load(w.cloud.cloudfront.to_json()).ok());
  EXPECT_EQ(other.cloud.cloudfront.find_invalidation(w.id, made->id)->paths, made->paths);
}

}  // namespace
}  // namespace pawl::cloud
