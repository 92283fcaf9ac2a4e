// Starts a function's process, shut in as far as this machine allows, and hands back what its owner
// needs: a pidfd to wait for it and to end it, the pipe with what it prints, and the sockets that
// listen inside its network.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/runner/isolation.h"
#include "sandbox/runner/safe_tree.h"

namespace pawl::sandbox {

struct SpawnRequest {
  std::filesystem::path root;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory = "/";
  int64_t memory_mb = 128;
  int64_t tmp_mb = 512;
  /// Listened to on the function's own loopback, when it has a network of its own.
  std::vector<uint16_t> ports;
};

/// One process tree. Its destructor ends all of it.
class FunctionProcess {
 public:
  FunctionProcess(FunctionProcess&&) = default;
  FunctionProcess& operator=(FunctionProcess&&) = delete;
  ~FunctionProcess();

  int pidfd() const { return pidfd_.get(); }  // readable when it has ended
  int log() const { return log_.get(); }
  pid_t pid() const { return pid_; }
  /// In the order of SpawnRequest::ports; the caller takes them over.
  std::vector<OwnedFd>& listeners() { return listeners_; }
  void kill();
  /// Reaps it; "exit status 1" or "signal: killed", as Lambda says. Blocks until it has ended.
  std::string wait();

 private:
  friend Result<FunctionProcess> spawn_function(const SpawnRequest&, const Isolation&);
  FunctionProcess() = default;
  pid_t pid_ = -1;
  bool reaped_ = false;
  bool has_pid_namespace_ = false;
  OwnedFd pidfd_;
  OwnedFd log_;
  OwnedFd control_;
  std::vector<OwnedFd> listeners_;
};

/// Returns when the entry point was executed, or could not be: the Error says why in words that
/// help (kind failed: the image's fault; internal: ours).
Result<FunctionProcess> spawn_function(const SpawnRequest& request, const Isolation& isolation);

}  // namespace pawl::sandbox
