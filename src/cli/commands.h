// The commands, one a file. Each describes itself to the program and says what it runs.
#pragma once

#include "cli/command.h"

namespace pawl {

void add_deploy(Command root, Globals& globals);
void add_plan(Command root, Globals& globals);
void add_rollback(Command root, Globals& globals);
void add_resume(Command root, Globals& globals);
void add_cancel(Command root, Globals& globals);
void add_status(Command root, Globals& globals);
void add_history(Command root, Globals& globals);
void add_show(Command root, Globals& globals);
void add_logs(Command root, Globals& globals);
void add_metrics(Command root, Globals& globals);
void add_config(Command root, Globals& globals);
void add_doctor(Command root, Globals& globals);
void add_copy(Command root, Globals& globals);
void add_sync(Command root, Globals& globals);
void add_sandbox(Command root, Globals& globals);
void add_completion(Command root, Globals& globals, const Program& program);

}  // namespace pawl
