#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace pawl {
namespace {

TEST(Errors, TellTheirStoryOutermostFirst) {
  const Error error = Error(ErrorKind::unavailable, "connection refused")
                          .while_doing("reading the manifest")
                          .while_doing("copying the image")
                          .with_hint("is the registry up?");
  EXPECT_EQ(error.message(),
            "while copying the image: while reading the manifest: connection refused");
  EXPECT_EQ(error.what(), "connection refused");
  EXPECT_EQ(error.hint(), "is the registry up?");
}

TEST(Errors, KeepWhatTheServerSaid) {
  const Error error = Error(ErrorKind::failed, "x")
                          .with_http_status(409)
                          .with_code("ResourceConflictException")
                          .with_retry_after(3)
                          .with_outcome_unknown()
                          .as(ErrorKind::conflict);
  EXPECT_EQ(error.kind(), ErrorKind::conflict);
  EXPECT_EQ(error.http_status(), 409);
  EXPECT_EQ(error.code(), "ResourceConflictException");
  EXPECT_EQ(error.retry_after_seconds(), 3);
  EXPECT_TRUE(error.outcome_unknown());
}

TEST(Errors, OfSomeKindsAreWorthAnotherTry) {
  for (const auto kind : {ErrorKind::throttled, ErrorKind::unavailable, ErrorKind::timeout})
    EXPECT_TRUE(is_transient(kind)) << to_string(kind);
  for (const auto kind :
       {ErrorKind::usage, ErrorKind::config, ErrorKind::not_found, ErrorKind::denied,
        ErrorKind::conflict, ErrorKind::interrupted, ErrorKind::refused, ErrorKind::failed,
        ErrorKind::corrupt, ErrorKind::storage, ErrorKind::internal})
    EXPECT_FALSE(is_transient(kind)) << to_string(kind);
}

Result<std::unique_ptr<int>> make(bool good) {
  if (!good) return Error(ErrorKind::failed, "bad");
  return std::make_unique<int>(7);
}
Result<int> use(bool good) {
  PAWL_CHECK(make(true));
  PAWL_TRY(auto value, make(good).while_doing("making"));
  return *value + 1;
}

TEST(Results, AreHandedOnByTheMacros) {
  EXPECT_EQ(*use(true), 8);
  EXPECT_EQ(use(false).error().message(), "while making: bad");
}

TEST(Results, ReadingTheValueOfAnErrorEndsTheProcess) {
  Result<int> result = Error(ErrorKind::failed, "bad");
  EXPECT_DEATH((void)*result, "broken invariant");
}

}  // namespace
}  // namespace pawl
