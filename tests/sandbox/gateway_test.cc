// Events and answers of HTTP APIs, by table.
#include "sandbox/gateway/gateway.h"

#include <gtest/gtest.h>

#include "sandbox/support/client.h"

namespace pawl::sandbox {
namespace {

GatewayContext context() {
  GatewayContext made;
  made.account_id = "000000000000";
  made.api_id = "abc123";
  made.domain_name = "127.0.0.1:4520";
  made.request_id = "id";
  made.source_ip = "127.0.0.1";
  made.time = WallTime{1583348638390};
  return made;
}

TEST(GatewayEvent, HasEveryFieldOfTheDocumentation) {
  GatewayRequest request;
  request.method = "POST";
  request.raw_path = "/my/path%20here";
  request.raw_query = "parameter1=value1&parameter1=value2&parameter2=a+b%26c&flag";
  request.headers = {{"Host", "127.0.0.1:4520"}, {"X-Two", "one"},
                     {"x-two", "two"},           {"Cookie", "cookie1=a; cookie2=b"},
                     {"User-Agent", "agent"},    {"Content-Type", "application/json"}};
  request.body = "{\"a\":1}";
  const auto event = gateway_event(request, context());
  const auto expected = json::parse(R"({
    "version": "2.0", "routeKey": "$default", "rawPath": "/my/path here",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=a+b%26c&flag",
    "cookies": ["cookie1=a", "cookie2=b"],
    "headers": {"host": "127.0.0.1:4520", "x-two": "one,two", "user-agent": "agent",
                "content-type": "application/json", "x-forwarded-for": "127.0.0.1",
                "x-forwarded-proto": "http", "content-length": "7"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "a b&c", "flag": ""},
    "requestContext": {
      "accountId": "000000000000", "apiId": "abc123", "domainName": "127.0.0.1:4520",
      "domainPrefix": "127",
      "http": {"method": "POST", "path": "/my/path here", "protocol": "HTTP/1.1",
               "sourceIp": "127.0.0.1", "userAgent": "agent"},
      "requestId": "id", "routeKey": "$default", "stage": "$default",
      "time": "04/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390},
    "body": "{\"a\":1}", "isBase64Encoded": false})");
  EXPECT_EQ(json::value(event), expected) << json::serialize(event);
}

struct BodyRow {
  const char* content_type;
  std::string body;
  bool base64;
};

TEST(GatewayEvent, BodiesThatAreNoTextGoAsBase64) {
  for (const auto& row :
       {BodyRow{"application/json", "{}", false}, BodyRow{"text/plain; charset=utf-8", "a", false},
        BodyRow{"application/problem+json", "{}", false}, BodyRow{"", "a", false},
        BodyRow{"image/png", "a", true}, BodyRow{"application/octet-stream", "a", true},
        BodyRow{"application/x-www-form-urlencoded", "a=b", true},
        BodyRow{"text/plain", "\xff\xfe", true}, BodyRow{"text/plain", "", false}}) {
    GatewayRequest request;
    request.method = "POST";
    request.raw_path = "/";
    request.headers = {{"Content-Type", row.content_type}};
    request.body = row.body;
    const auto event = gateway_event(request, context());
    EXPECT_EQ(event.at("isBase64Encoded"), row.base64) << row.content_type;
    EXPECT_EQ(event.contains("body"), !row.body.empty());
  }
}

TEST(GatewayEvent, LeavesOutWhatIsNotThere) {
  GatewayRequest request;
  request.method = "GET";
  request.raw_path = "/";
  const auto event = gateway_event(request, context());
  for (const char* name :
       {"cookies", "queryStringParameters", "body", "pathParameters", "stageVariables"})
    EXPECT_FALSE(event.contains(name)) << name;
}

struct AnswerRow {
  const char* what;
  const char* payload;
  int status;
  const char* type;
  const char* body;
};

constexpr const char* kBroken = R"({"message":"Internal Server Error"})";

TEST(GatewayAnswer, IsReadAsTheDocumentationSays) {
  const char* json_type = "application/json";
  const char* text_type = "text/plain;charset=UTF-8";
  for (const auto& row : {
           AnswerRow{"a text", R"("Hello from Lambda!")", 200, json_type, "Hello from Lambda!"},
           AnswerRow{"an object without status", R"({"message":"Hello"})", 200, json_type,
                     R"({"message":"Hello"})"},
           AnswerRow{"a number", "42", 200, json_type, "42"},
           AnswerRow{"null", "null", 200, json_type, "null"},
           AnswerRow{"all of it",
                     R"({"statusCode":201,"headers":{"Content-Type":"text/html"},"body":"<p>"})",
                     201, "text/html", "<p>"},
           AnswerRow{"only a status", R"({"statusCode":204})", 204, text_type, ""},
           AnswerRow{"a status as text", R"({"statusCode":"404","body":"no"})", 404, text_type,
                     "no"},
           AnswerRow{"base64", R"({"statusCode":200,"body":"aGVsbG8=","isBase64Encoded":true})",
                     200, text_type, "hello"},
           AnswerRow{"bad base64", R"({"statusCode":200,"body":"!","isBase64Encoded":true})", 500,
                     json_type, kBroken},
           AnswerRow{"a status out of range", R"({"statusCode":99})", 500, json_type, kBroken},
           AnswerRow{"a status that is no number", R"({"statusCode":"ok"})", 500, json_type,
                     kBroken},
           AnswerRow{"a body that is no text", R"({"statusCode":200,"body":{"a":1}})", 500,
                     json_type, kBroken},
           AnswerRow{"headers that are no object", R"({"statusCode":200,"headers":[1]})", 500,
                     json_type, kBroken},
           AnswerRow{"a header that smuggles another",
                     R"({"statusCode":200,"headers":{"X":"a\r\nSet-Cookie: b"}})", 500, json_type,
                     kBroken},
           AnswerRow{"no JSON", "oops", 500, json_type, kBroken},
       }) {
    const auto answer = gateway_response(row.payload);
    EXPECT_EQ(answer.status, row.status) << row.what;
    EXPECT_EQ(answer.headers.get_or("Content-Type", ""), row.type) << row.what;
    EXPECT_EQ(std::get<std::string>(answer.body), row.body) << row.what;
  }
}

TEST(GatewayAnswer, CookiesBecomeSetCookieHeadersAndFramingIsNotTheFunctions) {
  const auto answer = gateway_response(
      R"({"statusCode":200,"cookies":["a=1","b=2; Secure"],"headers":{"Content-Length":"99","X-Number":3,"X-Flag":true},"body":"x"})");
  std::vector<std::string> cookies;
  for (const auto& [name, value] : answer.headers.fields())
    if (name == "Set-Cookie") cookies.push_back(value);
  EXPECT_EQ(cookies, (std::vector<std::string>{"a=1", "b=2; Secure"}));
  EXPECT_FALSE(answer.headers.has("Content-Length"));
  EXPECT_EQ(answer.headers.get_or("X-Number", ""), "3");
  EXPECT_EQ(answer.headers.get_or("X-Flag", ""), "true");
}

// ---- the door itself, over a function that the test plays

class Gateway : public testing::Test {
 protected:
  void SetUp() override {
    GatewayOptions options;
    options.target = [](const std::string&,
                        const std::string& path) -> std::optional<GatewayTarget> {
      if (path == "/none") return std::nullopt;
      GatewayTarget target;
      target.function = "meals";
      target.qualifier = "live";
      return target;
    };
    options.invoke = [this](GatewayTarget target, std::string payload) {
      return play(std::move(target), std::move(payload));
    };
    options.static_file = [](const ServerRequest&,
                             const std::string& path) -> std::optional<ServerResponse> {
      if (path != "/static/a.css") return std::nullopt;
      ServerResponse file;
      file.body = std::string("css");
      return file;
    };
    gateway_.emplace(loop_, std::move(options));
    url_ = client_.serve([this](ServerRequest& request) { return gateway_->handle(request); });
  }
  Task<Result<InvokeResult>> play(GatewayTarget target, std::string payload) {
    called_ = target.function + ":" + target.qualifier;
    last_event_ = payload;
    if (error_) co_return *error_;
    co_return result_;
  }
  Loop loop_;
  test::FaceClient client_{loop_};
  std::optional<HttpApiGateway> gateway_;
  std::string url_, called_, last_event_;
  std::optional<Error> error_;
  InvokeResult result_;
};

TEST_F(Gateway, HandsTheRequestToTheFunctionAndItsAnswerBack) {
  result_.payload = R"({"statusCode":201,"headers":{"X-App-Version":"1.4.2"},"body":"made"})";
  const auto answer =
      client_.send("POST", url_ + "/orders?x=1", {{"Content-Type", "text/plain"}}, "one");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "made");
  EXPECT_EQ(answer.headers.get_or("X-App-Version", ""), "1.4.2");
  EXPECT_TRUE(answer.headers.has("Apigw-Requestid"));
  EXPECT_EQ(called_, "meals:live");
  const auto event = json::parse(last_event_);
  EXPECT_EQ(event.at("rawPath"), "/orders");
  EXPECT_EQ(event.at("body"), "one");
  EXPECT_EQ(event.at("requestContext").at("http").at("sourceIp"), "127.0.0.1");
}

TEST_F(Gateway, SaysWhatWentWrongAsApiGatewayDoes) {
  result_.function_error = "Unhandled";
  result_.payload = R"({"errorMessage":"secret details"})";
  auto answer = client_.send("GET", url_ + "/");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, kBroken);
  struct Row {
    Error error;
    int status;
    const char* message;
  };
  for (const auto& row : {Row{Error(ErrorKind::throttled, "x"), 503, "Service Unavailable"},
                          Row{Error(ErrorKind::not_found, "x"), 500, "Internal Server Error"},
                          Row{Error(ErrorKind::not_found, "x").with_code(kNothingDeployed), 503,
                              "nothing deployed yet"}}) {
    error_ = row.error;
    answer = client_.send("GET", url_ + "/");
    EXPECT_EQ(answer.status, row.status);
    EXPECT_EQ(test::body_of(answer).at("message"), row.message);
  }
  EXPECT_EQ(client_.send("GET", url_ + "/none").status, 404);
}

TEST_F(Gateway, ServesStaticFilesWithoutTheFunction) {
  EXPECT_EQ(client_.send("GET", url_ + "/static/a.css").body, "css");
  EXPECT_EQ(called_, "");
}

TEST_F(Gateway, AnswersHeadWithoutABody) {
  result_.payload = R"({"statusCode":200,"body":"12345"})";
  const auto answer = client_.send("HEAD", url_ + "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.get_or("Content-Length", ""), "5");
  EXPECT_EQ(answer.body, "");
}

}  // namespace
}  // namespace pawl::sandbox
