// pawl: the program.
#include "cli/commands.h"

int main(int argc, char** argv) {
  pawl::Globals globals;
  globals.environment = pawl::ProcessEnvironment::of_this_process();
  pawl::Program program("pawl",
                        "Makes a release live on AWS Lambda, or puts back exactly what was live "
                        "before, and says which of the two happened.",
                        globals);
  pawl::CliCommand root = program.root();
  root.examples(
      "  pawl sandbox up --detach            a whole cloud on this machine, to try things in\n"
      "  pawl deploy dev --sandbox           deploy what is checked out\n"
      "  pawl deploy staging --tag v1.4.2    deploy a release\n"
      "  pawl status                         what is live where\n"
      "  pawl rollback prod                  back to the last verified release\n");
  pawl::add_deploy(root, globals);
  pawl::add_plan(root, globals);
  pawl::add_rollback(root, globals);
  pawl::add_resume(root, globals);
  pawl::add_cancel(root, globals);
  pawl::add_status(root, globals);
  pawl::add_history(root, globals);
  pawl::add_show(root, globals);
  pawl::add_logs(root, globals);
  pawl::add_metrics(root, globals);
  pawl::add_config(root, globals);
  pawl::add_doctor(root, globals);
  pawl::add_copy(root, globals);
  pawl::add_sync(root, globals);
  pawl::add_sandbox(root, globals);
  pawl::add_completion(root, globals, program);
  return program.main(argc, argv);
}
