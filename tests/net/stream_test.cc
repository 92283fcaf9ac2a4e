// Bodies that stream: through pipes, sinks and sources, against a real server.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/hash.h"
#include "net/rig.h"

namespace pawl {
namespace {

constexpr size_t kMiB = 1u << 20;

std::string noise(size_t bytes) {
  std::string data(bytes, '\0');
  uint64_t state = 42;
  for (char& c : data) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return data;
}

class Streams : public NetTest {
 protected:
  /// Reads the whole body and answers with its digest; keeps the length that was announced.
  HttpServer& digesting() {
    return serve([this](ServerRequest& r) { return digest_of_body(r, this); });
  }
  static Task<ServerResponse> digest_of_body(ServerRequest& request, Streams* test) {
    test->announced = request.headers().get_or("Content-Length", "none");
    Sha256Stream hash;
    std::vector<std::byte> buffer(100'000);
    for (;;) {
      auto count = co_await request.read_some(buffer);
      if (!count.ok()) {
        test->broken_off = true;
        co_return text("broken", 400);
      }
      if (*count == 0) break;
      hash.update(std::span<const std::byte>(buffer.data(), *count));
    }
    co_return text(hex_encode(hash.finish()));
  }

  struct Copied {
    Result<HttpResponse> download{Error(ErrorKind::internal, "not run")};
    Result<HttpResponse> upload{Error(ErrorKind::internal, "not run")};
  };
  static Task<Result<HttpResponse>> download(HttpClient& client, HttpRequest request,
                                             BytePipe& pipe) {
    request.sink = pipe.sink();
    auto answer = co_await client.send(std::move(request));
    if (answer.ok() && answer->is_success())
      pipe.close();
    else
      pipe.fail();
    co_return answer;
  }
  Copied copy(HttpRequest from, HttpRequest to, BytePipe& pipe) {
    to.source = pipe.source();
    std::vector<Task<Result<HttpResponse>>> both;
    both.push_back(download(*client, std::move(from), pipe));
    both.push_back(client->send(std::move(to)));
    to.source.reset();
    auto results = loop.run(when_all(std::move(both)));
    return {std::move(results[0]), std::move(results[1])};
  }

  std::string announced;
  bool broken_off = false;
};

TEST_F(Streams, ADownloadFeedsAnUpload) {
  const std::string data = noise(20 * kMiB + 17);
  auto& source = serve(answers([&](ServerRequest&) { return text(data); }));
  auto& target = digesting();
  for (const size_t capacity : {kMiB / 4, size_t{1000}}) {
    for (const bool with_size : {true, false}) {
      BytePipe pipe(capacity, with_size ? std::optional<uint64_t>(data.size()) : std::nullopt);
      Sha256Stream passed;
      pipe.on_bytes([&](std::span<const std::byte> bytes) { return passed.update(bytes), true; });
      auto copied = copy(request(source, "GET", "/"), request(target, "PUT", "/"), pipe);
      ASSERT_TRUE(copied.download.ok()) << copied.download.error().message();
      ASSERT_TRUE(copied.upload.ok()) << copied.upload.error().message();
      EXPECT_EQ(copied.upload->body, sha256_hex(data));
      EXPECT_EQ(hex_encode(passed.finish()), sha256_hex(data));
      EXPECT_EQ(announced, with_size ? std::to_string(data.size()) : "none");
    }
  }
}

TEST_F(Streams, AFailedDownloadNeverLooksLikeACompleteUpload) {
  auto& source = serve(answers([&](ServerRequest&) { return text("no such blob", 404); }));
  auto& target = digesting();
  for (const bool with_size : {true, false}) {
    BytePipe pipe(kMiB / 4, with_size ? std::optional<uint64_t>(10) : std::nullopt);
    auto copied = copy(request(source, "GET", "/"), request(target, "PUT", "/"), pipe);
    EXPECT_EQ(copied.download->body, "no such blob");
    ASSERT_FALSE(copied.upload.ok());
    EXPECT_EQ(copied.upload.error().kind(), ErrorKind::failed);
    EXPECT_TRUE(get(source, "/").ok());  // gives the target its turn to see the end
    EXPECT_TRUE(broken_off);
  }
}

TEST_F(Streams, AnObserverThatSaysNoEndsBoth) {
  auto& source = serve(answers([&](ServerRequest&) { return text("wrong bytes"); }));
  auto& target = digesting();
  BytePipe pipe(kMiB, 11);
  pipe.on_bytes([](std::span<const std::byte>) { return false; });
  auto copied = copy(request(source, "GET", "/"), request(target, "PUT", "/"), pipe);
  EXPECT_FALSE(copied.download.ok());
  EXPECT_FALSE(copied.upload.ok());
}

/// Takes one piece at a time, and more only when the loop comes round again.
class SlowSink : public BodySink {
 public:
  explicit SlowSink(Loop& loop, bool asks_ahead) : loop_(loop), asks_ahead_(asks_ahead) {}
  Flow write(std::span<const std::byte> bytes) override {
    asked_in_vain += waits_;
    if (full_) {
      ++refused;
      waits_ = true;
      return Flow::would_block;
    }
    ++taken;
    hash.update(bytes);
    total += bytes.size();
    full_ = true;
    loop_.post([this] {
      full_ = waits_ = false;
      if (waker_) waker_();
    });
    return Flow::ready;
  }
  bool wants_more(size_t) override { return !asks_ahead_ || !full_; }
  void on_ready(std::function<void()> waker) override { waker_ = std::move(waker); }

