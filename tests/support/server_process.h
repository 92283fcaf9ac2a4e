// A server as a child that ends with us: it prints one JSON line when it is ready, and ends when
// its standard input is closed.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/json.h"

namespace pawl::test {

class ServerProcess {
 public:
  explicit ServerProcess(std::vector<std::string> argv) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(nowhere, 2);
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    stdin_ = in[1];
    auto line = parse_json_object(read_line(out[0]), "the server's first line");
    if (line.ok()) ready_ = *std::move(line);
    ::close(out[0]);
  }
  ~ServerProcess() {
    if (stdin_ >= 0) ::close(stdin_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// What it said when it was ready; empty: it did not start.
  const json::object& ready() const { return ready_; }

 private:
  static std::string read_line(int fd) {
    constexpr int kReadyWithinMs = 120'000;
    std::string line;
    char c = 0;
    pollfd waiting{fd, POLLIN, 0};
    while (::poll(&waiting, 1, kReadyWithinMs) == 1 && ::read(fd, &c, 1) == 1 && c != '\n')
      line += c;
    return line;
  }

  pid_t child_ = -1;
  int stdin_ = -1;
  json::object ready_;
};

}  // namespace pawl::test
