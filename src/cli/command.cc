#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "cli/version.h"
#include "engine/ports/store.h"

namespace pawl {

struct CliCommand::Impl {
  CLI::App* app = nullptr;
  std::shared_ptr<CLI::App> root;
  // Where the chosen command leaves its action; one for the whole program.
  std::shared_ptr<std::function<int()>> action;
};

CliCommand& CliCommand::flag(const std::string& names, bool& target, const std::string& help) {
  impl_->app->add_flag(names, target, help);
  return *this;
}
CliCommand& CliCommand::option(const std::string& names, std::string& target,
                               const std::string& help) {
  impl_->app->add_option(names, target, help);
  return *this;
}
CliCommand& CliCommand::option(const std::string& names, int& target, const std::string& help) {
  impl_->app->add_option(names, target, help)->check(CLI::NonNegativeNumber)->capture_default_str();
  return *this;
}
CliCommand& CliCommand::option(const std::string& names, std::vector<std::string>& target,
                               const std::string& help) {
  impl_->app->add_option(names, target, help)->allow_extra_args(false);
  return *this;
}
CliCommand& CliCommand::positional(const std::string& name, std::string& target,
                                   const std::string& help) {
  impl_->app->add_option(name, target, help)->required();
  return *this;
}
CliCommand& CliCommand::optional_positional(const std::string& name, std::string& target,
                                            const std::string& help) {
  impl_->app->add_option(name, target, help);
  return *this;
}
CliCommand& CliCommand::positional_list(const std::string& name, std::vector<std::string>& target) {
  impl_->app->add_option(name, target);
  return *this;
}
CliCommand& CliCommand::choices(const std::string& name, std::vector<std::string> choices) {
  impl_->app->get_option(name)->check(CLI::IsMember(std::move(choices)));
  return *this;
}
CliCommand& CliCommand::examples(const std::string& text) {
  impl_->app->footer("Examples:\n" + text);
  return *this;
}
CliCommand& CliCommand::run(std::function<int()> action) {
  auto slot = impl_->action;
  impl_->app->callback([slot, action = std::move(action)] { *slot = action; });
  return *this;
}
CliCommand& CliCommand::hide() {
  impl_->app->group("");
  return *this;
}
CliCommand CliCommand::sub(const std::string& name, const std::string& help) {
  CLI::App* child = impl_->app->add_subcommand(name, help);
  child->footer("");  // the parent's examples are not its own
  impl_->app->require_subcommand(0, 1);
  return CliCommand(std::make_shared<Impl>(Impl{child, impl_->root, impl_->action}));
}

Program::Program(std::string name, std::string description, Globals& globals)
    : impl_(std::make_shared<CliCommand::Impl>()), globals_(globals) {
  impl_->root = std::make_shared<CLI::App>(std::move(description), std::move(name));
  impl_->app = impl_->root.get();
  impl_->action = std::make_shared<std::function<int()>>();
  CLI::App& app = *impl_->root;
  app.set_version_flag("-V,--version", version_line());
  app.fallthrough();  // the options below may stand after the command, too
  app.get_formatter()->column_width(34);
  app.add_option("-c,--config", globals.config_path,
                 "The config file (default: pawl.yaml, searched upward)");
  app.add_option("--state", globals.state_dir,
                 "The folder of what Pawl keeps (default: .pawl beside the config file)");
  app.add_option(
      "--store", globals.store,
      "Where the journal is: a file, or postgresql://USER@HOST/DATABASE (default: "
      "PAWL_STORE, else journal.db in the folder above; sandbox/journal.db with --sandbox)");
  app.add_flag("--sandbox", globals.sandbox,
               "Talk to the running sandbox instead of the real services; its journal is its own");
  app.add_flag("--json", globals.json, "Print JSON, for programs");
  app.add_flag("-q,--quiet", globals.quiet, "Print the outcome only");
  app.add_flag("-v,--verbose", globals.verbose, "Print each request to stderr");
}

Program::~Program() = default;

CliCommand Program::root() {
  return CliCommand(impl_);
}

int Program::main(int argc, char** argv) {
  CLI::App& app = *impl_->root;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    // --help and --version come this way too, with code 0.
    const int code = app.exit(problem, std::cout, std::cerr);
    return code == 0 ? kDone : kUsage;
  }
  set_verbose(globals_.verbose);
  if (!*impl_->action) {
    fmt::print(stderr, "{}", app.help());  // of a group without a command of it: what there is
    return kUsage;
  }
  return (*impl_->action)();
}

