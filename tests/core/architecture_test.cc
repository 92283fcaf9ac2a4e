// The image's platform against the function's architecture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/architecture.h"

namespace pawl {
namespace {

TEST(Architecture, IsComparedInLambdasWords) {
  const struct {
    const char* platform;
    const char* function;
    bool fits;
  } kCases[] = {
      {"linux/amd64", "x86_64", true},
      {"amd64", "x86_64", true},
      {"linux/arm64", "arm64", true},
      {"linux/arm64/v8", "arm64", true},
      {"aarch64", "arm64", true},
      {"linux/amd64", "arm64", false},
      {"linux/arm64", "x86_64", false},
      {"linux/s390x", "x86_64", false},
      {"", "arm64", true},
      {"linux/arm64", "", true},
  };
  for (const auto& [platform, function, fits] : kCases)
    EXPECT_EQ(check_architecture(platform, function, "meals").ok(), fits)
        << platform << " on " << function;
}

TEST(Architecture, ARefusalNamesTheOptionThatMendsIt) {
  const auto refused = check_architecture("linux/amd64", "arm64", "meals-dev");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::refused);
  EXPECT_EQ(refused.error().message(),
            "the image is built for linux/amd64, and meals-dev runs on arm64: it could not start");
  EXPECT_THAT(refused.error().hint(), testing::HasSubstr("platform: linux/arm64"));
}

}  // namespace
}  // namespace pawl
