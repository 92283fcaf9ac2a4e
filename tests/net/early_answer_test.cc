// Servers that answer an upload before they have read it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/loop_asio.h"
#include "net/rig.h"
#include "net/server_socket.h"

namespace pawl {
namespace {

/// Reads until `end` has come, or the client has closed.
Task<void> read_until(ServerSocket& socket, std::string end) {
  std::string seen;
  std::byte next{};
  while (!seen.ends_with(end)) {
    if (co_await socket.read_some({&next, 1}) == 0) co_return;
    seen += static_cast<char>(next);
  }
}

/// Answers each connection's first head with fixed bytes, and reads nothing more.
class Blunt {
 public:
  enum class Then { stay, close };

  Blunt(Loop& loop, std::string answer, Then then)
      : loop_(loop), listener_(loop, *listen_on("127.0.0.1", 0)), answer_(std::move(answer)) {
    scope_.spawn(accept_all(then));
  }
  std::string url() { return fmt::format("http://127.0.0.1:{}/", local_port(listener_.get())); }

 private:
  Task<void> accept_all(Then then) {
    while (co_await listener_.wait(WaitableFd::Ready::read)) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd) scope_.spawn(serve(std::move(fd), then));
    }
  }
  Task<void> serve(UniqueFd fd, Then then) {
    ServerSocket socket(loop_, std::move(fd), "");
    co_await read_until(socket, "\r\n\r\n");
    (void)co_await socket.write(answer_, {}, false);
    if (then == Then::close) co_return;
    OneShot<bool> never;
    (void)co_await never.wait();
  }

  Loop& loop_;
  WaitableFd listener_;
  std::string answer_;
  Scope scope_;
};

/// The beginning of a long answer.
std::string beginning(size_t bytes) {
  return "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + std::string(bytes, 'x');
}

class EarlyAnswer : public NetTest {
 protected:
  using Then = Blunt::Then;
  static std::string refusal(int status) {
    return fmt::format("HTTP/1.1 {} No\r\nContent-Length: 2\r\n\r\nno", status);
  }
  static HttpRequest to(std::string url, std::string method) {
    HttpRequest made;
    made.method = std::move(method);
    made.url = std::move(url);
    made.timeout = std::chrono::seconds(20);  // a failing test ends
    return made;
  }
  struct Outcome {
    Result<HttpResponse> download;
    Result<HttpResponse> upload;
  };
  /// So many bytes from the answer of one to a request to the other.
  Outcome copy(std::string source, std::string target, uint64_t bytes = 50'000'000) {
    BytePipe pipe(64u << 10, bytes);
    auto get = to(std::move(source), "GET");
    get.sink = pipe.sink();
    auto put = to(std::move(target), "PUT");
    put.source = pipe.source();
    std::vector<Task<Result<HttpResponse>>> both;
    both.push_back(client->send(std::move(get)));
    both.push_back(client->send(std::move(put)));
    auto results = loop.run(when_all(std::move(both)));
    return {std::move(results[0]), std::move(results[1])};
  }
  void expect_refused(const Outcome& outcome, int status) {
    ASSERT_TRUE(outcome.upload.ok()) << outcome.upload.error().message();
    EXPECT_EQ(outcome.upload->status, status);
    EXPECT_EQ(outcome.upload->body, "no");
    ASSERT_FALSE(outcome.download.ok());
    EXPECT_EQ(outcome.download.error().kind(), ErrorKind::interrupted)
        << outcome.download.error().message();
  }
};

TEST_F(EarlyAnswer, EndsAnUploadThatWaitsForASilentDownloadAndTheDownloadToo) {
  for (const Then then : {Then::stay, Then::close}) {
    for (const int status : {401, 413, 500}) {
      SCOPED_TRACE(status);
      Blunt source(loop, beginning(10), Then::stay);
      Blunt target(loop, refusal(status), then);
      expect_refused(copy(source.url(), target.url()), status);
    }
  }
}

TEST_F(EarlyAnswer, EndsADownloadThatWaitsForRoom) {
  Blunt source(loop, beginning(30'000'000), Then::stay);
  Blunt target(loop, refusal(413), Then::stay);
  expect_refused(copy(source.url(), target.url()), 413);
}

TEST_F(EarlyAnswer, EndsAnUploadWhoseDownloadHasSaidNothing) {
  Blunt source(loop, "", Then::stay);
  Blunt target(loop, refusal(500), Then::stay);
  expect_refused(copy(source.url(), target.url()), 500);
}

/// Ends the answer to a GET, and answers the PUT that has its bytes, in one turn of the loop.
class Together {
 public:
  explicit Together(Loop& loop) : loop_(loop), listener_(loop, *listen_on("127.0.0.1", 0)) {
    scope_.spawn(serve());
  }
  std::string url() { return fmt::format("http://127.0.0.1:{}/", local_port(listener_.get())); }

 private:
  Task<void> serve() {
    auto get = co_await accept_one();
    co_await read_until(*get, "\r\n\r\n");
    const std::string most =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n";
    (void)co_await get->write(most, {}, false);
    auto put = co_await accept_one();
    co_await read_until(*put, "0123456789");
    (void)co_await get->write("0\r\n\r\n", {}, false);
    (void)co_await put->write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", {}, false);
    OneShot<bool> never;
    (void)co_await never.wait();
  }
  Task<std::unique_ptr<ServerSocket>> accept_one() {
    for (;;) {
      (void)co_await listener_.wait(WaitableFd::Ready::read);
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd) co_return std::make_unique<ServerSocket>(loop_, std::move(fd), "");
    }
  }

  Loop& loop_;
  WaitableFd listener_;
  Scope scope_;
};

TEST_F(EarlyAnswer, LetsAPipesTwoRequestsEndInTheSameTurn) {
  Together both(loop);
  const auto outcome = copy(both.url(), both.url(), 10);
  ASSERT_TRUE(outcome.download.ok()) << outcome.download.error().message();
  ASSERT_TRUE(outcome.upload.ok()) << outcome.upload.error().message();
  EXPECT_EQ(outcome.upload->status, 201);
}

}  // namespace
}  // namespace pawl