std::vector<std::string> Program::complete(const std::vector<std::string>& words) const {
  const CLI::App* app = impl_->root.get();
  const std::string begun = words.empty() ? "" : words.back();
  bool value_expected = false;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    value_expected = false;
    if (words[i].starts_with('-')) {
      const auto* option = app->get_option_no_throw(words[i]);
      value_expected = option != nullptr && option->get_expected_max() > 0;
    } else {
      const auto named = app->get_subcommands(
          [&](const CLI::App* child) { return child->get_name() == words[i]; });
      if (!named.empty()) app = named.front();
    }
  }
  std::vector<std::string> found;
  const auto offer = [&](const std::string& word) {
    if (word.rfind(begun, 0) == 0) found.push_back(word);
  };
  if (value_expected) return found;
  if (begun.starts_with('-')) {
    for (const CLI::App* each = app; each != nullptr; each = each->get_parent())
      for (const auto* option : each->get_options())
        for (const auto& name : option->get_lnames()) offer("--" + name);
  } else {
    for (const auto* child : app->get_subcommands([](const CLI::App*) { return true; }))
      if (!child->get_group().empty()) offer(child->get_name());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

namespace {

// Not app.help(): that answers for the command that was parsed.
std::string help_of(const CLI::App& app, const std::string& name) {
  return app.get_formatter()->make_help(&app, name, CLI::AppFormatMode::Normal);
}

void write_reference(const CLI::App& app, const std::string& name, std::string& text) {
  text += fmt::format("## {}\n\n```text\n{}```\n\n", name, help_of(app, name));
  for (const auto* child : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!child->get_group().empty()) write_reference(*child, name + " " + child->get_name(), text);
}

}  // namespace

std::string Program::reference() const {
  std::string text =
      "# The command line\n\n"
      "Printed by `pawl __reference`; a test fails when this page is not what the binary says.\n\n"
      "## Exit codes\n\n"
      "| code | meaning |\n|---|---|\n"
      "| 0 | done, or nothing to do |\n"
      "| 1 | failed, and the environment is not as it was (the output says what is), or the "
      "command is not about one |\n"
      "| 2 | wrong usage or config; nothing was touched |\n"
      "| 3 | failed, and the environment is as it was: rolled back, or nothing was changed (what "
      "has to be known first could not be read) |\n"
      "| 4 | refused by policy: not eligible, frozen, not approved, superseded |\n"
      "| 5 | interrupted: the next call takes it up; or taken over by another process |\n\n";
  write_reference(*impl_->root, "pawl", text);
  return text;
}

int exit_code_for(const Error& error, Effect effect) {
  if (error.code() == kCodeFenced) return kInterrupted;  // another process takes it to its end
  switch (error.kind()) {
    case ErrorKind::usage:
    case ErrorKind::config:
      return kUsage;
    case ErrorKind::refused:
      return kRefused;
    case ErrorKind::interrupted:
      return kInterrupted;
    default:
      return effect == Effect::none ? kRolledBack : kFailed;
  }
}

int report(const Error& error, const Globals& globals, Effect effect) {
  const int code = exit_code_for(error, effect);
  const bool is_harmless = effect == Effect::none && (code == kRolledBack || code == kInterrupted);
  if (globals.json) {
    json::object object{
        {"error", redact(error.message())}, {"kind", to_string(error.kind())}, {"exit_code", code}};
    if (is_harmless) object["nothing_was_changed"] = true;
    if (!error.hint().empty()) object["hint"] = redact(error.hint());
    fmt::print("{}", pretty(object));
    return code;
  }
  fmt::print(stderr, "pawl: {}\n", redact(error.message()));
  if (is_harmless) fmt::print(stderr, "  nothing was changed\n");
  if (!error.hint().empty()) fmt::print(stderr, "  {}\n", redact(error.hint()));
  return code;
}

}  // namespace pawl
