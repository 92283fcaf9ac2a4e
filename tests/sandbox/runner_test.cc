// Functions that really run: a static program in an image of one layer, good and bad.
#include "sandbox/runner/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "sandbox/support/test_image.h"

namespace pawl::sandbox {
namespace {

using test::Tar;
using test::TempFolder;
using testing::HasSubstr;

class Runner : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::function_binary()) GTEST_SKIP() << "no compiler that links static programs";
    auto isolation = probe_isolation();
    if (!isolation.ok()) GTEST_SKIP() << isolation.error().message();
    isolation_ = *isolation;
    auto store = RegistryStore::open(folder_.path() / "registry");
    ASSERT_TRUE(store.ok());
    store_.emplace(*std::move(store));
    make_runner();
  }
  void TearDown() override {
    if (runner_) loop_.run(runner_->stop());
    EXPECT_FALSE(runs("pawl-stray"));
  }

  void make_runner() {
    runner_ = std::make_unique<ImageRunner>(loop_, *store_, logs_, isolation_,
                                            folder_.path() / "functions", settings_);
  }

  FunctionCode code(json::object config = {}) {
    const json::array entry{"/function"};
    if (!config.contains("Entrypoint")) config["Entrypoint"] = entry;
    FunctionCode made;
    made.function = "meals-test";
    made.version = "7";
    made.repository = "meals";
    made.image_digest =
        test::store_image(
            *store_, "meals",
            Tar().file("function", *test::function_binary(), 0755).directory("work").bytes(),
            std::move(config))
            .str();
    made.environment = {{"OWN", "value"}};
    made.timeout = std::chrono::seconds(120);
    return made;
  }

  Result<InvokeResult> invoke(const FunctionCode& function, const std::string& payload) {
    InvokeRequest request;
    request.code = function;
    request.request_id = "request-1";
    request.invoked_arn = "arn:aws:lambda:us-east-1:000000000000:function:meals-test:live";
    request.payload = payload;
    return loop_.run(runner_->invoke(std::move(request)));
  }
  InvokeResult result(const FunctionCode& function, const std::string& payload) {
    auto got = invoke(function, payload);
    EXPECT_TRUE(got.ok()) << (got.ok() ? "" : got.error().message());
    return got.ok() ? *got : InvokeResult{};
  }
  std::string all_logs() {
    std::string text;
    for (const auto& line : logs_.read("meals-test", 0)) text += line.text + "\n";
    return text;
  }
  // Whether a process of that name is anywhere on the machine.
  static bool runs(const std::string& name) {
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", failure)) {
      std::ifstream comm(entry.path() / "comm");
      std::string line;
      if (std::getline(comm, line) && line == name) return true;
    }
    return false;
  }

  TempFolder folder_;
  Loop loop_;
  FunctionLogs logs_{loop_.clock()};
  Isolation isolation_;
  RunnerSettings settings_;
  std::optional<RegistryStore> store_;
  std::unique_ptr<ImageRunner> runner_;
};

TEST_F(Runner, AnswersAndKeepsTheInstanceForTheNextCall) {
  const auto function = code();
  const auto first = result(function, R"({"count":1})");
  EXPECT_EQ(first.payload, "1");
  EXPECT_TRUE(first.cold_start);
  EXPECT_EQ(first.function_error, "");
  EXPECT_THAT(first.log_tail, HasSubstr("START RequestId: request-1 Version: 7"));
  EXPECT_THAT(first.log_tail, HasSubstr("END RequestId: request-1"));
  EXPECT_THAT(first.log_tail, HasSubstr("Init Duration:"));
  const auto second = result(function, R"({"count":1})");
  EXPECT_EQ(second.payload, "2");
  EXPECT_FALSE(second.cold_start);
  EXPECT_THAT(second.log_tail, testing::Not(HasSubstr("Init Duration:")));
}

