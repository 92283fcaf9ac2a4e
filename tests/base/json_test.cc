#include "base/json.h"

#include <gmock/gmock.h>

namespace pawl {
namespace {

using ::testing::HasSubstr;

TEST(Json, NamesTheDocumentThatIsNotValid) {
  for (const char* bad : {"", "{", "{} x", "{\"a\":}", "nul", "{'a': 1}"}) {
    const auto value = parse_json(bad, "the answer");
    ASSERT_FALSE(value.ok()) << bad;
    EXPECT_EQ(value.error().kind(), ErrorKind::corrupt);
    EXPECT_THAT(value.error().message(), HasSubstr("the answer"));
  }
  EXPECT_THAT(parse_json_object("[]", "the list").error().message(), HasSubstr("the list"));
}

TEST(Json, LimitsDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth), "x").ok());
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 1), "x").ok());
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "x").ok());
}

TEST(Json, FindsByPathAndForgivesWhatIsMissing) {
  const auto object =
      *parse_json_object(R"({"a": {"b": "text", "n": 7, "t": true, "d": 1.5}, "z": null})", "x");
  EXPECT_EQ(string_or(object, "a.b"), "text");
  EXPECT_EQ(string_or(object, "a.c", "other"), "other");
  EXPECT_EQ(string_or(object, "a.n", "other"), "other");
  EXPECT_EQ(string_or(object, "a.b.c", "other"), "other");
  EXPECT_EQ(string_or(object, "z"), "");
  EXPECT_EQ(int_or(object, "a.n"), 7);
  EXPECT_EQ(int_or(object, "a.b", 3), 3);
  EXPECT_EQ(int_or(object, "a.d", 3), 3);
  EXPECT_TRUE(bool_or(object, "a.t"));
  EXPECT_TRUE(bool_or(object, "nope", true));
  EXPECT_DOUBLE_EQ(number_or(object, "a.d"), 1.5);
  EXPECT_DOUBLE_EQ(number_or(object, "a.n"), 7);
  EXPECT_EQ(find(object, ""), nullptr);
  EXPECT_EQ(find(object, "a."), nullptr);
}

TEST(Json, SaysWhatIsRequired) {
  const auto object = *parse_json_object(R"({"a": {"b": 1}})", "x");
  const auto missing = require_string(object, "a.b", "the function");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message(), HasSubstr("the function"));
  EXPECT_THAT(missing.error().message(), HasSubstr("a.b"));
}

TEST(Json, IsPrintedForPeopleAndReadBack) {
  const auto value = *parse_json(R"({"b":[1,{"x":"\"q\""}],"a":{},"e":[]})", "x");
  EXPECT_EQ(pretty(value),
            "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"\\\"q\\\"\"\n    }\n  ],\n"
            "  \"a\": {},\n  \"e\": []\n}\n");
  EXPECT_EQ(*parse_json(pretty(value), "x"), value);
}

}  // namespace
}  // namespace pawl
