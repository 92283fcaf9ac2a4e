// A small cloud for the tests of the model: time that the test moves, images that are there because
// the test says so.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "sim/cloud/cloud.h"

namespace pawl::cloud {

using namespace std::chrono_literals;

inline std::string digest_of(char digit) {
  return "sha256:" + std::string(64, digit);
}
inline constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

struct World {
  MemoryBlobStore blobs;
  Cloud cloud{{}, blobs};
  WallTime now{1'790'000'000'000};

  World() {
    (void)cloud.ecr.create("meals", false, now);
    for (char digit : {'a', 'b', 'c'}) push(digit);
    (void)cloud.ecr.put_image("meals", "index", digest_of('f'), kIndexType, "{}", now);
  }

  void push(char digit) {
    (void)cloud.ecr.put_image("meals", std::string(1, digit), digest_of(digit), kManifestType,
                              R"({"config":{"size":10},"layers":[{"size":32}]})", now);
  }
  void pass(std::chrono::milliseconds duration) { now = now + duration; }
  /// Long enough for whatever is in progress.
  void settle() { pass(1min); }

  std::string image(char digit) const {
    return cloud.ecr.repository_uri("meals") + "@" + digest_of(digit);
  }

  /// An active function "f" of the image 'a', its first version published, an alias on it.
  void deployed() {
    CreateFunction request;
    request.name = "f";
    request.settings.image_uri = image('a');
    request.settings.role = cloud.sts.role_arn("f");
    ASSERT_TRUE(cloud.lambda.create(request, now).ok());
    settle();
    ASSERT_TRUE(cloud.lambda.publish("f", {}, now).ok());
    ASSERT_TRUE(cloud.lambda.create_alias({"f", "live", "1", "", "", {}}, now).ok());
    settle();
  }
  /// Updates to an image, waits, publishes, waits.
  FunctionVersion release(char digit) {
    EXPECT_TRUE(cloud.lambda.update_code("f", {image(digit), "", "", false, false}, now).ok());
    settle();
    auto version = cloud.lambda.publish("f", {}, now);
    EXPECT_TRUE(version.ok());
    settle();
    return *version;
  }
};

template <class T>
std::string code_of(const Result<T>& result) {
  return result.ok() ? "" : result.error().code();
}

}  // namespace pawl::cloud
