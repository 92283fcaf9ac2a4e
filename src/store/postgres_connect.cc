#include "store/postgres_connect.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <system_error>
#include <thread>

#include "net/watched_fd.h"
#include "store/postgres_errors.h"

namespace pawl::postgres {
namespace {

// Names, TLS and a slow server together; several hosts are tried one after the other.
constexpr std::chrono::milliseconds kConnectLimit{15'000};

// Shared by the thread that connects and the task that waits for it. Whoever leaves last cleans up:
// a task that was given up does not wait for a server that does not answer.
struct Attempt {
  explicit Attempt(const Address& address) : parameters(address.parameters()) {}
  ~Attempt() {
    if (handle != nullptr) PQfinish(handle);
    ::close(done_fd);
  }

  void connect() {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : parameters) {
      keywords.push_back(keyword.c_str());
      values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    handle = PQconnectdbParams(keywords.data(), values.data(), 0);
    is_done.store(true, std::memory_order_release);
    eventfd_write(done_fd, 1);
  }

  const Address::Parameters parameters;
  const int done_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  PGconn* handle = nullptr;
  std::atomic<bool> is_done = false;
};

// Signals are for the thread of the event loop.
Result<void> start_thread(std::shared_ptr<Attempt> attempt) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::error_code problem;
  try {
    std::thread([attempt = std::move(attempt)] { attempt->connect(); }).detach();
  } catch (const std::system_error& failure) {
    problem = failure.code();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (problem) return Error(ErrorKind::unavailable, "cannot start a thread: " + problem.message());
  return ok();
}

Task<Result<void>> wait_for(std::shared_ptr<Attempt> attempt, Loop& loop) {
  WatchedFd done(loop, ::fcntl(attempt->done_fd, F_DUPFD_CLOEXEC, 0));
  while (!attempt->is_done.load(std::memory_order_acquire)) PAWL_CO_CHECK(co_await done.readable());
  co_return ok();
}

}  // namespace

Task<Result<PGconn*>> connect(Loop& loop, const Address& address) {
  auto attempt = std::make_shared<Attempt>(address);
  if (attempt->done_fd < 0) co_return Error(ErrorKind::unavailable, "no file descriptor is left");
  PAWL_CO_CHECK(start_thread(attempt));
  auto waited = co_await with_timeout(loop.clock(), kConnectLimit, wait_for(attempt, loop));
  if (!waited.ok()) co_return cannot_connect(address, waited.error().what());
  if (PQstatus(attempt->handle) != CONNECTION_OK)
    co_return cannot_connect(address, PQerrorMessage(attempt->handle));
  co_return std::exchange(attempt->handle, nullptr);
}

}  // namespace pawl::postgres
