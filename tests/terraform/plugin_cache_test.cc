#include "terraform/plugin_cache.h"

#include <gtest/gtest.h>

#include "support/fake_processes.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::run_now;

// Time passes when somebody waits; then `on_sleep` happens.
class Waiting : public Clock {
 public:
  WallTime now() const override { return {0}; }
  SteadyTime steady_now() const override { return {slept}; }
  Task<Result<void>> sleep_for(milliseconds duration) override {
    slept += duration.count();
    if (on_sleep) on_sleep();
    co_return ok();
  }
  int64_t slept = 0;
  std::function<void()> on_sleep;
};

class Cache : public testing::Test {
 protected:
  PluginCache take(bool is_ours = true) {
    LogLine log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
    auto cache = run_now(PluginCache::take(path_, is_ours, &clock_, std::chrono::minutes(1), log));
    EXPECT_TRUE(cache.ok());
    return cache.ok() ? *std::move(cache) : PluginCache();
  }

  test::TempFolder folder_;
  std::string path_ = folder_ / "deep/plugins";
  Waiting clock_;
  std::string log_;
};

TEST_F(Cache, IsMadeAndHeldByOneInitAtATime) {
  PluginCache first = take();
  EXPECT_EQ(first.path(), path_);
  clock_.on_sleep = [&] {
    first.is_whole();
    first = PluginCache();
  };
  const PluginCache second = take();
  EXPECT_EQ(second.path(), path_);
  EXPECT_EQ(log_, "another init uses the plugin cache: waiting for it\n");
}

TEST_F(Cache, IsDoneWithoutWhenAnotherInitDoesNotEnd) {
  const PluginCache first = take();
  const PluginCache second = take();
  EXPECT_EQ(second.path(), "");
  EXPECT_GE(clock_.slept, 60'000);
  EXPECT_NE(log_.find("going on without it"), std::string::npos);
}

TEST_F(Cache, LosesWhatAKilledInitLeftHalfDone) {
  { const PluginCache killed = take(); }
  fs::create_directories(path_ + "/registry.terraform.io/hashicorp/aws");
  const PluginCache next = take();
  EXPECT_FALSE(fs::exists(path_ + "/registry.terraform.io"));
  EXPECT_NE(log_.find("was killed"), std::string::npos);
}

TEST_F(Cache, KeepsWhatAnInitThatEndedLeft) {
  {
    PluginCache ended = take();
    fs::create_directories(path_ + "/registry.terraform.io/hashicorp/aws");
    ended.is_whole();
  }
  const PluginCache next = take();
  EXPECT_TRUE(fs::exists(path_ + "/registry.terraform.io/hashicorp/aws"));
}

TEST_F(Cache, OfSomebodyElseIsNeverEmptied) {
  { const PluginCache killed = take(/*is_ours=*/false); }
  fs::create_directories(path_ + "/registry.terraform.io");
  const PluginCache next = take(/*is_ours=*/false);
  EXPECT_TRUE(fs::exists(path_ + "/registry.terraform.io"));
}

TEST_F(Cache, ThatCannotBeMadeIsAnErrorWithTheWayOut) {
  folder_.write("deep", "a file");
  auto cache = run_now(PluginCache::take(path_, true, &clock_, milliseconds(0), {}));
  ASSERT_FALSE(cache.ok());
  EXPECT_EQ(cache.error().kind(), ErrorKind::storage);
  EXPECT_NE(cache.error().hint().find("TF_PLUGIN_CACHE_DIR"), std::string::npos);
}

}  // namespace
}  // namespace pawl
