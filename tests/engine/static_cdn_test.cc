// What a content delivery network is told, and how often.
#include "engine/static_cdn.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/fakes/cdn.h"
#include "support/fakes/clock.h"
#include "support/fakes/run.h"

namespace pawl {
namespace {

using fakes::FakeCdn;
using fakes::FakeClock;
using fakes::run;
using Paths = std::vector<std::string>;

TEST(InvalidationPaths, AreEncodedAsCloudFrontWantsThem) {
  EXPECT_EQ(invalidation_paths("/static/", {"b.txt", "a.txt"}),
            (Paths{"/static/a.txt", "/static/b.txt"}));
  // Unsafe in RFC 1738: encoded. All else stays as it is, or CloudFront finds nothing.
  EXPECT_EQ(invalidation_paths("/", {"a b+c(d)!@'$,;=&.txt"}), (Paths{"/a%20b+c(d)!@'$,;=&.txt"}));
  EXPECT_EQ(invalidation_paths("/", {"\xC3\xBC~%#?.txt"}), (Paths{"/%C3%BC%7E%25%23%3F.txt"}));
}

TEST(InvalidationPaths, TellTheFolderBesideItsIndex) {
  EXPECT_EQ(invalidation_paths("/", {"index.html", "docs/index.html", "myindex.html"}),
            (Paths{"/", "/docs/", "/docs/index.html", "/index.html", "/myindex.html"}));
}

TEST(InvalidationPaths, ManyAreOneWithAWildcard) {
  Paths files;
  for (int i = 0; i < 15; ++i) files.push_back(fmt::format("docs/{:02}.html", i));
  EXPECT_EQ(invalidation_paths("/", files).size(), 15u);
  files.push_back("docs/15.html");
  EXPECT_EQ(invalidation_paths("/", files), (Paths{"/docs/*"}));
  files.push_back("other.html");
  EXPECT_EQ(invalidation_paths("/", files), (Paths{"/*"}));
  EXPECT_EQ(invalidation_paths("/static/", files), (Paths{"/static/*"}));
  EXPECT_TRUE(invalidation_paths("/", {}).empty());
}

struct Network {
  FakeCdn cdn;
  FakeClock clock;
  CdnTarget target{"E1", "/", false};
  Result<std::string> tell(Paths files, std::string key = "k") {
    return run(invalidate(cdn, clock, target, std::move(files), std::move(key)));
  }
};

TEST(Invalidation, TheSameIsToldOnceAndOtherFilesAnew) {
  Network network;
  ASSERT_TRUE(network.tell({"a.html"}).ok());
  ASSERT_TRUE(network.tell({"a.html"}).ok());
  ASSERT_TRUE(network.tell({"a.html", "b.html"}).ok());
  ASSERT_TRUE(network.tell({"a.html"}, "another deployment").ok());
  EXPECT_EQ(network.cdn.told, (Paths{"E1 /a.html", "E1 /a.html,/b.html", "E1 /a.html"}));
}

TEST(Invalidation, NothingIsToldOfNothing) {
  Network network;
  EXPECT_EQ(*network.tell({}), "");
  network.target.distribution.clear();
  EXPECT_EQ(*network.tell({"a.html"}), "");
  EXPECT_TRUE(network.cdn.told.empty());
}

TEST(Invalidation, WaitsWhenAsked) {
  Network network;
  network.target.waits = true;
  network.cdn.looks_until_done = 3;
  ASSERT_TRUE(network.tell({"a.html"}).ok());
  EXPECT_EQ(network.cdn.looks_until_done, 0);
  network.cdn.looks_until_done = 1'000'000;
  const auto never = network.tell({"b.html"});
  ASSERT_FALSE(never.ok());
  EXPECT_EQ(never.error().kind(), ErrorKind::timeout);
  EXPECT_NE(never.error().hint().find("static.cloudfront.wait"), std::string::npos);
}

}  // namespace
}  // namespace pawl
