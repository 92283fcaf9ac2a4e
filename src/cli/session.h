// What a command that touches the world works with: the loop, the store, and every adapter, made
// from the config and the environment. main wires here and nowhere else.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/credentials.h"
#include "cli/command.h"
#include "cli/globals.h"
#include "engine/ports/process_table.h"
#include "engine/ports/source_repository.h"
#include "engine/ports/store.h"
#include "engine/runner.h"
#include "engine/steps.h"
#include "net/loop.h"

namespace pawl {

class GitHubClient;

/// The store alone: for commands that read. The loop must outlive it.
Result<std::unique_ptr<Store>> open_store(Loop& loop, const Globals& globals,
                                          const LoadedConfig& config);

/// Everything for one environment. `store`: one that is open already; else it opens its own.
class Session {
 public:
  virtual ~Session() = default;
  virtual Loop& loop() = 0;
  virtual Store& store() = 0;
  virtual const StepPorts& ports() = 0;
  virtual StepLibrary& steps() = 0;
  /// nullptr when the config names no repository or there is no token: nobody is told.
  virtual Forge* forge() = 0;
  /// nullptr with it.
  virtual GitHubClient* github() = 0;
  virtual SourceRepository& source() = 0;
  /// How many commits of the work tree `newer` has that `older` has not.
  virtual Task<Result<int64_t>> count_commits(std::string older, std::string newer) = 0;
  virtual ProcessTable& processes() = 0;
  virtual aws::CredentialSource& aws_credentials() = 0;

  /// What a Runner of this environment needs.
  virtual RunnerPorts runner_ports() = 0;
  virtual RunnerOptions runner_options() = 0;
};

Result<std::unique_ptr<Session>> open_session(Loop& loop, const Globals& globals,
                                              const LoadedConfig& config,
                                              const EnvironmentConfig& environment,
                                              std::shared_ptr<Store> store = nullptr);

/// Opens the session of one environment, runs `act` in it under Ctrl-C, and gives the exit code;
/// reports errors. `effect`: whether something may have been changed when `act` gives an Error, or
/// before.
int run_in_session(const Globals& globals, const LoadedConfig& config,
                   const EnvironmentConfig& environment,
                   const std::function<Task<Result<int>>(Session&)>& act,
                   Effect effect = Effect::possible);

}  // namespace pawl
