#include <gmock/gmock.h>
#include <zlib.h>

#include "net/loop_asio.h"
#include "net/rig.h"

namespace pawl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Client : public NetTest {};

std::string header_list(const Headers& headers) {
  std::string list;
  for (const auto& [name, value] : headers.fields()) list += name + ": " + value + "\n";
  return list;
}

TEST_F(Client, SendsEachMethodWithItsBody) {
  auto& server = serve(echo);
  for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    auto made = request(server, method, "/x?a=b");
    if (method != "GET") made.body = "hello";
    auto answer = send(std::move(made));
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, method + " /x?a=b|" + (method == "GET" ? "" : "hello"));
  }
}

TEST_F(Client, SendsThePathAsItIsWritten) {
  auto& server = serve(echo);
  for (const char* path : {"/a%2Fb//c?x=a/b", "/a/../b/./c", "/%41?q=%2f&e", "/a:b@c"})
    EXPECT_EQ(get(server, path)->body, std::string("GET ") + path + "|");
}

TEST_F(Client, SaysTheLengthOfAnEmptyBodyAndAddsNothingOfItsOwn) {
  auto& server = serve(answers([](ServerRequest& r) { return text(header_list(r.headers())); }));
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    const auto answer = send(request(server, method, "/"));
    EXPECT_THAT(answer->body, HasSubstr("Content-Length: 0\n")) << method;
    EXPECT_THAT(answer->body, Not(HasSubstr("Content-Type")));
    EXPECT_THAT(answer->body, Not(HasSubstr("Expect")));
    EXPECT_THAT(answer->body, HasSubstr("User-Agent: pawl\n"));
  }
  EXPECT_THAT(send(request(server, "DELETE", "/"))->body, Not(HasSubstr("Content-Length")));
}

TEST_F(Client, SendsHeadersAsGivenAlsoEmptyOnes) {
  auto& server = serve(answers([](ServerRequest& r) { return text(header_list(r.headers())); }));
  auto made = request(server, "GET", "/");
  made.headers.add("X-One", "a; b");
  made.headers.add("X-Empty", "");
  made.headers.add("Host", "other.example");
  const auto answer = send(std::move(made));
  EXPECT_THAT(answer->body, HasSubstr("X-One: a; b\n"));
  EXPECT_THAT(answer->body, HasSubstr("X-Empty: \n"));
  EXPECT_THAT(answer->body, HasSubstr("Host: other.example\n"));
}

TEST_F(Client, GivesStatusAndHeadersOfAnyAnswer) {
  auto& server = serve(answers([](ServerRequest&) {
    auto response = text("gone", 410);
    response.headers.add("X-Twice", "1");
    response.headers.add("X-Twice", "2");
    return response;
  }));
  const auto answer = get(server, "/");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 410);
  EXPECT_EQ(answer->body, "gone");
  EXPECT_EQ(answer->headers.get("x-twice"), "1");
  EXPECT_EQ(answer->url, url(server, "/"));
}

TEST_F(Client, AsksForTheHeadOnly) {
  auto& server = serve(answers([](ServerRequest& r) { return text(r.method() + "!"); }));
  const auto answer = send(request(server, "HEAD", "/"));
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->headers.get("Content-Length"), "5");
  EXPECT_EQ(answer->body, "");
}

TEST_F(Client, RefusesAnAnswerOverItsLimit) {
  auto& server = serve(answers([](ServerRequest&) { return text(std::string(5000, 'x')); }));
  auto made = request(server, "GET", "/");
  made.max_body_bytes = 4999;
  const auto answer = send(std::move(made));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::corrupt);
}

TEST_F(Client, SaysWhatIsWrongWithARequestBeforeSendingIt) {
  HttpRequest made;
  for (const char* bad :
       {"", "ftp://x/", "http://", "http://a b/", "http://u:secret@h/", "/path"}) {
    made.url = bad;
    const auto answer = send(made);
    ASSERT_FALSE(answer.ok()) << bad;
    EXPECT_EQ(answer.error().kind(), ErrorKind::usage);
    EXPECT_THAT(answer.error().message(), Not(HasSubstr("secret")));
  }
  made.url = "http://127.0.0.1/";
  made.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(send(made).error().kind(), ErrorKind::usage);
}

