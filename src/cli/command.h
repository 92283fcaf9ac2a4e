// How a command says what it takes. CLI11 does the parsing, and is compiled in command.cc only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/globals.h"

namespace pawl {

/// Exit codes; part of the interface, see docs/reference/cli.md.
enum ExitCode {
  kDone = 0,         // done, or nothing to do
  kFailed = 1,       // failed; the environment is not as it was, or it is not about one
  kUsage = 2,        // wrong usage or config; nothing was touched
  kRolledBack = 3,   // failed; the environment is as it was: rolled back, or nothing was changed
  kRefused = 4,      // refused by policy
  kInterrupted = 5,  // interrupted; will be resumed
};
/// Whether an environment may be other than before when a command ends with an Error.
enum class Effect { possible, none };
/// The code for an Error that ended a command.
int exit_code_for(const Error& error, Effect effect = Effect::possible);

/// One command (or a group of them) while it is being described.
class CliCommand {
 public:
  CliCommand& flag(const std::string& names, bool& target, const std::string& help);
  CliCommand& option(const std::string& names, std::string& target, const std::string& help);
  CliCommand& option(const std::string& names, int& target, const std::string& help);
  CliCommand& option(const std::string& names, std::vector<std::string>& target,
                     const std::string& help);
  CliCommand& positional(const std::string& name, std::string& target, const std::string& help);
  CliCommand& optional_positional(const std::string& name, std::string& target,
                                  const std::string& help);
  /// All that is left, whatever it looks like.
  CliCommand& positional_list(const std::string& name, std::vector<std::string>& target);
  /// One of `choices` only.
  CliCommand& choices(const std::string& name, std::vector<std::string> choices);
  /// Shown at the end of --help.
  CliCommand& examples(const std::string& text);
  /// What it does; gives the exit code.
  CliCommand& run(std::function<int()> action);
  CliCommand sub(const std::string& name, const std::string& help);
  /// Not in --help.
  CliCommand& hide();

  struct Impl;
  explicit CliCommand(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

/// The whole program: parses argv, runs one command, gives the exit code.
class Program {
 public:
  Program(std::string name, std::string description, Globals& globals);
  ~Program();
  CliCommand root();
  int main(int argc, char** argv);
  /// The words that may follow `words` (the last one possibly begun): for shell completion.
  std::vector<std::string> complete(const std::vector<std::string>& words) const;
  /// docs/reference/cli.md: the help of every command, as Markdown.
  std::string reference() const;

 private:
  std::shared_ptr<CliCommand::Impl> impl_;
  Globals& globals_;
};

/// Prints the error as a person should read it (message, then what to do), and gives its exit code.
/// Of a failure without an effect it says that nothing was changed.
int report(const Error& error, const Globals& globals, Effect effect = Effect::possible);

}  // namespace pawl
