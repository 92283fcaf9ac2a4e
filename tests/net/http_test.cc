// URLs, headers, errors from answers, and the waits between tries.
#include "net/http.h"

#include <gmock/gmock.h>

#include "net/http_client.h"

namespace pawl {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HeaderFields, CompareWithoutCaseAndKeepTheirOrder) {
  Headers headers{{"Accept", "a"}, {"X", "1"}, {"accept", "b"}};
  EXPECT_EQ(headers.get("ACCEPT"), "a");
  EXPECT_FALSE(headers.has("Y"));
  EXPECT_EQ(headers.get_or("Y", "none"), "none");
  headers.set("Accept", "c");
  headers.add("Z", "2");
  using Field = std::pair<std::string, std::string>;
  EXPECT_EQ(headers.fields(), (std::vector<Field>{{"X", "1"}, {"Accept", "c"}, {"Z", "2"}}));
  headers.remove("z");
  EXPECT_FALSE(headers.has("Z"));
}

TEST(Url, IsSplitAsItWasWritten) {
  const auto url = split_url("HTTPS://Host.example:8443/a%2Fb//c?x=a/b&y=%20");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "Host.example");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->path, "/a%2Fb//c");
  EXPECT_EQ(url->query, "x=a/b&y=%20");
  EXPECT_EQ(url->authority(), "Host.example:8443");
  EXPECT_EQ(url->origin(), "https://Host.example:8443");
  EXPECT_EQ(split_url("http://[::1]:80")->host, "[::1]");
  EXPECT_EQ(split_url("http://[::1]:80")->path, "/");
  EXPECT_EQ(split_url("http://h?q")->query, "q");
  for (const char* bad : {"", "h", "//h/", "ftp://h/", "http:///p", "http://u@h/", "http://h/a b",
                          "http://h:port/", "http://h/\n"})
    EXPECT_FALSE(split_url(bad)) << bad;
}