TEST_F(Client, TellsWhenNobodyListens) {
  auto& server = serve(echo);
  auto made = request(server, "POST", "/?token=hidden");
  server.close();
  const auto answer = send(std::move(made));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::unavailable);
  EXPECT_FALSE(answer.error().outcome_unknown());
  EXPECT_THAT(answer.error().message(), Not(HasSubstr("hidden")));
}

ServerResponse dropped() {
  ServerResponse response;
  response.drop = true;
  return response;
}

TEST_F(Client, DoesNotKnowTheOutcomeWhenTheAnswerIsDropped) {
  auto& server = serve(answers([](ServerRequest&) { return dropped(); }));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "GET", "HEAD"}) {
    const auto answer = send(request(server, method, "/"));
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), ErrorKind::unavailable);
    const bool reads = method == std::string("GET") || method == std::string("HEAD");
    EXPECT_EQ(answer.error().outcome_unknown(), !reads) << method;
  }
}

TEST_F(Client, NeverRepeatsAChangeOnAKeptConnectionThatDied) {
  int calls = 0;
  auto& server =
      serve(answers([&calls](ServerRequest&) { return ++calls == 1 ? text("first") : dropped(); }));
  for (const char* method : {"POST", "DELETE"}) {
    calls = 0;
    auto first = request(server, "POST", "/");
    first.body = "x";
    ASSERT_TRUE(send(std::move(first)).ok());
    const auto second = send(request(server, method, "/"));
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::unavailable);
    EXPECT_TRUE(second.error().outcome_unknown());
    EXPECT_EQ(calls, 2) << method;
  }
}

TEST_F(Client, GivesUpAtTheTimeLimit) {
  auto& server = serve(silence(loop));
  auto made = request(server, "POST", "/slow?q=1");
  made.timeout = std::chrono::milliseconds(30);
  const auto answer = send(std::move(made));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::timeout);
  EXPECT_TRUE(answer.error().outcome_unknown());
  EXPECT_THAT(answer.error().message(), HasSubstr("30 ms"));
}

TEST_F(Client, StopsInFlight) {
  std::stop_source stop;
  auto& server = serve(silence(loop, [&stop] { stop.request_stop(); }));
  const auto answer = send(request(server, "PUT", "/"), stop.get_token());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::interrupted);
  EXPECT_TRUE(answer.error().outcome_unknown());
}

TEST_F(Client, SendsNothingWhenItWasStoppedBefore) {
  int calls = 0;
  auto& server = serve(answers([&calls](ServerRequest&) { return ++calls, text(""); }));
  std::stop_source stop;
  stop.request_stop();
  const auto answer = send(request(server, "PUT", "/"), stop.get_token());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::interrupted);
  EXPECT_FALSE(answer.error().outcome_unknown());
  EXPECT_EQ(calls, 0);
}

Task<void> wait_for(OneShot<bool> arrival) {
  co_await arrival.wait();
}

TEST_F(Client, ATaskMayBeDestroyedInFlight) {
  OneShot<bool> arrived;
  auto& silent = serve(silence(loop, [arrived] { arrived.set(true); }));
  auto& server = serve(echo);
  {
    auto task = client->send(request(silent, "GET", "/"));
    task.start(nullptr);
    loop.run(wait_for(arrived));
    EXPECT_FALSE(task.done());
  }
  EXPECT_TRUE(get(server, "/").ok());
}

TEST_F(Client, MayBeDestroyedBeforeItsTasks) {
  OneShot<bool> arrived;
  auto& silent = serve(silence(loop, [arrived] { arrived.set(true); }));
  auto task = client->send(request(silent, "GET", "/"));
  task.start(nullptr);
  client.reset();
  loop.run(wait_for(arrived));
  EXPECT_FALSE(task.done());
}

Task<ServerResponse> count_at_once(Loop& loop, int& now, int& most) {
  most = std::max(most, ++now);
  for (int i = 0; i < 20; ++i) co_await yield_to_loop(loop);
  --now;
  co_return text("");
}

