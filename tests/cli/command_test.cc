#include "cli/command.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace pawl
