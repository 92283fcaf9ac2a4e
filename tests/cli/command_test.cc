#include "cli/command.h"

#include <gtest/gtest.h>

#include "cli/changes_begun.h"
#include "cli/commands.h"

namespace pawl {
namespace {

struct TheProgram {
  TheProgram() {
    add_deploy(program.root(), globals);
    add_status(program.root(), globals);
    add_config(program.root(), globals);
  }
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "pawl");
    std::vector<char*> argv;
    for (auto& each : arguments) argv.push_back(each.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = program.main(static_cast<int>(argv.size()), argv.data());
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }
  Globals globals;
  Program program{"pawl", "Deploys.", globals};
  std::string out, err;
};

TEST(Program, SaysItsVersion) {
  TheProgram program;
  EXPECT_EQ(program.run({"--version"}), kDone);
  EXPECT_EQ(program.out.substr(0, 5), "pawl ");
}

TEST(Program, AnUnknownOptionIsAUsageError) {
  TheProgram program;
  EXPECT_EQ(program.run({"deploy", "dev", "--tga", "v1"}), kUsage);
  EXPECT_NE(program.err.find("--tga"), std::string::npos) << program.err;
}

TEST(Program, WithoutACommandItShowsWhatThereIs) {
  TheProgram program;
  EXPECT_EQ(program.run({}), kUsage);
  EXPECT_NE(program.err.find("deploy"), std::string::npos);
}

TEST(Program, EveryCommandHasExamplesInItsHelp) {
  TheProgram program;
  for (const char* command : {"deploy", "status"}) {
    EXPECT_EQ(program.run({command, "--help"}), kDone);
    EXPECT_NE(program.out.find("Examples:"), std::string::npos) << command;
  }
}

TEST(Program, AMissingConfigFileSaysHowToMakeOne) {
  TheProgram program;
  EXPECT_EQ(program.run({"status", "--config", "/nonexistent/pawl.yaml"}), kUsage);
  EXPECT_NE(program.err.find("/nonexistent/pawl.yaml"), std::string::npos) << program.err;
}

TEST(Program, CompletesCommandsAndOptions) {
  TheProgram program;
  EXPECT_EQ(program.program.complete({"de"}), std::vector<std::string>{"deploy"});
  EXPECT_EQ(program.program.complete({"deploy", "--ta"}), std::vector<std::string>{"--tag"});
  EXPECT_EQ(program.program.complete({"config", "c"}), std::vector<std::string>{"check"});
  EXPECT_TRUE(program.program.complete({"deploy", "--tag", "v"}).empty());
}

TEST(ExitCodes, FollowTheKindOfTheError) {
  EXPECT_EQ(exit_code_for(Error(ErrorKind::config, "")), 2);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::usage, "")), 2);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::refused, "")), 4);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::interrupted, "")), 5);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::conflict, "").with_code("fenced")), 5);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::conflict, "")), 1);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::unavailable, "")), 1);
}

// What is asked for first (a registry, GitHub, AWS, git) does not answer: nothing was begun.
TEST(ExitCodes, WithoutAnEffectAFailureLeavesTheEnvironmentAsItWas) {
  for (const auto kind : {ErrorKind::unavailable, ErrorKind::timeout, ErrorKind::denied,
                          ErrorKind::not_found, ErrorKind::storage, ErrorKind::corrupt})
    EXPECT_EQ(exit_code_for(Error(kind, ""), Effect::none), 3) << to_string(kind);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::config, ""), Effect::none), 2);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::refused, ""), Effect::none), 4);
  EXPECT_EQ(exit_code_for(Error(ErrorKind::interrupted, ""), Effect::none), 5);
}

struct Reported {
  explicit Reported(const Error& error, Effect effect, bool as_json = false) {
    Globals globals;
    globals.json = as_json;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    code = report(error, globals, effect);
    words = testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  }
  bool says(const std::string& text) const { return words.find(text) != std::string::npos; }
  int code = 0;
  std::string words;
};

TEST(Report, SaysThatNothingWasChangedWhereThatIsSo) {
  const Error down = Error(ErrorKind::unavailable, "the registry is down").with_hint("wait");
  const Reported before(down, Effect::none);
  EXPECT_EQ(before.code, 3);
  EXPECT_TRUE(before.says("nothing was changed")) << before.words;
  EXPECT_TRUE(before.says("wait")) << before.words;
  EXPECT_TRUE(Reported(down, Effect::none, true).says("\"nothing_was_changed\": true"));
  const Reported after(down, Effect::possible);
  EXPECT_EQ(after.code, 1);
  EXPECT_FALSE(after.says("nothing was changed")) << after.words;
  EXPECT_FALSE(Reported(Error(ErrorKind::refused, "frozen"), Effect::none).says("nothing was"));
}

struct NoView : RunObserver {
  void on_event(const Deployment&, const Event& event) override { seen.push_back(event.type); }
  std::vector<EventType> seen;
};

Effect after(std::vector<EventType> types) {
  NoView view;
  ChangesBegun watched(view, Effect::none);
  for (const auto type : types) {
    Event event;
    event.type = type;
    watched.on_event(Deployment(), event);
  }
  EXPECT_EQ(view.seen, types);
  return watched.effect();
}

TEST(ChangesBegun, WithTheFirstStepAndNotWithThePlan) {
  EXPECT_EQ(after({EventType::accepted, EventType::validated, EventType::started,
                   EventType::planned, EventType::finished}),
            Effect::none);
  EXPECT_EQ(after({EventType::planned, EventType::step_started}), Effect::possible);
  EXPECT_EQ(after({EventType::undo_started}), Effect::possible);
  NoView view;
  ChangesBegun watched(view, Effect::none);
  watched.on_taking_up(Deployment(), "it was interrupted");
  EXPECT_EQ(watched.effect(), Effect::possible);
}

}  // namespace
}  // namespace pawl
