#include "sim/cloud/cloud.h"

#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {
constexpr int kStateFormat = 1;
}

Cloud::Cloud(CloudOptions options, BlobStore& blobs)
    : account(options.account),
      ids(options.seed),
      ledger(options.ledger_limit),
      ecr(options.account, options.registry_host, ids, ledger),
      lambda(options.account, options.lambda, ids, ledger,
             [this](const std::string& uri) { return ecr.look_up(uri); }),
      s3(options.s3, ids, ledger, blobs),
      sts(options.account, ids, ledger),
      apis(options.account, std::move(options.api_endpoint), ids, ledger),
      watch(options.account, ledger),
      cloudfront(ids, ledger) {}

void Cloud::record_call(const Call& call, WallTime now) {
  std::vector<Dimensions> groups{{{"FunctionName", call.function}}};
  if (!call.qualifier.empty() && call.qualifier != "$LATEST") {
    const std::string resource = call.function + ":" + call.qualifier;
    groups.push_back({{"FunctionName", call.function}, {"Resource", resource}});
    groups.push_back({{"FunctionName", call.function},
                      {"Resource", resource},
                      {"ExecutedVersion", call.executed_version}});
  }
  for (const Dimensions& dimensions : groups) {
    auto put = [&](const char* name, double value, const char* unit) {
      // Only a full table is refused, which a call must not suffer from.
      (void)watch.count({"AWS/Lambda", name, dimensions}, {now, 1, value, value, value, unit}, now);
    };
    put("Throttles", call.throttled ? 1 : 0, "Count");
    if (call.throttled) continue;
    put("Invocations", 1, "Count");
    put("Errors", call.failed ? 1 : 0, "Count");
    put("Duration", static_cast<double>(call.duration.count()), "Milliseconds");
  }
}

json::object Cloud::to_json() const {
  return {{"format", kStateFormat},        {"account", account.id},
          {"region", account.region},      {"ids", ids.to_json()},
          {"ledger", ledger.to_json()},    {"ecr", ecr.to_json()},
          {"lambda", lambda.to_json()},    {"s3", s3.to_json()},
          {"sts", sts.to_json()},          {"apis", apis.to_json()},
          {"monitoring", watch.to_json()}, {"cloudfront", cloudfront.to_json()}};
}

Result<void> Cloud::load(const json::object& object) {
  if (int_or(object, "format") != kStateFormat)
    return Error(ErrorKind::corrupt, "the cloud's state was written by another version of Pawl");
  ids = IdSource::from_json(object_or_empty(object, "ids"));
  ledger = Ledger::from_json(object_or_empty(object, "ledger"));
  PAWL_CHECK(ecr.load(object_or_empty(object, "ecr")));
  PAWL_CHECK(lambda.load(object_or_empty(object, "lambda")));
  PAWL_CHECK(s3.load(object_or_empty(object, "s3")));
  PAWL_CHECK(sts.load(object_or_empty(object, "sts")));
  PAWL_CHECK(apis.load(object_or_empty(object, "apis")));
  PAWL_CHECK(watch.load(object_or_empty(object, "monitoring")));
  return cloudfront.load(object_or_empty(object, "cloudfront"));
}

}  // namespace pawl::cloud
