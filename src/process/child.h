// Runs an outside program: argv only (never a shell), an environment that is given, output line by
// line, a time limit, and the whole process group ended when the task is stopped.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"

namespace pawl {

class Loop;

struct Command {
  std::vector<std::string> argv;                   // argv[0] is searched in PATH
  std::string directory;                           // empty: this one
  std::map<std::string, std::string> environment;  // added to, or replacing, the inherited
  std::vector<std::string> unset;                  // taken out of the inherited environment
  std::string input;                               // written to stdin, which is then closed
  std::chrono::milliseconds timeout{0};            // 0: none
  /// On stop or timeout: SIGINT to the group, then SIGKILL after so long. Terraform needs the grace
  /// to give its state lock back.
  std::chrono::milliseconds grace{10'000};
  size_t max_output_bytes = 16u << 20;  // of Exited.output; lines are still given
};

enum class Stream { out, err };
/// Lines come without their newline (or CR LF); a line over 64 KiB comes in pieces.
using LineHandler = std::function<void(Stream stream, std::string_view line)>;

struct Exited {
  int code = 0;        // 128 + signal when killed, as shells have it
  std::string output;  // stdout
  std::string errors;  // the last 8 KiB of stderr
};

class Processes {
 public:
  virtual ~Processes() = default;
  /// An exit code other than 0 is a value; Errors: not_found (no such program), timeout,
  /// interrupted.
  virtual Task<Result<Exited>> run(Command command, LineHandler on_line) = 0;
};

std::unique_ptr<Processes> make_processes(Loop& loop);

/// The full path of `program` as execvp would find it.
std::optional<std::string> find_program(std::string_view program);

}  // namespace pawl