TEST_F(Runner, ShutsTheFunctionIn) {
  json::object config;
  config["WorkingDir"] = "/work";
  const auto payload = result(code(config), R"({"facts":1})").payload;
  auto facts = parse_json_object(payload, "facts");
  ASSERT_TRUE(facts.ok()) << payload;
  EXPECT_NE(int_or(*facts, "uid"), 0);
  EXPECT_EQ(int_or(*facts, "becomes_root"), 0);
  EXPECT_EQ(string_or(*facts, "version"), "7");
  EXPECT_EQ(string_or(*facts, "own"), "value");
  EXPECT_EQ(string_or(*facts, "region"), "us-east-1");
  EXPECT_EQ(string_or(*facts, "cwd"), "/work");
  EXPECT_EQ(int_or(*facts, "root_entries"), 5) << "dev function proc tmp work";
  EXPECT_EQ(int_or(*facts, "writes_tmp"), 1);
  EXPECT_EQ(int_or(*facts, "writes_root"), 0);
  if (isolation_.mount) {
    EXPECT_EQ(int_or(*facts, "null"), 1);
  }
  if (isolation_.network) {
    EXPECT_EQ(int_or(*facts, "reaches_metadata"), 0);
  }
  if (isolation_.proc) {
    EXPECT_EQ(int_or(*facts, "processes"), 2) << "our init and itself";
  }
  if (isolation_.uts) {
    EXPECT_EQ(string_or(*facts, "host"), "lambda");
  }
}

TEST_F(Runner, EachInstanceHasItsOwnTmp) {
  if (!isolation_.mount) GTEST_SKIP() << "no mount namespaces here";
  auto one = code();
  auto other = one;
  other.version = "8";
  EXPECT_THAT(result(one, R"({"facts":1})").payload, HasSubstr("\"tmp_entries\":1"));
  EXPECT_THAT(result(other, R"({"facts":1})").payload, HasSubstr("\"tmp_entries\":1"));
}

TEST_F(Runner, WhatTheFunctionPrintsIsInItsLog) {
  const auto printed = result(code(), R"({"print":1})");
  EXPECT_THAT(printed.log_tail, HasSubstr("hello from the function\nand again\nEND"));
  EXPECT_THAT(all_logs(), HasSubstr("hello from the function"));
}

TEST_F(Runner, AFunctionThatFloodsItsLogStillAnswers) {
  const auto flooded = result(code(), R"({"flood":1})");
  EXPECT_EQ(flooded.function_error, "");
  EXPECT_LE(logs_.read("meals-test", 0).size(), FunctionLogs::kMaxLines);
}

TEST_F(Runner, AnErrorOfTheHandlerIsHandedOn) {
  const auto failed = result(code(), R"({"fail":1})");
  EXPECT_EQ(failed.function_error, "Unhandled");
  EXPECT_EQ(failed.payload, R"({"errorType":"Test.Failed","errorMessage":"as asked"})");
}

struct Ending {
  const char* payload;
  const char* type;
  const char* message;
};

TEST_F(Runner, AFunctionThatExitsIsAnExitErrorAndTheNextCallStartsAnother) {
  const auto function = code();
  for (const auto& ending :
       {Ending{R"({"exit":1})", "Runtime.ExitError",
               "RequestId: request-1 Error: Runtime exited with error: exit status 3"},
        Ending{R"({"abort":1})", "Runtime.ExitError",
               "RequestId: request-1 Error: Runtime exited with error: signal: aborted"}}) {
    const auto ended = result(function, ending.payload);
    EXPECT_EQ(ended.function_error, "Unhandled");
    EXPECT_THAT(ended.payload, HasSubstr(ending.type));
    EXPECT_THAT(ended.payload, HasSubstr(ending.message));
    const auto next = result(function, R"({"count":1})");
    EXPECT_EQ(next.payload, "1");
    EXPECT_TRUE(next.cold_start);
  }
}

TEST_F(Runner, AFunctionThatTakesTooLongIsEnded) {
  auto function = code();
  function.timeout = std::chrono::milliseconds(300);
  const auto late = result(function, R"({"sleep":1})");
  EXPECT_EQ(late.function_error, "Unhandled");
  EXPECT_THAT(late.payload, HasSubstr("Sandbox.Timedout"));
  EXPECT_THAT(late.payload, HasSubstr("Task timed out after 0.30 seconds"));
  EXPECT_EQ(result(function, R"({"count":1})").payload, "1");
}

TEST_F(Runner, AnInitThatFailsSaysWhy) {
  auto function = code();
  function.environment["MODE"] = "init-error";
  const auto told = result(function, "{}");
  EXPECT_EQ(told.payload, R"({"errorType":"Test.NoConfig","errorMessage":"no config"})");
  EXPECT_EQ(told.function_error, "Unhandled");
  function.environment["MODE"] = "init-exit";
  function.revision = "2";
  EXPECT_THAT(result(function, "{}").payload, HasSubstr("exit status 7"));
}

