// Where the journal is, by --store, PAWL_STORE, or neither.
#include "cli/store_choice.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace pawl {
namespace {

constexpr const char* kWithPassword = "postgresql://pawl:very-secret-words@db.example/pawl";

Result<StoreChoice> choose(std::string option, std::map<std::string, std::string> variables,
                           bool in_sandbox = false) {
  Globals globals;
  globals.sandbox = in_sandbox;
  globals.store = std::move(option);
  globals.environment = ProcessEnvironment(std::move(variables));
  LoadedConfig config;
  config.state_dir = "/project/.pawl";
  return choose_store(globals, config);
}

TEST(StoreChoice, IsTheFileBesideTheConfigUnlessSomethingElseIsNamed) {
  EXPECT_EQ(choose("", {})->name, "/project/.pawl/journal.db");
  EXPECT_EQ(choose("", {{"PAWL_STORE", "/other.db"}})->name, "/other.db");
  EXPECT_EQ(choose("mine.db", {{"PAWL_STORE", "/other.db"}})->name, "mine.db");
  EXPECT_TRUE(choose("mine.db", {})->url.empty());
  EXPECT_EQ(choose("postgres://db.example/pawl", {})->url, "postgres://db.example/pawl");
}

TEST(StoreChoice, OfTheSandboxIsAnotherFileUnlessOneIsNamed) {
  const auto in_sandbox = [](std::string option, std::map<std::string, std::string> variables) {
    return choose(std::move(option), std::move(variables), true)->name;
  };
  EXPECT_EQ(in_sandbox("", {}), "/project/.pawl/sandbox/journal.db");
  EXPECT_EQ(in_sandbox("", {{"PAWL_STORE", "/other.db"}}), "/other.db");
  EXPECT_EQ(in_sandbox("mine.db", {{"PAWL_STORE", "/other.db"}}), "mine.db");
}

TEST(StoreChoice, RefusesAPasswordThatTheProcessListWouldShow) {
  for (const char* url : {kWithPassword, "postgres://db.example/pawl?password=very-secret-words",
                          "postgresql://pawl:very@secret/words@db.example/pawl"}) {
    const auto choice = choose(url, {});
    ASSERT_FALSE(choice.ok()) << url;
    EXPECT_EQ(choice.error().kind(), ErrorKind::usage);
    EXPECT_NE(choice.error().hint().find("PAWL_STORE"), std::string::npos);
    EXPECT_EQ((choice.error().message() + choice.error().hint()).find("secret"), std::string::npos)
        << choice.error().message();
  }
}

TEST(StoreChoice, TakesAPasswordFromTheVariableAndNeverShowsIt) {
  const auto choice = choose("", {{"PAWL_STORE", kWithPassword}});
  ASSERT_TRUE(choice.ok());
  EXPECT_EQ(choice->url, kWithPassword);
  EXPECT_EQ(choice->name, "postgresql://pawl:***@db.example/pawl");
}

TEST(StoreChoice, DoesNotHandTheVariableOnToProgramsThatAreStarted) {
  ::setenv("PAWL_STORE", kWithPassword, 1);
  EXPECT_EQ(ProcessEnvironment::of_this_process().get("PAWL_STORE"), kWithPassword);
  EXPECT_EQ(std::getenv("PAWL_STORE"), nullptr);
}

TEST(StoreChoice, KnowsNoOtherKindOfServer) {
  const auto choice = choose("mysql://ana:very-secret-words@db.example/pawl", {});
  ASSERT_FALSE(choice.ok());
  EXPECT_EQ(choice.error().kind(), ErrorKind::usage);
  EXPECT_EQ(choice.error().message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace pawl
