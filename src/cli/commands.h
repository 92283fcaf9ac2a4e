// The commands, one a file. Each describes itself to the program and says what it runs.
#pragma once

#include "cli/command.h"

namespace pawl {

/// All of them, in the order of --help.
void add_all_commands(Program& program, Globals& globals);

void add_deploy(CliCommand root, Globals& globals);
void add_plan(CliCommand root, Globals& globals);
void add_rollback(CliCommand root, Globals& globals);
void add_resume(CliCommand root, Globals& globals);
void add_cancel(CliCommand root, Globals& globals);
void add_status(CliCommand root, Globals& globals);
void add_history(CliCommand root, Globals& globals);
void add_show(CliCommand root, Globals& globals);
void add_logs(CliCommand root, Globals& globals);
void add_metrics(CliCommand root, Globals& globals);
void add_config(CliCommand root, Globals& globals);
void add_doctor(CliCommand root, Globals& globals);
void add_copy(CliCommand root, Globals& globals);
void add_sync(CliCommand root, Globals& globals);
void add_sandbox(CliCommand root, Globals& globals);
void add_completion(CliCommand root, Globals& globals, const Program& program);

}  // namespace pawl
