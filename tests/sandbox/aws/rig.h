// The AWS face on a loopback port, with a clock that the test can move, code that the test plays,
// and a client that signs with Pawl's own signer.
#pragma once

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
  WallTime now() const override;
  SteadyTime steady_now() const override;
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override;
  std::chrono::milliseconds shift{0};
  std::chrono::milliseconds slept{0};

 private:
  Clock& real_;
};

class PlayedRunner : public FunctionRunner {
 public:
  Task<Result<InvokeResult>> invoke(InvokeRequest request) override;
  void keep_warm(FunctionCode code, int instances) override;
  void retire(std::string function, std::string version) override;
  Task<void> stop() override;

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
  FaultAction decide(const FaultQuery& query) override;
  std::map<std::string, FaultAction> actions;
  std::vector<std::string> asked;
};

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

inline const std::string kKeyId = "AKIAPAWLSANDBOX00001";
inline const std::string kSecret = "sandbox/Secret+Key";

class AwsRig {
 public:
  explicit AwsRig(cloud::CloudOptions cloud_options = {});
  ~AwsRig();

  std::string url(const std::string& target = "") const;

  /// Signs (unless `sign` is off), sends, and returns what came; a dropped answer is an Error.
  Result<HttpResponse> send(const std::string& service, const std::string& method,
                            const std::string& target, const std::string& body = "",
                            Headers headers = {});
  HttpResponse call(const std::string& service, const std::string& method,
                    const std::string& target, const std::string& body = "", Headers headers = {});
  json::object lambda(const std::string& method, const std::string& target, int status,
                      const json::value& body = nullptr);
  json::object ecr(const std::string& operation, const json::object& body, int status = 200);
  HttpResponse form(const std::string& service, const std::string& body);
  aws::XmlElement xml(const HttpResponse& response);

  static std::string digest_of(char digit) { return "sha256:" + std::string(64, digit); }
  std::string image(char digit) const;
  /// The repository "meals" with images 'a' and 'b', the function "f" of 'a', its version 1, and
  /// the alias "live" on it.
  void deploy();
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
  AwsFaceOptions face_options();
};

}  // namespace pawl::sandbox
