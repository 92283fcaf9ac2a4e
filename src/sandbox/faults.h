// Faults on demand: each face of the sandbox asks, once for each request and before any work,
// whether something shall go wrong. Whoever implements this (the control API, a test) keeps the
// rules and counts; the faces only do what they are told, in the words of the service that they
// play.
#pragma once

#include <chrono>
#include <string>

namespace pawl::sandbox {

struct FaultQuery {
  std::string service;    // "lambda", "s3", "ecr", "sts", "apigateway", "monitoring", "github",
                          // "registry" (the source's), "ecr-registry", "function"
  std::string operation;  // as the service names it: "UpdateFunctionCode", "PutObject"; for the
                          // registries "GET manifest", "PUT blob"; for GitHub "POST check-runs"
  std::string
      resource;  // what it is about: the function, "bucket/key", the repository; may be empty
};

/// What to do to one request. Several may hold at once: slow, and then an error.
struct FaultAction {
  std::chrono::milliseconds delay{0};
  /// Answer this status instead of doing the work; 0: none.
  int status = 0;
  /// The service's own code for that answer ("ServiceException"); empty: the usual one.
  std::string code;
  /// Answer as this service does when it asks to slow down, without doing the work.
  bool throttle = false;
  /// Do the work, then close the connection without an answer.
  bool drop_answer = false;

  bool stops_the_work() const { return throttle || status != 0; }
};

class FaultInjector {
 public:
  virtual ~FaultInjector() = default;
  /// Called once for each request, so that "the next two" can be counted.
  virtual FaultAction decide(const FaultQuery& query) = 0;
};

/// Nothing ever goes wrong.
class NoFaults : public FaultInjector {
 public:
  FaultAction decide(const FaultQuery&) override { return {}; }
};

}  // namespace pawl::sandbox
