#include "process/child.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "process/output.h"
#include "process/spawn.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;

/// After the program's own end its output is waited for so long: a grandchild that went on may hold
/// the pipe open for ever.
constexpr auto kDrainLimit = 2s;
constexpr size_t kReadBytes = 64u << 10;

enum class Happened { ended, stopped, expired };

/// One running program with what it wrote so far.
struct Running {
  Running(Loop& on, const Command& what, const LineHandler& lines, Spawned spawned)
      : loop(on),
        command(what),
        child(std::move(spawned.child)),
        out(on, std::move(spawned.streams.out)),
        err(on, std::move(spawned.streams.err)),
        out_lines(Stream::out, lines),
        err_lines(Stream::err, lines) {
    if (spawned.streams.in) in.emplace(on, std::move(spawned.streams.in));
  }

  void take(Stream stream, std::string_view bytes) {
    if (stream == Stream::out) {
      append_head(exited.output, bytes, command.max_output_bytes);
      out_lines.take(bytes);
    } else {
      append_tail(exited.errors, bytes, kKeptErrorBytes);
      err_lines.take(bytes);
    }
  }

  Loop& loop;
  const Command& command;
  std::unique_ptr<Child> child;
  std::optional<WaitableFd> in;
  WaitableFd out;
  WaitableFd err;
  LineSplitter out_lines;
  LineSplitter err_lines;
  Exited exited;
  int open_streams = 2;
  OneShot<bool> all_read;
};

Task<void> read_stream(Running& run, Stream stream) {
  WaitableFd& fd = stream == Stream::out ? run.out : run.err;
  std::vector<char> buffer(kReadBytes);
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count == 0) break;
    if (count > 0) {
      run.take(stream, {buffer.data(), static_cast<size_t>(count)});
      // A flood must not keep the loop from timers and signals.
      co_await yield_to_loop(run.loop);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const bool ready = co_await fd.wait(WaitableFd::Ready::read);
      if (!ready) break;
    } else if (errno != EINTR) {
      break;
    }
  }
  // Not from here: whoever waits may end, and with it the scope that holds this frame.
  if (--run.open_streams == 0) run.loop.post([all_read = run.all_read] { all_read.set(true); });
}

Task<void> write_input(Running& run) {
  std::string_view left = run.command.input;
  while (!left.empty()) {
    const ssize_t count = ::write(run.in->get(), left.data(), left.size());
    if (count >= 0) {
      left.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const bool ready = co_await run.in->wait(WaitableFd::Ready::write);
      if (!ready) break;
    } else if (errno != EINTR) {
      break;  // it does not want to read on, which is its own affair
    }
  }
  run.in->close();
}

/// Waits for the end of the program, for the wish to stop it, or for `limit` (0: none).
Task<Happened> next_event(Running& run, std::stop_token stop, std::chrono::milliseconds limit) {
  OneShot<Happened> happened;
  run.child->exit().on_ready(WaitableFd::Ready::read,
                             [happened] { happened.set(Happened::ended); });
  asio::steady_timer timer(run.loop.impl().io);
  if (limit.count() > 0) {
    timer.expires_after(limit);
    timer.async_wait([happened](error_code failure) {
      if (!failure) happened.set(Happened::expired);
    });
  }
  Loop& loop = run.loop;
  std::stop_callback on_stop(
      stop, [&loop, happened] { loop.post([happened] { happened.set(Happened::stopped); }); });
  const Happened what = co_await happened.wait();
  run.child->exit().cancel();
  co_return what;
}

/// Asks the group to end, and makes it end when it does not.
Task<void> end_group(Running& run) {
  run.child->signal_group(SIGINT);
  auto what = Happened::expired;
  if (run.command.grace.count() > 0)
    what = co_await next_event(run, std::stop_token(), run.command.grace);
  if (what == Happened::ended) co_return;
  run.child->signal_group(SIGKILL);
  while (what != Happened::ended)
    what = co_await next_event(run, std::stop_token(), std::chrono::milliseconds(0));
}

Task<void> finish_reading(Running& run) {
  asio::steady_timer timer(run.loop.impl().io, kDrainLimit);
  auto all_read = run.all_read;
  timer.async_wait([all_read](error_code failure) {
    if (!failure) all_read.set(false);
  });
  co_await all_read.wait();
  run.out_lines.end();
  run.err_lines.end();
}

Task<Result<Exited>> run_program(Loop& loop, Command command, LineHandler on_line) {
  const std::stop_token stop = co_await current_stop();
  if (stop.stop_requested()) {
    co_return Error(ErrorKind::interrupted,
                    fmt::format("{} was not started: asked to stop",
                                command.argv.empty() ? "a program" : command.argv[0]));
  }
  PAWL_CO_TRY(auto spawned, spawn_program(loop, command));
  Running run(loop, command, on_line, std::move(spawned));
  Scope streams;
  if (run.in) streams.spawn(write_input(run));
  streams.spawn(read_stream(run, Stream::out));
  streams.spawn(read_stream(run, Stream::err));

  const Happened what = co_await next_event(run, stop, command.timeout);
  if (what != Happened::ended) co_await end_group(run);
  co_await finish_reading(run);
  // What it left running in its group goes with it.
  run.child->signal_group(SIGKILL);
  run.exited.code = run.child->reap();
  if (what == Happened::stopped)
    co_return Error(ErrorKind::interrupted, fmt::format("{} was stopped", command.argv[0]));
  if (what == Happened::expired) {
    co_return Error(ErrorKind::timeout, fmt::format("{} did not end within {}", command.argv[0],
                                                    format_duration(command.timeout)));
  }
  co_return std::move(run.exited);
}

class RealProcesses : public Processes {
 public:
  explicit RealProcesses(Loop& loop) : loop_(loop) {}
  Task<Result<Exited>> run(Command command, LineHandler on_line) override {
    return run_program(loop_, std::move(command), std::move(on_line));
  }

 private:
  Loop& loop_;
};

}  // namespace

std::unique_ptr<Processes> make_processes(Loop& loop) {
  return std::make_unique<RealProcesses>(loop);
}

}  // namespace pawl