TEST_F(Client, KeepsToItsConnectionsAndServesTheLineInFull) {
  int now = 0, most = 0;
  auto& server = serve([&](ServerRequest&) { return count_at_once(loop, now, most); });
  HttpClientOptions options;
  options.max_connections_per_host = 4;
  client = make_http_client(loop, options);
  std::vector<Task<Result<HttpResponse>>> tasks;
  for (int i = 0; i < 60; ++i) tasks.push_back(client->send(request(server, "GET", "/")));
  const auto results = loop.run(when_all(std::move(tasks)));
  for (const auto& answer : results) EXPECT_TRUE(answer.ok());
  EXPECT_EQ(most, 4);
}

TEST_F(Client, OneThatWaitsInLineCanBeStopped) {
  std::stop_source stop;
  auto& server = serve(silence(loop, [&stop] { stop.request_stop(); }));
  HttpClientOptions options;
  options.max_connections_per_host = 1;
  client = make_http_client(loop, options);
  std::vector<Task<Result<HttpResponse>>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(client->send(request(server, "POST", "/")));
  const auto results = loop.run(when_all(std::move(tasks)), stop.get_token());
  for (const auto& answer : results) {
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), ErrorKind::interrupted);
    EXPECT_EQ(answer.error().outcome_unknown(), &answer == &results[0]);
  }
}

std::string gzipped(std::string_view plain) {
  z_stream stream{};
  PAWL_ASSERT(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(plain.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  PAWL_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Client, DecompressesOnlyWhatItWasToldTo) {
  const std::string compressed = gzipped("plain words");
  bool asked = false;
  auto& server = serve(answers([&](ServerRequest& r) {
    asked = r.headers().has("Accept-Encoding");
    auto response = text(compressed);
    response.headers.add("Content-Encoding", "gzip");
    return response;
  }));
  EXPECT_EQ(get(server, "/")->body, compressed);
  EXPECT_FALSE(asked);
  auto made = request(server, "GET", "/");
  made.accept_compressed = true;
  EXPECT_EQ(send(std::move(made))->body, "plain words");
  EXPECT_TRUE(asked);
}

class Redirected : public NetTest {
 protected:
  HttpServer& redirect_to(std::string location, int status = 302) {
    return serve(answers([=](ServerRequest&) {
      auto response = text("moved", status);
      response.headers.add("Location", location);
      return response;
    }));
  }
  HttpRequest following(const HttpServer& server, std::string method) {
    auto made = request(server, std::move(method), "/from");
    made.redirects = Redirects::follow;
    made.headers.add("Authorization", "Bearer x");
    made.headers.add("X-Kept", "1");
    return made;
  }
};

TEST_F(Redirected, LeavesAuthorizationBehindOnAnotherHost) {
  auto& target = serve(answers([](ServerRequest& r) { return text(header_list(r.headers())); }));
  auto& server = redirect_to(url(target, "/to%2Fhere"));
  const auto answer = send(following(server, "GET"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->url, url(target, "/to%2Fhere"));
  EXPECT_THAT(answer->body, Not(HasSubstr("Authorization")));
  EXPECT_THAT(answer->body, HasSubstr("X-Kept: 1"));
}

TEST_F(Redirected, KeepsAuthorizationOnTheSameHost) {
  auto& server = serve(answers([](ServerRequest& r) {
    if (r.target() == "/to") return text(header_list(r.headers()));
    auto response = text("", 307);
    response.headers.add("Location", "to");
    return response;
  }));
  EXPECT_THAT(send(following(server, "GET"))->body, HasSubstr("Authorization: Bearer x"));
}

TEST_F(Redirected, IsTheAnswerWhereItIsNotToBeFollowed) {
  auto& server = redirect_to("http://127.0.0.1:1/");
  EXPECT_EQ(get(server, "/")->status, 302);
  EXPECT_EQ(send(following(server, "POST"))->status, 302);
  EXPECT_EQ(send(following(redirect_to("ftp://x/"), "GET"))->status, 302);
}

TEST_F(Redirected, IsFollowedSoOftenAndNoFurther) {
  auto& server = redirect_to("/from");
  const auto answer = send(following(server, "GET"));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::failed);
}

}  // namespace
}  // namespace pawl