TEST_F(Runner, AnEntryPointThatCannotBeStartedSaysWhy) {
  const json::array missing{"/nowhere"};
  const auto lost = result(code({{"Entrypoint", missing}}), "{}");
  EXPECT_THAT(lost.payload, HasSubstr("Runtime.InvalidEntrypoint"));
  EXPECT_THAT(lost.payload, HasSubstr("/nowhere: No such file or directory"));
  const auto astray = result(code({{"WorkingDir", "/nowhere"}}), "{}");
  EXPECT_THAT(astray.payload, HasSubstr("Runtime.InvalidWorkingDir"));
}

TEST_F(Runner, CommandsAreLookedForInThePathOfTheImage) {
  const json::array name{"function"};
  const json::array environment{"PATH=/bin:/"};
  const auto found = result(code({{"Entrypoint", name}, {"Env", environment}}), R"({"count":1})");
  EXPECT_EQ(found.payload, "1");
}

TEST_F(Runner, AnAnswerThatIsTooLargeIsAnError) {
  EXPECT_THAT(result(code(), R"({"large":1})").payload, HasSubstr("Function.ResponseSizeTooLarge"));
}

TEST_F(Runner, OnlyTheFirstAnswerCounts) {
  const auto function = code();
  EXPECT_EQ(result(function, R"({"twice":1})").payload, "\"first\"");
  result(function, R"({"count":1})");
  EXPECT_THAT(all_logs(), HasSubstr("the second answer got 400"));
}

TEST_F(Runner, EventsAtTheSameTimeGoToInstancesOfTheirOwnUpToTheLimit) {
  settings_.max_instances_of_version = 3;
  make_runner();
  const auto function = code();
  std::vector<Task<Result<InvokeResult>>> calls;
  for (int i = 0; i < 4; ++i) {
    InvokeRequest request;
    request.code = function;
    request.request_id = std::to_string(i);
    request.payload = R"({"count":1})";
    calls.push_back(runner_->invoke(std::move(request)));
  }
  // The image is there: nobody waits for unpacking, so that all four are really at the same time.
  ASSERT_TRUE(invoke(function, "{}").ok());
  const auto results = loop_.run(when_all(std::move(calls)));
  int answered = 0, throttled = 0;
  for (const auto& one : results) {
    if (one.ok()) ++answered;
    if (!one.ok() && one.error().kind() == ErrorKind::throttled) ++throttled;
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(throttled, 1);
}

TEST_F(Runner, StrayProcessesEndWithTheirInstance) {
  const auto function = code();
  result(function, R"({"grandchild":1})");
  loop_.run(runner_->stop());
  EXPECT_FALSE(runs("pawl-stray"));
}

TEST_F(Runner, RetiredVersionsStartAfresh) {
  const auto function = code();
  EXPECT_EQ(result(function, R"({"count":1})").payload, "1");
  runner_->retire("meals-test", "7");
  EXPECT_EQ(result(function, R"({"count":1})").payload, "1");
}

TEST_F(Runner, WarmInstancesAreThereBeforeTheFirstCall) {
  const auto function = code();
  runner_->keep_warm(function, 1);
  for (int i = 0; i < 500; ++i) {
    const auto counts = runner_->counts();
    if (!counts.empty() && counts[0].instances == 1 && counts[0].busy == 0) break;
    (void)loop_.run(loop_.clock().sleep_for(std::chrono::milliseconds(10)));
  }
  EXPECT_FALSE(result(function, R"({"count":1})").cold_start);
}

TEST_F(Runner, AnImageThatIsNotThereIsAnErrorOfTheSandbox) {
  auto function = code();
  function.image_digest = Digest::of("nothing").str();
  auto got = invoke(function, "{}");
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::not_found);
}

TEST_F(Runner, ThePlaceholderSaysThatNothingIsDeployed) {
  const json::object labels{{kPlaceholderLabel, "1"}};
  EXPECT_THAT(result(code({{"Labels", labels}}), "{}").payload, HasSubstr("nothing deployed yet"));
}

TEST_F(Runner, AHostileImageIsRefusedAndLeavesNothing) {
  auto function = code();
  function.image_digest =
      test::store_image(*store_, "meals", Tar().file("../../escaped", "x").bytes(), {}).str();
  EXPECT_FALSE(invoke(function, "{}").ok());
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "escaped"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "functions/escaped"));
}

}  // namespace
}  // namespace pawl::sandbox
