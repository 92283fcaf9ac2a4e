// What the commands of `pawl sandbox` do, apart from how they are asked: starting the process in
// the foreground or behind, ending it, and talking to the one that runs.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "sandbox/connection.h"
#include "sandbox/seed.h"

namespace pawl {

/// ".pawl/sandbox" of the project.
std::filesystem::path sandbox_folder(const std::string& state_dir);

struct SandboxUp {
  std::filesystem::path folder;
  sandbox::SandboxSeed seed;
  std::optional<uint16_t> base_port;
  int64_t github_rate_limit = 0;  // calls an hour; 0: as GitHub's own
  bool detach = false;
};

/// Tells where the sandbox is once it is ready; `already`: it ran before.
using SandboxReady = std::function<void(const sandbox::Connection& connection, bool already)>;

/// In the foreground it returns when somebody ended it; detached, when it is ready.
Result<void> sandbox_up(SandboxUp request, SandboxReady ready);
/// false: none ran. Returns when the process has let go of its folder.
Result<bool> sandbox_down(const std::filesystem::path& folder);
/// Whether a process holds the folder.
bool sandbox_holds(const std::filesystem::path& folder);

/// Calls the control API of the sandbox that runs; not_found, with how to start it, when none does.
Task<Result<json::object>> call_sandbox(HttpClient& client, sandbox::Connection connection,
                                        std::string method, std::string path,
                                        std::string body = "");
Result<sandbox::Connection> running_sandbox(const std::filesystem::path& folder);

}  // namespace pawl
