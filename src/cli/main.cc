// pawl: the program.
#include <fmt/format.h>

#include <string_view>

#include "cli/commands.h"
#include "cli/version.h"

int main(int argc, char** argv) {
  // Asked for by scripts and prompts: said before there is a tree of commands.
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    fmt::print("{}\n", pawl::version_line());
    return 0;
  }
  pawl::Globals globals;
  globals.environment = pawl::ProcessEnvironment::of_this_process();
  pawl::Program program("pawl",
                        "Makes a release live on AWS Lambda, or puts back exactly what was live "
                        "before, and says which of the two happened.",
                        globals);
  pawl::add_all_commands(program, globals);
  return program.main(argc, argv);
}
