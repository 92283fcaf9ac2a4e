// pawl completion bash|zsh|fish
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/read_commands.h"

namespace pawl {
namespace {

// The shells ask the binary itself, so that environments and deployments complete, too.
constexpr const char* kBash = R"(_pawl() {
  local IFS=$'\n'
  COMPREPLY=($(pawl __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _pawl pawl
)";
constexpr const char* kZsh = R"(#compdef pawl
_pawl() {
  local -a words_found
  words_found=("${(@f)$(pawl __complete -- "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  if [[ -n "${words_found[1]}" ]]; then compadd -a words_found; else _files; fi
}
# The first call of an autoloaded file is a completion already; sourced, it only registers.
if [[ "${funcstack[1]}" == _pawl ]]; then _pawl "$@"; else compdef _pawl pawl; fi
)";
constexpr const char* kFish =
    "complete -c pawl -f -a "
    "'(pawl __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n";

bool takes_environment(const std::string& command) {
  for (const char* each : {"deploy", "plan", "rollback", "status", "history", "metrics", "doctor"})
    if (command == each) return true;
  return false;
}

int complete(const Program& program, const Globals& globals, std::vector<std::string> words) {
  if (words.empty()) words.emplace_back();
  for (const auto& word : program.complete(words)) fmt::print("{}\n", word);
  const std::string& begun = words.back();
  if (words.size() == 2 && begun.rfind('-', 0) != 0) {
    const bool environments = takes_environment(words[0]);
    const bool deployments =
        words[0] == "show" || words[0] == "logs" || words[0] == "cancel" || words[0] == "resume";
    auto config = load_config(globals);
    if (config.ok() && (environments || deployments))
      for (const auto& each : config->config.environments)
        if (each.name.rfind(begun, 0) == 0) fmt::print("{}\n", each.name);
  }
  return kDone;
}

}  // namespace

void add_completion(CliCommand root, Globals& globals, const Program& program) {
  auto shell = std::make_shared<std::string>();
  root.sub("completion", "Print the completion script of a shell")
      .positional("shell", *shell, "bash, zsh or fish")
      .choices("shell", {"bash", "zsh", "fish"})
      .examples(
          "  pawl completion bash > /etc/bash_completion.d/pawl\n"
          "  pawl completion zsh > \"${fpath[1]}/_pawl\"\n"
          "  pawl completion fish > ~/.config/fish/completions/pawl.fish")
      .run([shell] {
        fmt::print("{}", *shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
        return static_cast<int>(kDone);
      });
  root.sub("__reference", "Print docs/reference/cli.md").hide().run([&program] {
    fmt::print("{}", program.reference());
    return static_cast<int>(kDone);
  });
  auto words = std::make_shared<std::vector<std::string>>();
  root.sub("__complete", "The words that may follow")
      .positional_list("words", *words)
      .hide()
      .run([words, &globals, &program] { return complete(program, globals, *words); });
}

}  // namespace pawl
