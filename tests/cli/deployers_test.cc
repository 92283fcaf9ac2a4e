#include "cli/deployers.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

class OneAnswer : public HttpClient {
 public:
  explicit OneAnswer(Result<HttpResponse> answer) : answer_(std::move(answer)) {}
  Task<Result<HttpResponse>> send(HttpRequest request) override {
    asked = std::move(request);
    co_return answer_;
  }
  HttpRequest asked;

 private:
  Result<HttpResponse> answer_;
};

HttpResponse answer_of(int status, std::string body, Headers headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

Result<ProbeAnswer> ask(OneAnswer& http, const std::string& header = "X-App-Version") {
  const auto probe = make_health_probe(http);
  auto task =
      probe->ask("https://meals.test/health?key=secret", header, std::chrono::milliseconds(1'500));
  const TaskContext context;
  task.start(&context);
  return task.take();
}

TEST(HealthProbe, GivesStatusBodyAndTheVersionThatAnswered) {
  OneAnswer http(answer_of(200, R"({"status":"ok"})", {{"x-app-version", "1.4.2"}}));
  const auto answer = ask(http);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, R"({"status":"ok"})");
  EXPECT_EQ(answer->version_header, "1.4.2");
  EXPECT_EQ(http.asked.method, "GET");
  EXPECT_EQ(http.asked.timeout, std::chrono::milliseconds(1'500));
}

TEST(HealthProbe, TakesARedirectForAnAnswer) {
  OneAnswer http(answer_of(308, "", {{"Location", "https://other.test/"}}));
  const auto answer = ask(http);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 308);
  EXPECT_EQ(http.asked.redirects, Redirects::none);
}

TEST(HealthProbe, KeepsTheBeginningOfALongBody) {
  OneAnswer http(answer_of(200, std::string(200'000, 'x')));
  EXPECT_EQ(ask(http)->body.size(), kMaxProbeBodyBytes);
}

TEST(HealthProbe, HasNoVersionWhereNoneWasAskedForOrSent) {
  OneAnswer http(answer_of(200, ""));
  EXPECT_EQ(ask(http)->version_header, "");
  EXPECT_EQ(ask(http, "")->version_header, "");
}

TEST(HealthProbe, NamesWhomItAskedButNoQueryValue) {
  OneAnswer http(Error(ErrorKind::unavailable, "connection refused"));
  const auto answer = ask(http);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::unavailable);
  EXPECT_NE(answer.error().message().find("asking https://meals.test/health"), std::string::npos);
  EXPECT_EQ(answer.error().message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace pawl
