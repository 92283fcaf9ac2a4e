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

// "user:password" in an Authorization header; an answer in JSON, and JSON in its `body`.
TEST(Secrets, AreTakenOutOfWhatEncodesThemWithMoreAroundThem) {
  const std::string plain = "pass\"word/with\\all";
  register_for_redaction(plain);
  for (const std::string before : {"a", "ab", "abc"}) {
    const std::string shown = redact(base64_encode(before + plain + "!"));
    EXPECT_NE(shown.find("***"), std::string::npos) << shown;
    EXPECT_LE(shown.size(), 12u) << shown;
  }
  EXPECT_EQ(redact(R"({"message": "pass\"word/with\\all"})"), R"({"message": "***"})");
  EXPECT_EQ(redact(R"({"message": "pass\"word\/with\\all"})"), R"({"message": "***"})");
  EXPECT_EQ(redact(R"({"body": "{\"m\": \"pass\\\"word/with\\\\all\"}"})"),
            R"({"body": "{\"m\": \"***\"}"})");
}

TEST(Secrets, AreTakenOutOfTheEndOfATextThatBeginsInTheMiddleOfOne) {
  register_for_redaction("a-long-secret-of-several-words");
  EXPECT_EQ(redact_tail("of-several-words then a-long-secret-of-several-words"), "*** then ***");
  EXPECT_EQ(redact_tail("words"), "***");
  EXPECT_EQ(redact_tail("rds and several-words"), "rds and several-words");
  EXPECT_EQ(redact_tail(""), "");
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
