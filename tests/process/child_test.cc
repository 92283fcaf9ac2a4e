#include "process/child.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "net/loop.h"
#include "process/output.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ChildProcess : public ::testing::Test {
 protected:
  ChildProcess() : processes(make_processes(loop)) {
    folder =
        std::filesystem::temp_directory_path() / ("pawl_child_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  ~ChildProcess() override { std::filesystem::remove_all(folder); }

  static Command shell(std::string script) {
    Command command;
    command.argv = {"sh", "-c", std::move(script)};
    command.grace = 50ms;
    return command;
  }
  Result<Exited> run(Command command, std::stop_token stop = {}) {
    lines.clear();
    const auto on_line = [this](Stream stream, std::string_view line) {
      lines.push_back((stream == Stream::out ? "out:" : "err:") + std::string(line));
      if (when_line) when_line(line);
    };
    return loop.run(processes->run(std::move(command), on_line), std::move(stop));
  }
  /// Whether the process that wrote its number into that file still runs.
  bool runs(const std::string& file) {
    pid_t pid = 0;
    std::ifstream(folder / file) >> pid;
    EXPECT_GT(pid, 0);
    // A process that was killed may be a zombie of the init process for a moment.
    for (int i = 0; i < 200; ++i) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string number, name, state;
      if (!(stat >> number >> name >> state) || state == "Z" || state == "X") return false;
      (void)loop.run(loop.clock().sleep_for(10ms));
    }
    return true;
  }

  Loop loop;
  std::unique_ptr<Processes> processes;
  std::filesystem::path folder;
  std::vector<std::string> lines;
  std::function<void(std::string_view)> when_line;
};

TEST_F(ChildProcess, GivesCodeOutputAndLines) {
  const auto exited = run(shell("echo one; echo two >&2; printf three; exit 7"));
  ASSERT_TRUE(exited.ok()) << exited.error().message();
  EXPECT_EQ(exited->code, 7);
  EXPECT_EQ(exited->output, "one\nthree");
  EXPECT_EQ(exited->errors, "two\n");
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("out:one", "err:two", "out:three"));
}

TEST_F(ChildProcess, PassesArgumentsAsTheyAre) {
  Command command;
  command.argv = {"printf", "%s|", "a b", "$HOME", "*", "", "'"};
  EXPECT_EQ(run(command)->output, "a b|$HOME|*||'|");
}

TEST_F(ChildProcess, WritesItsInput) {
  auto command = shell("cat; echo done");
  command.input = std::string(3'000'000, 'x');
  const auto exited = run(command);
  ASSERT_TRUE(exited.ok());
  EXPECT_EQ(exited->output.size(), 3'000'005u);
  // A program that does not want its input is not the end of us.
  command = shell("exit 3");
  command.input = std::string(3'000'000, 'x');
  EXPECT_EQ(run(command)->code, 3);
}

TEST_F(ChildProcess, HasAnEmptyInputWhenNoneIsGiven) {
  EXPECT_EQ(run(shell("cat"))->code, 0);
}

TEST_F(ChildProcess, HasTheEnvironmentThatWasAskedFor) {
  ::setenv("PAWL_TEST_KEPT", "kept", 1);
  ::setenv("PAWL_TEST_CHANGED", "old", 1);
  ::setenv("PAWL_TEST_GONE", "gone", 1);
  auto command = shell("echo $PAWL_TEST_KEPT,$PAWL_TEST_CHANGED,$PAWL_TEST_GONE,$PAWL_TEST_NEW");
  command.environment = {{"PAWL_TEST_CHANGED", "new"}, {"PAWL_TEST_NEW", "a=b"}};
  command.unset = {"PAWL_TEST_GONE"};
  EXPECT_EQ(run(command)->output, "kept,new,,a=b\n");
}

TEST_F(ChildProcess, RunsInTheFolderThatWasAskedFor) {
  auto command = shell("pwd -P");
  command.directory = folder;
  EXPECT_EQ(run(command)->output, std::filesystem::canonical(folder).string() + "\n");
  command.directory = folder / "nowhere";
  const auto missing = run(command);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
  EXPECT_THAT(missing.error().message(), HasSubstr("nowhere"));
}

TEST_F(ChildProcess, SaysWhichProgramIsMissing) {
  for (const std::string name : {"pawl-no-such-program", "/nonexistent/program", "/etc/passwd"}) {
    Command command;
    command.argv = {name};
    const auto exited = run(command);
    ASSERT_FALSE(exited.ok()) << name;
    EXPECT_EQ(exited.error().kind(), ErrorKind::not_found);
    EXPECT_THAT(exited.error().message(), HasSubstr(name));
  }
}

TEST_F(ChildProcess, IsSearchedInThePathThatItIsGiven) {
  const auto program = folder / "pawl-own-program";
  std::ofstream(program) << "#!/bin/sh\necho found\n";
  ::chmod(program.c_str(), 0755);
  Command command;
  command.argv = {"pawl-own-program"};
  EXPECT_FALSE(run(command).ok());
  command.environment = {{"PATH", folder.string() + ":/usr/bin:/bin"}};
  EXPECT_EQ(run(command)->output, "found\n");
  command.environment.clear();
  command.argv = {"./pawl-own-program"};
  command.directory = folder;
  EXPECT_EQ(run(command)->output, "found\n");
}

TEST_F(ChildProcess, FailsToStartWithAClearError) {
  const auto program = folder / "no-interpreter";
  std::ofstream(program) << "#!/nonexistent/interpreter\n";
  ::chmod(program.c_str(), 0755);
  Command command;
  command.argv = {program};
  const auto exited = run(command);
  ASSERT_FALSE(exited.ok());
  EXPECT_THAT(exited.error().message(), HasSubstr("no-interpreter"));
}

