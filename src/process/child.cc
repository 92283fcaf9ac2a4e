#include "process/child.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "process/spawn.h"

namespace pawl {
namespace {

constexpr size_t kMaxLineBytes = 64u << 10;
constexpr size_t kKeptErrorBytes = 8u << 10;

/// Cuts a stream of bytes into lines.
class LineCutter {
 public:
  LineCutter(Stream stream, const LineHandler& handler) : stream_(stream), handler_(handler) {}

  void take(std::string_view bytes) {
    if (!handler_) return;
    for (const char c : bytes) {
      if (c == '\n') {
        flush();
      } else {
        line_ += c;
        if (line_.size() == kMaxLineBytes) flush();
      }
    }
  }
  void end() {
    if (!line_.empty()) flush();
  }

 private:
  void flush() {
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    handler_(stream_, line_);
    line_.clear();
  }
  Stream stream_;
  const LineHandler& handler_;
  std::string line_;
};

/// One run of a program, from its start to its reaping. Members are destroyed last first: what still
/// waits on a pipe goes before the child, which is killed when it was not reaped.
class Run {
 public:
  Run(Loop& loop, const Command& command, const LineHandler& on_line, SpawnedChild child)
      : loop_(loop),
        command_(command),
        child_(std::move(child)),
        pidfd_(loop, std::move(child_.pidfd)),
        output_(loop, std::move(child_.output)),
        errors_(loop, std::move(child_.errors)),
        out_lines_(Stream::out, on_line),
        err_lines_(Stream::err, on_line),
        pumps_(&detached_) {}

  Task<Result<Exited>> to_the_end() {
    if (command_.input.empty()) {
      child_.input.reset();
    } else {
      input_.emplace(loop_, std::move(child_.input));
      pumps_.spawn(feed());
    }
    pumps_.spawn(pump(output_, &out_lines_, &Run::keep_output));
    pumps_.spawn(pump(errors_, &err_lines_, &Run::keep_errors));
    const Why why = co_await wait_for_end();
    if (why != Why::exited) co_await make_it_end();
    exited_.code = child_.reap();
    // Whoever inherited the pipes may hold them open for ever: take what is there, and no more.
    drain(output_, out_lines_, &Run::keep_output);
    drain(errors_, err_lines_, &Run::keep_errors);
    out_lines_.end();
    err_lines_.end();
    if (why == Why::stopped)
      co_return Error(ErrorKind::interrupted, command_.argv.front() + " was stopped");
    if (why == Why::timed_out)
      co_return Error(ErrorKind::timeout, fmt::format("{} did not end within {}",
                                                      command_.argv.front(),
                                                      format_duration(command_.timeout)));
    co_return std::move(exited_);
  }

 private:
  enum class Why { exited, stopped, timed_out };
  using Keep = void (Run::*)(std::string_view);

  Task<Why> wait_for_end() {
    OneShot<Why> end;
    pidfd_.on_ready(WaitableFd::Ready::read, [end] { end.set(Why::exited); });
    const std::stop_token stop = co_await current_stop();
    Loop& loop = loop_;
    std::stop_callback on_stop(stop, [&loop, end] { loop.post([end] { end.set(Why::stopped); }); });
    Scope timer(&detached_);
    if (command_.timeout.count() > 0) timer.spawn(set_later(command_.timeout, end, Why::timed_out));
    co_return co_await end.wait();
  }

  Task<void> make_it_end() {
    pidfd_.cancel();
    OneShot<Why> end;
    pidfd_.on_ready(WaitableFd::Ready::read, [end] { end.set(Why::exited); });
    child_.signal(SIGINT);
    Scope timer(&detached_);
    timer.spawn(set_later(command_.grace, end, Why::timed_out));
    const Why why = co_await end.wait();
    // Also after it ended by itself: what it started goes with it.
    child_.signal(SIGKILL);
    if (why != Why::exited) co_await pidfd_.wait(WaitableFd::Ready::read);
  }

  Task<void> set_later(std::chrono::milliseconds delay, OneShot<Why> end, Why why) {
    auto slept = co_await loop_.clock().sleep_for(delay);
    if (slept.ok()) end.set(why);
  }

  Task<void> feed() {
    std::string_view rest = command_.input;
    while (!rest.empty()) {
      const ssize_t written = ::write(input_->get(), rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<size_t>(written));
      } else if (written < 0 && errno == EAGAIN) {
        if (!co_await input_->wait(WaitableFd::Ready::write)) break;
      } else if (errno != EINTR) {
        break;  // it does not read any more, which is its own affair
      }
    }
    input_->close();
  }

  Task<void> pump(WaitableFd& from, LineCutter* lines, Keep keep) {
    while (drain(from, *lines, keep)) {
      if (!co_await from.wait(WaitableFd::Ready::read)) co_return;
    }
  }

  // Reads what there is; false at the end of the stream.
  bool drain(WaitableFd& from, LineCutter& lines, Keep keep) {
    std::array<char, 16384> buffer;
    while (true) {
      const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
      (this->*keep)(bytes);
      lines.take(bytes);
    }
  }

  void keep_output(std::string_view bytes) {
    const size_t room = command_.max_output_bytes - exited_.output.size();
    exited_.output += bytes.substr(0, room);
  }
  void keep_errors(std::string_view bytes) {
    exited_.errors += bytes;
    if (exited_.errors.size() > kKeptErrorBytes)
      exited_.errors.erase(0, exited_.errors.size() - kKeptErrorBytes);
  }

  Loop& loop_;
  const Command& command_;
  SpawnedChild child_;
  WaitableFd pidfd_, output_, errors_;
  std::optional<WaitableFd> input_;
  LineCutter out_lines_, err_lines_;
  Exited exited_;
  TaskContext detached_;  // never stopped: the pipes are read to the end whatever happens
  Scope pumps_;
};

class LoopProcesses : public Processes {
 public:
  explicit LoopProcesses(Loop& loop) : loop_(loop) {}

  Task<Result<Exited>> run(Command command, LineHandler on_line) override {
    PAWL_CO_TRY(auto child, SpawnedChild::start(command));
    Run running(loop_, command, on_line, std::move(child));
    co_return co_await running.to_the_end();
  }

 private:
  Loop& loop_;
};

}  // namespace

std::unique_ptr<Processes> make_processes(Loop& loop) {
  // A child that ends before it has read its input must not end us.
  ::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<LoopProcesses>(loop);
}

}  // namespace pawl
