// pawl: the program.
#include "cli/commands.h"

int main(int argc, char** argv) {
  pawl::Globals globals;
  globals.environment = pawl::ProcessEnvironment::of_this_process();
  pawl::Program program("pawl",
                        "Makes a release live on AWS Lambda, or puts back exactly what was live "
                        "before, and says which of the two happened.",
                        globals);
  pawl::add_all_commands(program, globals);
  return program.main(argc, argv);
}
