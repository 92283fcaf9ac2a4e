// The AWS face on a loopback port, with a clock that the test can move, code that the test plays,
// and a client that signs with Pawl's own signer.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/hash.h"
#include "base/json.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "sandbox/aws/face.h"

namespace pawl::sandbox {

/// The real clock, moved; waits are not waited but noted.
class MovedClock : public Clock {
 public:
  explicit MovedClock(Clock& real) : real_(real) {}
  WallTime now() const override { return real_.now() + shift; }
  SteadyTime steady_now() const override { return real_.steady_now() + shift; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    slept += duration;
    co_return ok();
  }
  std::chrono::milliseconds shift{0};
  std::chrono::milliseconds slept{0};

 private:
  Clock& real_;
};

class PlayedRunner : public FunctionRunner {
 public:
  Task<Result<InvokeResult>> invoke(InvokeRequest request) override {
    calls.push_back(request);
    co_return answer(request);
  }
  void keep_warm(FunctionCode code, int instances) override {
    warm[code.function + ":" + code.version] = instances;
  }
  void retire(std::string function, std::string version) override {
    retired.push_back(function + ":" + version);
  }
  Task<void> stop() override { co_return; }

  std::function<Result<InvokeResult>(const InvokeRequest&)> answer = [](const InvokeRequest& r) {
    InvokeResult result;
    result.payload = r.payload;
    return Result<InvokeResult>(result);
  };
  std::vector<InvokeRequest> calls;
  std::map<std::string, int> warm;
  std::vector<std::string> retired;
};

class PlayedFaults : public FaultInjector {
 public:
  FaultAction decide(const FaultQuery& query) override {
    asked.push_back(query.service + " " + query.operation + " " + query.resource);
    auto found = actions.find(query.operation);
    if (found == actions.end()) return {};
    const FaultAction action = found->second;
    actions.erase(found);  // once
    return action;
  }
  std::map<std::string, FaultAction> actions;
  std::vector<std::string> asked;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "pawl-test-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

inline const std::string kKeyId = "AKIAPAWLSANDBOX00001";
inline const std::string kSecret = "sandbox/Secret+Key";

class AwsRig {
 public:
  explicit AwsRig(cloud::CloudOptions cloud_options = {})
      : clock(loop.clock()),
        blobs(*DiskBlobStore::open(folder.path / "blobs", loop.entropy())),
        cloud(std::move(cloud_options), *blobs),
        invoker(cloud, clock, loop.entropy(), runner),
        face(cloud, *blobs, invoker, faults, clock, loop.entropy(), face_options()),
        client(make_http_client(loop)) {
    cloud.sts.add_key(kKeyId, kSecret, "developer");
    auto started = serve_http(loop, {}, [this](ServerRequest& r) { return face.handle(r); });
    server = *std::move(started);
  }

  std::string url(const std::string& target = "") const {
    return "http://127.0.0.1:" + std::to_string(server->port()) + target;
  }

  /// Signs (unless `sign` is off), sends, and returns what came; a dropped answer is an Error.
  Result<HttpResponse> send(const std::string& service, const std::string& method,
                            const std::string& target, const std::string& body = "",
                            Headers headers = {}) {
    aws::SignableRequest signable{method, target, std::move(headers), sha256_hex(body)};
    if (const auto claimed = signable.headers.get("x-amz-content-sha256"))
      signable.payload_hash = *claimed;
    signable.headers.set("Host", "127.0.0.1:" + std::to_string(server->port()));
    if (signed_requests)
      aws::sign(signable, credentials, {cloud.account.region, service}, clock.now());
    HttpRequest request;
    request.method = method;
    request.url = url(target);
    request.body = body;
    request.headers = signable.headers;
    return loop.run(client->send(std::move(request)));
  }
  HttpResponse call(const std::string& service, const std::string& method,
                    const std::string& target, const std::string& body = "", Headers headers = {}) {
    auto response = send(service, method, target, body, std::move(headers));
    EXPECT_TRUE(response.ok()) << (response.ok() ? "" : response.error().message());
    return response.ok() ? *response : HttpResponse{};
  }
  json::object lambda(const std::string& method, const std::string& target, int status,
                      const json::value& body = nullptr) {
    const auto response =
        call("lambda", method, target, body.is_null() ? "" : json::serialize(body));
    EXPECT_EQ(response.status, status) << response.body;
    auto parsed = parse_json_object(response.body.empty() ? "{}" : response.body, "the answer");
    return parsed.ok() ? *parsed : json::object{};
  }
  json::object ecr(const std::string& operation, const json::object& body, int status = 200) {
    const Headers headers{{"X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921." + operation},
                          {"Content-Type", "application/x-amz-json-1.1"}};
    const auto response = call("ecr", "POST", "/", json::serialize(body), headers);
    EXPECT_EQ(response.status, status) << response.body;
    auto parsed = parse_json_object(response.body, "the answer");
    return parsed.ok() ? *parsed : json::object{};
  }
  HttpResponse form(const std::string& service, const std::string& body) {
    const Headers headers{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    return call(service, "POST", "/", body, headers);
  }
  aws::XmlElement xml(const HttpResponse& response) {
    auto parsed = aws::parse_xml(response.body, "the answer");
    EXPECT_TRUE(parsed.ok()) << response.body;
    return parsed.ok() ? *parsed : aws::XmlElement{};
  }

  static std::string digest_of(char digit) { return "sha256:" + std::string(64, digit); }
  std::string image(char digit) const {
    return cloud.ecr.repository_uri("meals") + "@" + digest_of(digit);
  }
  /// The repository "meals" with images 'a' and 'b', the function "f" of 'a', its version 1, and
  /// the alias "live" on it.
  void deploy() {
    const WallTime now = clock.now();
    ASSERT_TRUE(cloud.ecr.create("meals", false, now).ok());
    for (char digit : {'a', 'b'})
      ASSERT_TRUE(cloud.ecr
                      .put_image("meals", std::string(1, digit), digest_of(digit),
                                 "application/vnd.oci.image.manifest.v1+json", "{}", now)
                      .ok());
    cloud::CreateFunction request;
    request.name = "f";
    request.settings.image_uri = image('a');
    request.settings.role = cloud.sts.role_arn("f");
    ASSERT_TRUE(cloud.lambda.create(request, now).ok());
    settle();
    ASSERT_TRUE(cloud.lambda.publish("f", {}, clock.now()).ok());
    ASSERT_TRUE(cloud.lambda.create_alias({"f", "live", "1", "", "", {}}, clock.now()).ok());
    settle();
  }
  void settle() { clock.shift += std::chrono::minutes(1); }

  TemporaryFolder folder;
  Loop loop;
  MovedClock clock;
  std::unique_ptr<DiskBlobStore> blobs;
  cloud::Cloud cloud;
  PlayedRunner runner;
  PlayedFaults faults;
  Invoker invoker;
  int changes = 0;
  std::vector<std::string> answers;
  AwsFace face;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  aws::Credentials credentials{kKeyId, Secret(kSecret), Secret(), {}, {}};
  bool signed_requests = true;

 private:
  AwsFaceOptions face_options() {
    AwsFaceOptions options;
    options.on_change = [this] { ++changes; };
    options.on_answer = [this](const std::string& line) { answers.push_back(line); };
    return options;
  }
};

}  // namespace pawl::sandbox
