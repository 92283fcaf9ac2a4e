#include "base/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"

namespace pawl {
namespace {

static_assert(!fmt::is_formattable<Secret>::value, "formatting a secret must not compile");

TEST(Secrets, AreTakenOutOfTextInEveryForm) {
  const Secret secret("s3cret/value+");
  const std::string& plain = secret.reveal_for("the test");
  EXPECT_EQ(redact("a " + plain + " b " + plain), "a *** b ***");
  EXPECT_EQ(redact("x=" + url_encode(plain) + "&"), "x=***&");
  EXPECT_EQ(redact("Basic " + base64_encode(plain)), "Basic ***");
  EXPECT_EQ(redact("nothing here"), "nothing here");
}

TEST(Secrets, ThatContainAnotherGoWhole) {
  const Secret longer("inner-secret-and-more"), shorter("inner-secret");
  EXPECT_EQ(redact("inner-secret-and-more inner-secret"), "*** ***");
}

TEST(Secrets, ShortOnesDoNotBlackenInnocentText) {
  const Secret secret("dev");
  EXPECT_EQ(redact("deploying dev"), "deploying dev");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

}  // namespace
}  // namespace pawl
