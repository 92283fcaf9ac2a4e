#include "cli/commands.h"

namespace pawl {

void add_all_commands(Program& program, Globals& globals) {
  CliCommand root = program.root();
  root.examples(
      "  pawl sandbox up --detach            a whole cloud on this machine, to try things in\n"
      "  pawl deploy dev --sandbox           deploy the newest release\n"
      "  pawl deploy staging --tag v1.4.2    deploy a release\n"
      "  pawl status                         what is live where\n"
      "  pawl rollback prod                  back to the last verified release\n");
  add_deploy(root, globals);
  add_plan(root, globals);
  add_rollback(root, globals);
  add_resume(root, globals);
  add_cancel(root, globals);
  add_status(root, globals);
  add_history(root, globals);
  add_show(root, globals);
  add_logs(root, globals);
  add_metrics(root, globals);
  add_config(root, globals);
  add_doctor(root, globals);
  add_copy(root, globals);
  add_sync(root, globals);
  add_sandbox(root, globals);
  add_completion(root, globals, program);
}

}  // namespace pawl
