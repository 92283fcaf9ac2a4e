// secret_variables: what children are not given.
#include "process/secret_variables.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace pawl {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(SecretVariables, AreThoseThatToolsNameAndThoseThatWereAdded) {
  for (const char* name : {"GITHUB_TOKEN", "TF_VAR_password", "NPM_TOKEN", "HARMLESS"})
    ::setenv(name, "value", 1);
  EXPECT_THAT(secret_variables(), Contains("GITHUB_TOKEN"));
  EXPECT_THAT(secret_variables(), Contains("TF_VAR_password"));
  EXPECT_THAT(secret_variables(), Not(Contains("NPM_TOKEN")));
  add_secret_variable("NPM_TOKEN");
  add_secret_variable("NOT_SET");
  EXPECT_THAT(secret_variables(), Contains("NPM_TOKEN"));
  EXPECT_THAT(secret_variables(), Not(Contains("NOT_SET")));
  EXPECT_THAT(secret_variables(), Not(Contains("HARMLESS")));
}

}  // namespace
}  // namespace pawl
