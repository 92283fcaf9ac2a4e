#include <gmock/gmock.h>

#include "net/loop_asio.h"
#include "net/rig.h"

namespace pawl {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Server : public NetTest {};

constexpr char kClose[] = "Connection: close\r\n";

TEST_F(Server, AnswersPipelinedRequestsInOrder) {
  auto& server = serve(echo);
  const auto answer =
      raw(server, {"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n" +
                   std::string(kClose) + "\r\n"});
  EXPECT_THAT(answer, HasSubstr("GET /1|HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, EndsWith("GET /2|"));
}

TEST_F(Server, ReadsAHeadThatComesInPieces) {
  auto& server = serve(echo);
  std::vector<std::string> pieces;
  const std::string whole =
      "POST /a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + std::string(kClose) + "\r\nabc";
  for (const char c : whole) pieces.emplace_back(1, c);
  EXPECT_THAT(raw(server, pieces), EndsWith("POST /a%20b|abc"));
}

TEST_F(Server, ReadsChunkedBodies) {
  auto& server = serve(echo);
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + std::string(kClose) + "\r\n";
  EXPECT_THAT(raw(server, {head + "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"}),
              EndsWith("PUT /|abc0123456789abcdef"));
  EXPECT_THAT(
      raw(server, {head, "3\r", "\nab", "c\r\n4;x=y\r\ndef", "g\r\n0\r\nTrailer: 1\r\n\r\n"}),
      EndsWith("PUT /|abcdefg"));
  EXPECT_THAT(raw(server, {head + "zz\r\nabc\r\n"}), HasSubstr("not well formed"));
}

TEST_F(Server, SaysContinueAtTheFirstReadOnly) {
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n";
  auto& reading = serve(echo);
  EXPECT_THAT(raw(reading, {head + kClose + "\r\n", "ab"}),
              StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  auto& refusing = serve(answers([](ServerRequest&) { return text("no", 403); }));
  const auto answer = raw(refusing, {head + "\r\n"});
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(Server, RefusesWhatIsNotHttp) {
  int calls = 0;
  auto& server = serve(answers([&calls](ServerRequest&) { return ++calls, text(""); }));
  const std::vector<std::string> bad = {
      "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nBroken header\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      // Two lengths in one request: the way to smuggle a second one past a proxy.
      "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"};
  for (const auto& request : bad)
    EXPECT_THAT(raw(server, {request}), StartsWith("HTTP/1.1 400 ")) << request;
  EXPECT_EQ(calls, 0);
}

TEST_F(Server, SaysThatAHeadIsTooLarge) {
  int calls = 0;
  const auto handler = answers([&calls](ServerRequest&) { return ++calls, text(""); });
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "X: some more\r\n";
  const std::string x(100'000, 'x');
  const std::vector<std::string> large = {
      "GET /" + x + " HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nX: " + x + "\r\n\r\n",
      "GET / HTTP/1.1\r\n" + x + ": 1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + many + "\r\n",
      "GET / HTTP/1.1\r\nX: " + x,  // and no end
      x,
      "POST / HTTP/1.1\r\nContent-Length: 8000000\r\nX: " + x + "\r\n\r\n" +
          std::string(8'000'000, 'b'),
  };
  for (const size_t limit : {size_t{1000}, HttpServerOptions().max_header_bytes}) {
    HttpServerOptions options;
    options.max_header_bytes = limit;
    auto& server = serve(handler, options);
    for (const auto& request : large) {
      const auto answer = raw(server, {request});
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 ")) << limit << ": " << request.substr(0, 40);
      EXPECT_THAT(answer, EndsWith("too large\n"));
    }
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(get(server, "/" + std::string(limit / 2, 'x'))->status, 200);
    calls = 0;
  }
}

TEST_F(Server, SaysThatAHeadTookTooLongAndNothingOnAnIdleConnection) {
  HttpServerOptions options;
  options.head_timeout = std::chrono::milliseconds(20);
  auto& server = serve(echo, options);
  for (const char* begun : {"G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-"})
    EXPECT_THAT(raw(server, {begun}), StartsWith("HTTP/1.1 408 ")) << begun;
  EXPECT_EQ(raw(server, {}), "");
  EXPECT_THAT(raw(server, {"GET / HTTP/1.1\r\n\r\n"}), EndsWith("\r\n\r\nGET /|"));
}

TEST_F(Server, SpeaksToOldClientsAndSaysTheDate) {
  auto& server = serve(echo);
  const auto answer = raw(server, {"GET / HTTP/1.0\r\n\r\n"});
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr(" GMT\r\n"));
}

TEST_F(Server, AHandlerThatThrowsIsAnInternalErrorWithNoDetails) {
  auto& server = serve(answers([](ServerRequest& r) -> ServerResponse {
    if (r.target() == "/odd") throw 7;
    throw std::runtime_error("secret detail");
  }));
  for (const char* path : {"/", "/odd"}) {
    const auto answer = get(server, path);
    EXPECT_EQ(answer->status, 500);
    EXPECT_THAT(answer->body, Not(HasSubstr("secret")));
  }
}

TEST_F(Server, AHandlerCannotBreakTheFraming) {
  auto& server = serve(answers([](ServerRequest& r) {
    auto response = text("body");
    if (r.target() == "/inject") response.headers.add("X", "a\r\nY: b");
    if (r.target() == "/length") response.headers.add("Content-Length", "100");
    if (r.target() == "/coding") response.headers.add("Transfer-Encoding", "chunked");
    if (r.target() == "/none") response.status = 204;
    return response;
  }));
  EXPECT_EQ(get(server, "/inject")->status, 500);
  EXPECT_EQ(get(server, "/length")->body, "body");
  EXPECT_EQ(get(server, "/coding")->body, "body");
  const auto none = get(server, "/none");
  EXPECT_EQ(none->status, 204);
  EXPECT_FALSE(none->headers.has("Content-Length"));
}

TEST_F(Server, AnswersToHeadWithTheLengthThatGetWouldHave) {
  auto& server = serve(answers([](ServerRequest& r) {
    auto response = text("body");
    if (r.target() == "/own") {
      response.body = std::string();
      response.headers.add("Content-Length", "12345");
    }
    return response;
  }));
  const std::string rest = " HTTP/1.1\r\nHost: x\r\n" + std::string(kClose) + "\r\n";
  EXPECT_THAT(raw(server, {"HEAD /" + rest}), HasSubstr("Content-Length: 4\r\n"));
  const auto own = raw(server, {"HEAD /own" + rest});
  EXPECT_THAT(own, HasSubstr("Content-Length: 12345\r\n"));
  EXPECT_THAT(own, EndsWith("\r\n\r\n"));
}

TEST_F(Server, KeepsTheConnectionWhenLittleOfABodyWasLeft) {
  std::vector<std::string> peers;
  auto& server =
      serve(answers([&](ServerRequest& r) { return peers.push_back(r.peer()), text("ok"); }));
  for (const size_t bytes : {size_t{500'000}, size_t{10}}) {
    auto made = request(server, "POST", "/");
    made.body = std::string(bytes, 'x');
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer.ok()) << bytes << ": " << answer.error().message();
    EXPECT_EQ(answer->body, "ok");
  }
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers[0], peers[1]);
}

TEST_F(Server, ALargeBodyThatNobodyReadsDoesNotCostTheAnswer) {
  auto& server = serve(
      answers([](ServerRequest& r) { return text("seen", r.target() == "/no" ? 403 : 200); }));
  const std::string body(8u << 20, 'x');
  for (const std::string target : {"/no", "/yes"}) {
    auto made = request(server, "POST", target);
    made.body = body;
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->body, "seen");
    // A client that looks for the answer only when all of it is sent.
    const std::string head = "POST " + target + " HTTP/1.1\r\n";
    EXPECT_THAT(raw(server, {head + "Content-Length: 8388608\r\n\r\n", body}),
                EndsWith("\r\nseen"));
    EXPECT_THAT(
        raw(server, {head + "Transfer-Encoding: chunked\r\n\r\n800000\r\n", body, "\r\n0\r\n\r\n"}),
        EndsWith("\r\nseen"));
  }
}

TEST_F(Server, HandsOnAnEscapeThatIsNotOne) {
  std::vector<std::pair<std::string, std::string>> list;
  auto& server =
      serve(answers([&](ServerRequest& r) { return list = r.query_list(), text(r.target()); }));
  const std::string target = "/%zz?a=%zz+b&%=1&c=%4&%41=%C3%A4";
  EXPECT_THAT(raw(server, {"GET " + target + " HTTP/1.1\r\n" + kClose + "\r\n"}), EndsWith(target));
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(list, (std::vector<Pair>{{"a", "%zz+b"}, {"%", "1"}, {"c", "%4"}, {"A", "\xC3\xA4"}}));
}

TEST_F(Server, ReadsTheQuery) {
  std::vector<std::pair<std::string, std::string>> list;
  std::string path;
  std::optional<std::string> b, missing;
  auto& server = serve(answers([&](ServerRequest& r) {
    list = r.query_list();
    path = r.raw_path();
    b = r.query("b c");
    missing = r.query("nope");
    return text(std::string(r.raw_query()));
  }));
  EXPECT_EQ(get(server, "/p%2Fq?a=1&b+c=%C3%A4&&flag&a=2")->body, "a=1&b+c=%C3%A4&&flag&a=2");
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(list, (std::vector<Pair>{{"a", "1"}, {"b c", "\xC3\xA4"}, {"flag", ""}, {"a", "2"}}));
  EXPECT_EQ(path, "/p%2Fq");
  EXPECT_EQ(b, "\xC3\xA4");
  EXPECT_FALSE(missing);
}

TEST_F(Server, ABodyOverTheHandlersLimitIsAnError) {
  auto& server = serve([](ServerRequest& r) -> Task<ServerResponse> {
    return [](ServerRequest& request) -> Task<ServerResponse> {
      auto body = co_await request.read_all(100);
      co_return text(body.ok() ? "taken" : "too much", body.ok() ? 200 : 413);
    }(r);
  });
  auto made = request(server, "POST", "/");
  made.body = std::string(100, 'x');
  EXPECT_EQ(send(made)->status, 200);
  made.body += 'x';
  EXPECT_EQ(send(made)->status, 413);
}

TEST_F(Server, ServesHundredsOfConnectionsAtOnce) {
  int waiting = 0;
  OneShot<bool> all_here;
  struct Call {
    static Task<ServerResponse> run(Loop& on, int& waiting) {
      ++waiting;
      while (waiting < 300) co_await yield_to_loop(on);
      co_return text("together");
    }
  };
  auto& server = serve([&](ServerRequest&) { return Call::run(loop, waiting); });
  std::vector<Task<std::string>> tasks;
  for (int i = 0; i < 300; ++i)
    tasks.push_back(exchange(loop, server.port(), {"GET / HTTP/1.0\r\n\r\n"}));
  for (const auto& answer : loop.run(when_all(std::move(tasks))))
    EXPECT_THAT(answer, EndsWith("together"));
}

TEST_F(Server, MayBeClosedByItsHandlerAndTwice) {
  HttpServer* self = nullptr;
  auto& server = serve(answers([&self](ServerRequest&) {
    self->close();
    return text("bye");
  }));
  self = &server;
  EXPECT_FALSE(get(server, "/").ok());
  server.close();
  EXPECT_EQ(get(server, "/").error().kind(), ErrorKind::unavailable);
}

TEST_F(Server, ClosingStopsWhatItsHandlersWaitFor) {
  HttpServer* self = nullptr;
  Loop* on = &loop;
  auto& server = serve(silence(loop, [&self, on] { on->post([&self] { self->close(); }); }));
  self = &server;
  EXPECT_FALSE(get(server, "/").ok());
}

TEST_F(Server, MayBeDestroyedWhileItsHandlersWait) {
  OneShot<bool> arrived;
  auto& server = serve(silence(loop, [arrived] { arrived.set(true); }));
  auto task = client->send(request(server, "GET", "/"));
  task.start(nullptr);
  loop.run([](OneShot<bool> one) -> Task<bool> { co_return co_await one.wait(); }(arrived));
  servers.clear();
  auto& next = serve(echo);
  EXPECT_TRUE(get(next, "/").ok());
}

TEST_F(Server, SaysWhichAddressIsTaken) {
  auto& server = serve(echo);
  HttpServerOptions options;
  options.port = server.port();
  const auto second = serve_http(loop, options, echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::conflict);
  EXPECT_THAT(second.error().message(), HasSubstr(std::to_string(server.port())));
  options.address = "not an address";
  EXPECT_EQ(serve_http(loop, options, echo).error().kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace pawl