  Sha256Stream hash;
  size_t total = 0;
  int taken = 0;
  int refused = 0;
  int asked_in_vain = 0;  // after a refusal, and before the waker

 private:
  Loop& loop_;
  bool asks_ahead_;
  bool full_ = false;
  bool waits_ = false;
  std::function<void()> waker_;
};

TEST_F(Streams, ASlowSinkIsAskedNoOftenerThanItHasRoom) {
  const std::string data = noise(8 * kMiB);
  auto& server = serve(answers([&](ServerRequest&) { return text(data); }));
  for (const bool asks_ahead : {true, false}) {
    auto sink = std::make_shared<SlowSink>(loop, asks_ahead);
    auto made = request(server, "GET", "/");
    made.sink = sink;
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(sink->total, data.size());
    EXPECT_EQ(hex_encode(sink->hash.finish()), sha256_hex(data));
    EXPECT_EQ(sink->asked_in_vain, 0);
    // What was refused once is taken as a whole; a sink that was asked ahead has room by then.
    EXPECT_LE(sink->refused, asks_ahead ? sink->taken / 2 : sink->taken);
  }
}

/// Takes so many bytes, then none.
class StuckSink : public BodySink {
 public:
  StuckSink(size_t limit, std::stop_source stop) : limit_(limit), stop_(std::move(stop)) {}
  Flow write(std::span<const std::byte> bytes) override {
    if (total >= limit_) {
      stop_.request_stop();
      return Flow::would_block;
    }
    total += bytes.size();
    return Flow::ready;
  }
  size_t total = 0;

