// All AWS services of the sandbox behind one address, as AWS_ENDPOINT_URL has it. A request is told
// apart by the service in its signature's scope, or, unsigned, by its path and headers; its
// signature is checked for real; then it is named (for faults), and handed to its service.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "sandbox/aws/disk_blobs.h"
#include "sandbox/aws/invoker.h"
#include "sandbox/faults.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

struct AwsCall;

struct AwsFaceOptions {
  /// Asked whether a web identity token's signature is good; empty: only its claims are looked at.
  cloud::Sts::VerifyToken verify_web_identity;
  /// Called after each request that changed the cloud, before its answer is sent: to save the
  /// state, to open the door of a new API.
  std::function<void()> on_change;
  /// One line for each answer, for a log: "lambda UpdateFunctionCode meals-dev 200".
  std::function<void(const std::string& line)> on_answer;
};

class AwsFace {
 public:
  /// Everything must outlive the face.
  AwsFace(cloud::Cloud& cloud, DiskBlobStore& blobs, Invoker& invoker, FaultInjector& faults,
          Clock& clock, Entropy& entropy, AwsFaceOptions options = {});
  ~AwsFace();
  Task<ServerResponse> handle(ServerRequest& request);

 private:
  struct Services;
  struct Signed;
  Task<ServerResponse> serve(AwsCall& call, ServerRequest& request);
  Task<Result<void>> read_body(AwsCall& call, ServerRequest& request, std::string& hash);
  Result<Signed> check_signature(AwsCall& call, ServerRequest& request, const std::string& hash);
  Task<ServerResponse> work(AwsCall& call, ServerRequest& request, Signed credentials);
  ServerResponse refuse(const AwsCall& call, const Error& error) const;

  cloud::Cloud& cloud_;
  FaultInjector& faults_;
  Clock& clock_;
  AwsFaceOptions options_;
  cloud::IdSource request_ids_;
  std::unique_ptr<Services> services_;
};

}  // namespace pawl::sandbox