TEST(Url, ReferencesAreResolved) {
  struct Row {
    const char* reference;
    const char* resolved;
  };
  const Row rows[] = {
      {"http://other/x/../y", "http://other/x/../y"},
      {"/v2/a%2Fb?_state=x%3D", "http://h:1/v2/a%2Fb?_state=x%3D"},
      {"d", "http://h:1/a/d"},
      {"../d", "http://h:1/d"},
      {"?q=2", "http://h:1/a/b?q=2"},
      {"//other:2/p", "http://other:2/p"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(resolve_url("http://h:1/a/b?q=1", row.reference), row.resolved);
}

TEST(Url, LoopbackIsKnown) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "LocalHost", "::1", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"128.0.0.1", "127.0.0.1.example", "localhost.example", "", "[::2]"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(Url, IsShownWithoutWhatMayBeSecret) {
  EXPECT_EQ(url_for_people("http://h/p?X-Amz-Signature=abc"), "http://h/p?...");
  EXPECT_EQ(url_for_people("http://user:pw@h/a@b"), "http://h/a@b");
  EXPECT_EQ(url_for_people("http://h/p#fragment"), "http://h/p");
  EXPECT_EQ(url_for_people(""), "");
}

TEST(Answer, BecomesAnErrorOfItsKind) {
  struct Row {
    int status;
    ErrorKind kind;
    bool unknown_after_post;
  };
  const Row rows[] = {
      {400, ErrorKind::failed, false},     {401, ErrorKind::denied, false},
      {403, ErrorKind::denied, false},     {404, ErrorKind::not_found, false},
      {408, ErrorKind::timeout, false},    {409, ErrorKind::conflict, false},
      {412, ErrorKind::conflict, false},   {429, ErrorKind::throttled, false},
      {500, ErrorKind::unavailable, true}, {503, ErrorKind::unavailable, true},
      {302, ErrorKind::failed, false},
  };
  for (const auto& row : rows) {
    HttpResponse response;
    response.status = row.status;
    response.url = "http://h/p?secret=1";
    const Error error = error_from_response(response, "POST");
    EXPECT_EQ(error.kind(), row.kind) << row.status;
    EXPECT_EQ(error.http_status(), row.status);
    EXPECT_EQ(error.outcome_unknown(), row.unknown_after_post) << row.status;
    EXPECT_FALSE(error_from_response(response, "GET").outcome_unknown());
    EXPECT_THAT(error.message(), Not(HasSubstr("secret")));
  }
}

TEST(Answer, IsQuotedShortAndOnOneLine) {
  HttpResponse response;
  response.status = 500;
  response.url = "http://h/";
  response.body = " first\n\n\tsecond\x01 \n";
  EXPECT_EQ(error_from_response(response, "GET").message(),
            "GET http://h/ answered 500: first second");
  response.body = std::string(kQuotedBodyBytes - 1, 'x') + "\xC3\xA4 and more";
  const auto message = error_from_response(response, "GET").message();
  EXPECT_THAT(message, ::testing::EndsWith("xx..."));
}

TEST(Answer, KeepsTheWaitThatWasAskedFor) {
  HttpResponse response;
  response.status = 429;
  for (const auto& [text, seconds] :
       {std::pair{"7", 7}, {"0", 0}, {"-3", 0}, {"soon", 0}, {"", 0}}) {
    response.headers.set("Retry-After", text);
    EXPECT_EQ(error_from_response(response, "GET").retry_after_seconds(), seconds) << text;
  }
}

/// SplitMix64.
class SeededEntropy : public Entropy {
 public:
  explicit SeededEntropy(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

TEST(RetryWait, StaysUnderADoublingBound) {
  const RetryPolicy policy;
  const Error error(ErrorKind::unavailable, "x");
  struct Row {
    int attempt_done;
    milliseconds bound;
  };
  const Row rows[] = {{1, milliseconds(200)},     {2, milliseconds(400)},
                      {3, milliseconds(800)},     {4, milliseconds(1600)},
                      {6, milliseconds(6400)},    {7, milliseconds(10'000)},
                      {50, milliseconds(10'000)}, {1000, milliseconds(10'000)}};
  SeededEntropy entropy(1);
  for (const auto& row : rows) {
    milliseconds least = row.bound, most(0);
    for (int i = 0; i < 2000; ++i) {
      const auto wait = retry_wait(policy, row.attempt_done, error, entropy);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    EXPECT_GE(least.count(), 0);
    EXPECT_LE(most, row.bound);
    // Full jitter: the whole range is used.
    EXPECT_LT(least, row.bound / 20);
    EXPECT_GT(most, row.bound * 19 / 20);
  }
}

TEST(RetryWait, HonoursTheServer) {
  SeededEntropy entropy(2);
  const auto error = Error(ErrorKind::throttled, "x").with_retry_after(30);
  EXPECT_EQ(retry_wait({}, 1, error, entropy), std::chrono::seconds(30));
}

TEST(Retry, IsForTransientErrorsWithinTheLimits) {
  const RetryPolicy policy;
  const Error transient(ErrorKind::unavailable, "x");
  EXPECT_TRUE(is_retried(policy, 3, transient));
  EXPECT_FALSE(is_retried(policy, 4, transient));
  EXPECT_FALSE(is_retried(policy, 1, Error(ErrorKind::denied, "x")));
  EXPECT_FALSE(is_retried(policy, 1, Error(ErrorKind::throttled, "x").with_retry_after(3600)));
}

/// Time that passes when it is slept.
class SleepingClock : public Clock {
 public:
  WallTime now() const override { return {}; }
  SteadyTime steady_now() const override { return {slept.count()}; }
  Task<Result<void>> sleep_for(milliseconds duration) override {
    ++sleeps;
    slept += duration;
    co_return ok();
  }
  int sleeps = 0;
  milliseconds slept{0};
};

TEST(Retry, TriesUntilItSucceeds) {
  SleepingClock clock;
  SeededEntropy entropy(3);
  int tries = 0;
  struct Attempt {
    static Task<Result<int>> run(int& tries) {
      if (++tries < 3) co_return Error(ErrorKind::unavailable, "not yet");
      co_return tries;
    }
  };
  auto task = with_retry<int>(clock, entropy, RetryPolicy(), [&] { return Attempt::run(tries); });
  task.start(nullptr);
  EXPECT_EQ(*task.take(), 3);
  EXPECT_EQ(clock.sleeps, 2);
}

}  // namespace
}  // namespace pawl
