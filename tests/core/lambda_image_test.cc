// What Lambda cannot run is refused with what mends it, and what is not known stops nobody.
#include "core/lambda_image.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
const std::string kGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

TEST(LambdaImage, RunsWhatIsUsual) {
  for (const std::string architecture : {"amd64", "arm64", ""})
    for (const std::string& type :
         {kGzip, std::string("application/vnd.docker.image.rootfs.diff.tar.gzip"),
          std::string("application/vnd.oci.image.layer.v1.tar"), std::string()}) {
      const ImageFacts facts{"linux", architecture, {{type, 1'000, 0}}};
      EXPECT_TRUE(check_lambda_image(facts, "", "i").ok()) << type;
      EXPECT_TRUE(check_lambda_image(facts, architecture, "i").ok()) << type;
    }
  EXPECT_TRUE(check_lambda_image(ImageFacts{}, "arm64", "i").ok());
}

TEST(LambdaImage, RefusesWhatItCannotRunAndSaysWhatMendsIt) {
  struct Row {
    ImageFacts facts;
    std::string wanted;
    std::string why;
    std::string hint;
  };
  const Row rows[] = {
      {{"linux", "amd64", {}},
       "arm64",
       "built for amd64, and the function runs on arm64",
       "image.build.platform to linux/arm64"},
      {{"windows", "amd64", {}}, "", "built for windows", "--platform linux/amd64"},
      {{"linux", "riscv64", {}}, "", "built for riscv64", "--platform linux/amd64"},
      {{"linux", "amd64", {{kGzip, 1, 0}, {"application/vnd.oci.image.layer.v1.tar+zstd", 1, 0}}},
       "",
       "zstd",
       "compression=gzip"},
      {{"linux", "amd64", {{kGzip + "+encrypted", 1, 0}}}, "", "encrypted", "--encryption-key"},
      {{"", "", {{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", 1, 0}}},
       "",
       "no registry keeps",
       "Linux base image"},
      {{"linux", "amd64", {{kGzip, 6 * kGiB, 0}, {kGzip, 4 * kGiB + 1, 0}}},
       "",
       "takes 10.0 GiB or more",
       "smaller base image"},
      {{"linux", "amd64", {{kGzip, 2 * kGiB, 7 * kGiB}, {kGzip, 4 * kGiB, 0}}},
       "",
       "takes 11.0 GiB or more",
       "smaller base image"},
  };
  for (const Row& row : rows) {
    const auto fits = check_lambda_image(row.facts, row.wanted, "ghcr.io/x/y:v1");
    ASSERT_FALSE(fits.ok()) << row.why;
    EXPECT_EQ(fits.error().kind(), ErrorKind::config);
    EXPECT_TRUE(fits.error().message().starts_with("Lambda cannot run ghcr.io/x/y:v1: "));
    EXPECT_NE(fits.error().message().find(row.why), std::string::npos) << fits.error().message();
    EXPECT_NE(fits.error().hint().find(row.hint), std::string::npos) << fits.error().hint();
  }
}

TEST(LambdaImage, TenGiBAreStillFine) {
  const ImageFacts facts{"linux", "arm64", {{kGzip, 4 * kGiB, 6 * kGiB}, {kGzip, kGiB, 4 * kGiB}}};
  EXPECT_TRUE(check_lambda_image(facts, "arm64", "i").ok());
}

}  // namespace
}  // namespace pawl
