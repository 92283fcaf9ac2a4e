// How the AWS face is served and called in tests.
#include "sandbox/aws/rig.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <utility>

#include "base/hash.h"

namespace pawl::sandbox {

WallTime MovedClock::now() const {
  return real_.now() + shift;
}

SteadyTime MovedClock::steady_now() const {
  return real_.steady_now() + shift;
}

Task<Result<void>> MovedClock::sleep_for(std::chrono::milliseconds duration) {
  slept += duration;
  co_return ok();
}

Task<Result<InvokeResult>> PlayedRunner::invoke(InvokeRequest request) {
  calls.push_back(request);
  co_return answer(request);
}

void PlayedRunner::keep_warm(FunctionCode code, int instances) {
  warm[code.function + ":" + code.version] = instances;
}

void PlayedRunner::retire(std::string function, std::string version) {
  retired.push_back(function + ":" + version);
}

Task<void> PlayedRunner::stop() {
  co_return;
}

FaultAction PlayedFaults::decide(const FaultQuery& query) {
  asked.push_back(query.service + " " + query.operation + " " + query.resource);
  auto found = actions.find(query.operation);
  if (found == actions.end()) return {};
  const FaultAction action = found->second;
  actions.erase(found);  // once
  return action;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "pawl-test-XXXXXX";
  path = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

AwsRig::AwsRig(cloud::CloudOptions cloud_options)
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

AwsRig::~AwsRig() = default;

std::string AwsRig::url(const std::string& target) const {
  return "http://127.0.0.1:" + std::to_string(server->port()) + target;
}

Result<HttpResponse> AwsRig::send(const std::string& service, const std::string& method,
                                  const std::string& target, const std::string& body,
                                  Headers headers) {
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

HttpResponse AwsRig::call(const std::string& service, const std::string& method,
                          const std::string& target, const std::string& body, Headers headers) {
  auto response = send(service, method, target, body, std::move(headers));
  EXPECT_TRUE(response.ok()) << (response.ok() ? "" : response.error().message());
  return response.ok() ? *response : HttpResponse{};
}

json::object AwsRig::lambda(const std::string& method, const std::string& target, int status,
                            const json::value& body) {
  const auto response = call("lambda", method, target, body.is_null() ? "" : json::serialize(body));
  EXPECT_EQ(response.status, status) << response.body;
  auto parsed = parse_json_object(response.body.empty() ? "{}" : response.body, "the answer");
  return parsed.ok() ? *parsed : json::object{};
}

json::object AwsRig::ecr(const std::string& operation, const json::object& body, int status) {
  const Headers headers{{"X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921." + operation},
                        {"Content-Type", "application/x-amz-json-1.1"}};
  const auto response = call("ecr", "POST", "/", json::serialize(body), headers);
  EXPECT_EQ(response.status, status) << response.body;
  auto parsed = parse_json_object(response.body, "the answer");
  return parsed.ok() ? *parsed : json::object{};
}

HttpResponse AwsRig::form(const std::string& service, const std::string& body) {
  const Headers headers{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  return call(service, "POST", "/", body, headers);
}

aws::XmlElement AwsRig::xml(const HttpResponse& response) {
  auto parsed = aws::parse_xml(response.body, "the answer");
  EXPECT_TRUE(parsed.ok()) << response.body;
  return parsed.ok() ? *parsed : aws::XmlElement{};
}

std::string AwsRig::image(char digit) const {
  return cloud.ecr.repository_uri("meals") + "@" + digest_of(digit);
}

void AwsRig::deploy() {
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

AwsFaceOptions AwsRig::face_options() {
  AwsFaceOptions options;
  options.on_change = [this] { ++changes; };
  options.on_answer = [this](const std::string& line) { answers.push_back(line); };
  return options;
}

}  // namespace pawl::sandbox