TEST_F(ChildProcess, InheritsNoDescriptors) {
  const int fd = ::dup(1);  // without close-on-exec
  const auto exited = run(shell("ls /proc/self/fd"));
  ::close(fd);
  EXPECT_EQ(exited->output, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_F(ChildProcess, TellsTheSignalThatKilledIt) {
  EXPECT_EQ(run(shell("kill -9 $$"))->code, 128 + SIGKILL);
}

TEST_F(ChildProcess, AFloodIsKeptUpToTheLimitAndGivenInFull) {
  auto command =
      shell("head -c 5000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' e >&2");
  command.max_output_bytes = 1000;
  const auto exited = run(command);
  ASSERT_TRUE(exited.ok());
  EXPECT_EQ(exited->output, std::string(1000, 'x'));
  EXPECT_EQ(exited->errors, std::string(kKeptErrorBytes, 'e'));
  size_t bytes = 0;
  for (const auto& line : lines) bytes += line.size() - 4;
  EXPECT_EQ(bytes, 5'100'000u);
}

TEST_F(ChildProcess, IsEndedAtItsTimeLimit) {
  auto command = shell("echo $$ > pid; sleep 1000");
  command.directory = folder;
  command.timeout = 200ms;
  const auto exited = run(command);
  ASSERT_FALSE(exited.ok());
  EXPECT_EQ(exited.error().kind(), ErrorKind::timeout);
  EXPECT_FALSE(runs("pid"));
}

TEST_F(ChildProcess, AStopIsAskedFirstSoThatItCanTidyUp) {
  std::stop_source stop;
  when_line = [&stop](std::string_view line) {
    if (line == "ready") stop.request_stop();
  };
  auto command = shell("trap 'echo tidy; exit 0' INT; echo ready; while :; do sleep 0.01; done");
  command.grace = 1h;
  const auto exited = run(command, stop.get_token());
  ASSERT_FALSE(exited.ok());
  EXPECT_EQ(exited.error().kind(), ErrorKind::interrupted);
  EXPECT_THAT(lines, ElementsAre("out:ready", "out:tidy"));
}

TEST_F(ChildProcess, AStopKillsGrandchildrenThatDoNotListen) {
  std::stop_source stop;
  when_line = [&stop](std::string_view) { stop.request_stop(); };
  auto command = shell(
      "trap '' INT; (sleep 1000 & echo $! > grandchild; wait) & "
      "while [ ! -s grandchild ]; do sleep 0.01; done; echo ready; wait");
  command.directory = folder;
  EXPECT_EQ(run(command, stop.get_token()).error().kind(), ErrorKind::interrupted);
  EXPECT_FALSE(runs("grandchild"));
}

TEST_F(ChildProcess, WhatItLeavesBehindIsEnded) {
  auto command = shell("sleep 1000 > /dev/null 2>&1 & echo $! > left");
  command.directory = folder;
  EXPECT_EQ(run(command)->code, 0);
  EXPECT_FALSE(runs("left"));
}

TEST_F(ChildProcess, IsKilledWhenItsTaskIsDestroyed) {
  OneShot<bool> ready;
  auto command = shell("echo $$ > pid; echo ready; sleep 1000");
  command.directory = folder;
  {
    auto task = processes->run(command, [ready](Stream, std::string_view) { ready.set(true); });
    task.start(nullptr);
    loop.run([](OneShot<bool> one) -> Task<bool> { co_return co_await one.wait(); }(ready));
  }
  EXPECT_FALSE(runs("pid"));
}

TEST_F(ChildProcess, ManyRunAtOnce) {
  std::vector<Task<Result<Exited>>> tasks;
  for (int i = 0; i < 30; ++i)
    tasks.push_back(processes->run(shell("echo " + std::to_string(i)), LineHandler()));
  const auto results = loop.run(when_all(std::move(tasks)));
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i]->output, std::to_string(i) + "\n");
}

TEST_F(ChildProcess, IsNotStartedWhenAlreadyStopped) {
  std::stop_source stop;
  stop.request_stop();
  auto command = shell("touch started");
  command.directory = folder;
  EXPECT_EQ(run(command, stop.get_token()).error().kind(), ErrorKind::interrupted);
  EXPECT_FALSE(std::filesystem::exists(folder / "started"));
}

TEST(Program, IsFoundOnThePath) {
  EXPECT_THAT(find_program("sh").value_or(""), ::testing::EndsWith("/sh"));
  EXPECT_FALSE(find_program("pawl-no-such-program"));
  EXPECT_FALSE(find_program(""));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
}

TEST(Lines, AreCutWhereverTheyArrive) {
  const std::string text = "one\n\ntwo\r\n" + std::string(kMaxLineBytes + 5, 'x') + "\n" +
                           std::string(kMaxLineBytes, 'y') + "\nlast";
  std::vector<std::string> expected = {
      "one", "", "two", std::string(kMaxLineBytes, 'x'), "xxxxx", std::string(kMaxLineBytes, 'y'),
      "last"};
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{1000}, text.size()}) {
    std::vector<std::string> lines;
    const LineHandler handler = [&](Stream, std::string_view line) { lines.emplace_back(line); };
    LineSplitter splitter(Stream::out, handler);
    for (size_t at = 0; at < text.size(); at += piece)
      splitter.take(std::string_view(text).substr(at, piece));
    splitter.end();
    EXPECT_EQ(lines, expected) << piece;
  }
}

}  // namespace
}  // namespace pawl