 private:
  size_t limit_;
  std::stop_source stop_;
};

TEST_F(Streams, ASinkThatTakesNothingHoldsTheServerBack) {
  const std::string data = noise(32 * kMiB);
  auto& server = serve(answers([&](ServerRequest&) { return text(data); }));
  std::stop_source stop;
  auto sink = std::make_shared<StuckSink>(kMiB, stop);
  auto made = request(server, "GET", "/");
  made.sink = sink;
  const auto answer = send(std::move(made), stop.get_token());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::interrupted);
  EXPECT_LT(sink->total, 2 * kMiB);
}

class RefusingSink : public BodySink {
 public:
  Flow write(std::span<const std::byte>) override { return Flow::abort; }
};

TEST_F(Streams, ASinkMayEndTheTransfer) {
  auto& server = serve(answers([&](ServerRequest&) { return text("bytes"); }));
  auto made = request(server, "GET", "/");
  made.sink = std::make_shared<RefusingSink>();
  const auto answer = send(made);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::failed);
}

TEST_F(Streams, ASinkIsGivenNothingOfAnErrorPage) {
  auto& server = serve(answers([&](ServerRequest&) { return text("oops", 503); }));
  auto made = request(server, "GET", "/");
  made.sink = std::make_shared<RefusingSink>();
  EXPECT_EQ(send(made)->body, "oops");
}

/// A body in memory that may be sent again.
class MemorySource : public BodySource {
 public:
  explicit MemorySource(std::string data) : data_(std::move(data)) {}
  Chunk read(std::span<std::byte> buffer) override {
    const size_t count = std::min(buffer.size(), data_.size() - at_);
    if (count == 0) return {Flow::end, 0};
    std::memcpy(buffer.data(), data_.data() + at_, count);
    at_ += count;
    return {Flow::ready, count};
  }
  std::optional<uint64_t> size() const override { return data_.size(); }
  bool rewind() override { return at_ = 0, true; }

 private:
  std::string data_;
  size_t at_ = 0;
};

TEST_F(Streams, SendsASourceAlsoAfterAWaitForContinue) {
  auto& server = digesting();
  const std::string data = noise(3 * kMiB);
  for (const bool expects : {false, true}) {
    auto made = request(server, "PATCH", "/");
    made.source = std::make_shared<MemorySource>(data);
    if (expects) made.headers.add("Expect", "100-continue");
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, sha256_hex(data));
  }
}

TEST_F(Streams, AnEmptySourceIsAnEmptyBody) {
  auto& server = digesting();
  auto made = request(server, "PUT", "/");
  made.source = std::make_shared<MemorySource>("");
  EXPECT_EQ(send(std::move(made))->body, sha256_hex(""));
  EXPECT_EQ(announced, "0");
}

TEST_F(Streams, ManyCopiesShareOneLoop) {
  const std::string data = noise(4 * kMiB);
  auto& source = serve(answers([&](ServerRequest&) { return text(data); }));
  auto& target = digesting();
  std::vector<BytePipe> pipes;
  for (int i = 0; i < 24; ++i) pipes.emplace_back(kMiB / 8, data.size());
  std::vector<Task<Result<HttpResponse>>> tasks;
  for (auto& pipe : pipes) {
    tasks.push_back(download(*client, request(source, "GET", "/"), pipe));
    auto made = request(target, "PUT", "/");
    made.source = pipe.source();
    tasks.push_back(client->send(std::move(made)));
  }
  const auto results = loop.run(when_all(std::move(tasks)));
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].ok()) << results[i].error().message();
    if (i % 2 == 1) {
      EXPECT_EQ(results[i]->body, sha256_hex(data));
    }
  }
}

TEST_F(Streams, AFileIsServedFromWhereItIsAsked) {
  const auto path =
      std::filesystem::temp_directory_path() / ("pawl_stream_test_" + std::to_string(::getpid()));
  const std::string data = noise(5 * kMiB);
  std::ofstream(path, std::ios::binary) << data;
  auto& server = serve(answers([&](ServerRequest& r) {
    ServerResponse response;
    FileBody body;
    body.path = r.target() == "/none" ? "/nonexistent/file" : path.string();
    body.offset = r.target() == "/part" ? 1000 : 0;
    body.length = r.target() == "/part" ? 2 * kMiB : data.size();
    response.body = body;
    return response;
  }));
  EXPECT_EQ(get(server, "/all")->body, data);
  EXPECT_EQ(get(server, "/part")->body, data.substr(1000, 2 * kMiB));
  EXPECT_EQ(get(server, "/none")->status, 500);
  EXPECT_EQ(send(request(server, "HEAD", "/part"))->headers.get("Content-Length"), "2097152");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace pawl
