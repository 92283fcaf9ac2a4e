// Outside programs that do what a test says: every command is kept, and answered by the first rule
// whose words are all in its command line. Without a rule a command ends with 0 and says nothing.
#pragma once

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "process/child.h"

namespace pawl::test {

class FakeProcesses : public Processes {
 public:
  using Effect = std::function<void(const Command&)>;

  /// `words` are parts of the command line. The rule holds for the next `times` such commands.
  void answer(std::vector<std::string> words, Exited exited, int times = 1'000,
              Effect effect = {}) {
    rules_.push_back({std::move(words), std::move(exited), times, std::move(effect)});
  }

  Task<Result<Exited>> run(Command command, LineHandler on_line) override {
    commands.push_back(command);
    const std::string line = line_of(command);
    for (auto& rule : rules_) {
      if (rule.times == 0 || !holds(rule.words, line)) continue;
      --rule.times;
      if (rule.effect) rule.effect(command);
      tell(Stream::out, rule.exited.output, on_line);
      tell(Stream::err, rule.exited.errors, on_line);
      co_return rule.exited;
    }
    co_return Exited{};
  }

  static std::string line_of(const Command& command) {
    std::string line;
    for (const auto& word : command.argv) line += (line.empty() ? "" : " ") + word;
    return line;
  }

  /// The commands that hold all of `words`.
  std::vector<Command> with(const std::vector<std::string>& words) const {
    std::vector<Command> found;
    for (const auto& command : commands)
      if (holds(words, line_of(command))) found.push_back(command);
    return found;
  }

  std::vector<Command> commands;

 private:
  struct Rule {
    std::vector<std::string> words;
    Exited exited;
    int times;
    Effect effect;
  };

  static bool holds(const std::vector<std::string>& words, const std::string& line) {
    for (const auto& word : words)
      if (line.find(word) == std::string::npos) return false;
    return true;
  }

  static void tell(Stream stream, const std::string& text, const LineHandler& on_line) {
    std::istringstream lines(text);
    for (std::string line; on_line && std::getline(lines, line);) on_line(stream, line);
  }

  std::vector<Rule> rules_;
};

/// Runs a task that never really waits.
template <class T>
T run_now(Task<T> task) {
  const TaskContext context;
  task.start(&context);
  PAWL_ASSERT(task.done());
  return task.take();
}

}  // namespace pawl::test
