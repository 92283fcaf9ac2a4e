// Two journals beside each other: the sandbox's and the real account's.
#include "cli/other_journal.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "cli/store_choice.h"
#include "store/sqlite_store.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

template <class T>
T now(Task<T> task) {
  task.start(nullptr);
  return task.take();
}

class OtherJournal : public testing::Test {
 protected:
  OtherJournal() {
    config_.config.app = "meals";
    for (const char* name : {"staging", "prod"}) {
      EnvironmentConfig environment;
      environment.name = name;
      config_.config.environments.push_back(environment);
    }
    config_.state_dir = folder_.path().string();
  }

  void deployed_to_staging(bool in_sandbox) {
    const auto store = make_sqlite_store(journal_file(config_.state_dir, in_sandbox)).value();
    Event accepted;
    accepted.deployment = "d-4f2a";
    accepted.sequence = 1;
    accepted.at = WallTime{1};
    accepted.type = EventType::accepted;
    accepted.data = json::object{{"app", "meals"}, {"environment", "staging"}};
    ASSERT_TRUE(now(store->append({accepted})).ok());
  }

  bool other_has(const std::string& name) {
    return now(other_journal_has(globals_, config_, name));
  }

  /// The hint of a release that prod refuses, for what is verified in staging.
  std::string refused_hint(const std::string& verified) {
    DeployQuestion question;
    question.environment.name = "prod";
    question.environment.promote_from = "staging";
    Assessment assessment;
    assessment.facts.verified_in_promote_from = verified;
    assessment.decision.verdict = Decision::Verdict::refused;
    assessment.decision.hint = "pawl deploy staging --tag v1.0.0 first";
    now(explained(question, assessment));
    return assessment.decision.hint;
  }
  Task<bool> explained(const DeployQuestion& question, Assessment& assessment) {
    co_await explain_promotion(globals_, config_, question, assessment);
    co_return true;
  }

  test::TempFolder folder_;
  LoadedConfig config_;
  Globals globals_;
};

TEST_F(OtherJournal, OfTheSandboxHasWhatTheRealAccountLacks) {
  deployed_to_staging(true);
  for (const char* name : {"staging", "d-4f", ""}) EXPECT_TRUE(other_has(name)) << name;
  for (const char* name : {"prod", "d-5"}) EXPECT_FALSE(other_has(name)) << name;
  EXPECT_THAT(other_journal_hint(globals_), HasSubstr("add --sandbox"));
  globals_.sandbox = true;
  EXPECT_FALSE(other_has("staging"));
}

TEST_F(OtherJournal, OfTheRealAccountHasWhatTheSandboxLacks) {
  deployed_to_staging(false);
  EXPECT_FALSE(other_has("staging"));
  globals_.sandbox = true;
  EXPECT_TRUE(other_has("staging"));
  EXPECT_THAT(other_journal_hint(globals_), HasSubstr("leave --sandbox out"));
}

TEST_F(OtherJournal, IsNotMadeByLooking) {
  EXPECT_FALSE(other_has("staging"));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(OtherJournal, IsNoneWhereOneStoreIsNamedForBoth) {
  deployed_to_staging(true);
  globals_.store = (folder_.path() / "mine.db").string();
  EXPECT_FALSE(other_has("staging"));
}

TEST_F(OtherJournal, SaysThatWhatTheSandboxHasSeenDoesNotCount) {
  deployed_to_staging(true);
  EXPECT_THAT(refused_hint(""), HasSubstr("first; what was deployed to staging in the sandbox"));
  EXPECT_EQ(refused_hint("0.9.0"), "pawl deploy staging --tag v1.0.0 first");
}

TEST_F(OtherJournal, OfTheSandboxAloneIsRemovedWithWhatTheSandboxKnows) {
  deployed_to_staging(true);
  deployed_to_staging(false);
  ASSERT_TRUE(remove_sandbox_journal(config_.state_dir).ok());
  EXPECT_FALSE(other_has("staging"));
  EXPECT_TRUE(fs::is_empty(folder_.path() / "sandbox"));
  globals_.sandbox = true;
  EXPECT_TRUE(other_has("staging"));
  EXPECT_TRUE(remove_sandbox_journal(config_.state_dir).ok());  // there is none any more
}

}  // namespace
}  // namespace pawl
