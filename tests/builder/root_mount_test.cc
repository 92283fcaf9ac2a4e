#include "builder/root_mount.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

constexpr const char* kMachine =
    "26 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "21 26 0:20 / /proc rw,relatime - proc proc rw\n";
// Seen from a plain chroot, only what is mounted below it is listed.
constexpr const char* kChroot =
    "310 301 0:20 / /proc rw,relatime - proc proc rw\n"
    "311 301 254:0 /usr /usr rw,relatime - ext4 /dev/root rw\n";

TEST(RootMount, IsSeenInMountinfo) {
  EXPECT_TRUE(root_is_mount_point(kMachine));
  EXPECT_FALSE(root_is_mount_point(kChroot));
}

TEST(RootMount, IsTakenForGrantedWhenNothingIsKnown) {
  EXPECT_TRUE(root_is_mount_point(""));
  EXPECT_TRUE(root_is_mount_point("no mountinfo\n"));
}

TEST(RootMount, IsMadeOnlyWhereItIsMissingAndOnlyByRoot) {
  EXPECT_TRUE(root_mount_prefix(kMachine, true).empty());
  EXPECT_TRUE(root_mount_prefix(kChroot, false).empty());
  const auto prefix = root_mount_prefix(kChroot, true);
  ASSERT_GE(prefix.size(), 7u);
  EXPECT_EQ(prefix[0], "unshare");
  // What follows the script is $0, then the command itself.
  EXPECT_EQ(prefix[prefix.size() - 1], "sh");
  EXPECT_EQ(prefix[prefix.size() - 3], "-c");
}

}  // namespace
}  // namespace pawl
