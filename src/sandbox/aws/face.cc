#include "sandbox/aws/face.h"

#include <fmt/format.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "sandbox/aws/apigateway_face.h"
#include "sandbox/aws/call.h"
#include "sandbox/aws/cloudfront_face.h"
#include "sandbox/aws/cloudwatch_face.h"
#include "sandbox/aws/ecr_face.h"
#include "sandbox/aws/lambda_face.h"
#include "sandbox/aws/s3_face.h"
#include "sandbox/aws/sts_face.h"

namespace pawl::sandbox {

namespace {

/// The largest body that is read whole: a function's payload and its frame.
constexpr size_t kMaxBodyBytes = kMaxInvokePayloadBytes + (64u << 10);

/// Without a signature there is no scope: the shape of the request tells.
std::string service_by_shape(const AwsCall& call) {
  const std::string first = call.path.empty() ? "" : call.path[0];
  const std::string target = call.headers.get_or("X-Amz-Target", "");
  if (target.rfind("AmazonEC2ContainerRegistry", 0) == 0) return "ecr";
  if (target.rfind("GraniteService", 0) == 0 || first == "service") return "monitoring";
  if (first == "v2" && call.path.size() > 1 && call.path[1] == "apis") return "apigateway";
  if (first == "2020-05-31" && call.path.size() > 1 && call.path[1] == "distribution")
    return "cloudfront";
  // "2015-03-31/...": a date, which no bucket's name can be taken for with what follows it.
  constexpr size_t kDateLength = 10;
  if (first.size() == kDateLength && first[4] == '-' && first[7] == '-' && call.path.size() > 1)
    return "lambda";
  const std::string type = call.headers.get_or("Content-Type", "");
  if (call.method == "POST" && type.rfind("application/x-www-form-urlencoded", 0) == 0)
    return "sts";
  if (call.has_param("Action")) return "sts";
  return "s3";
}

AwsProtocol protocol_of(const std::string& service) {
  if (service == "s3") return AwsProtocol::rest_xml;
  if (service == "sts" || service == "monitoring" || service == "cloudfront")
    return AwsProtocol::query;
  return service == "ecr" ? AwsProtocol::json : AwsProtocol::rest_json;
}

}  // namespace

struct AwsFace::Services {
  LambdaFace lambda;
  StsFace sts;
  EcrFace ecr;
  ApiGatewayFace apigateway;
  CloudWatchFace monitoring;
  CloudFrontFace cloudfront;
  S3Face s3;

  static void name(AwsCall& call) {
    if (call.service == "lambda") LambdaFace::name(call);
    if (call.service == "sts") StsFace::name(call);
    if (call.service == "ecr") EcrFace::name(call);
    if (call.service == "apigateway") ApiGatewayFace::name(call);
    if (call.service == "monitoring") CloudWatchFace::name(call);
    if (call.service == "cloudfront") CloudFrontFace::name(call);
    if (call.service == "s3") S3Face::name(call);
  }
};

struct AwsFace::Signed {
  aws::SignatureClaims claims;
  std::string secret;
};

AwsFace::AwsFace(cloud::Cloud& cloud, DiskBlobStore& blobs, Invoker& invoker, FaultInjector& faults,
                 Clock& clock, Entropy& entropy, AwsFaceOptions options)
    : cloud_(cloud),
      faults_(faults),
      clock_(clock),
      options_(std::move(options)),
      request_ids_(fmt::format("{:x}{:x}", entropy.next(), entropy.next())),
      services_(new Services{LambdaFace(cloud, invoker),
                             StsFace(cloud, options_.verify_web_identity), EcrFace(cloud),
                             ApiGatewayFace(cloud), CloudWatchFace(cloud), CloudFrontFace(cloud),
                             S3Face(cloud, blobs)}) {}

AwsFace::~AwsFace() = default;

Task<ServerResponse> AwsFace::handle(ServerRequest& request) {
  AwsCall call;
  call.method = request.method();
  call.path = path_segments(request.raw_path());
  call.query = request.query_list();
  call.headers = request.headers();
  call.now = clock_.now();
  call.request_id = request_ids_.uuid();
  const int64_t before = cloud_.ledger.last_sequence();
  ServerResponse response = co_await serve(call, request);
  if (options_.on_change && cloud_.ledger.last_sequence() != before) options_.on_change();
  if (options_.on_answer)
    options_.on_answer(fmt::format("{} {} {} {}", call.service,
                                   call.operation.empty() ? call.method : call.operation,
                                   call.resource, response.status));
  co_return response;
}

Task<ServerResponse> AwsFace::serve(AwsCall& call, ServerRequest& request) {
  auto claims = aws::read_claims(request.target(), call.headers);
  call.service =
      claims.ok() && claims->has_value() ? (*claims)->scope.service : service_by_shape(call);
  call.protocol = protocol_of(call.service);
  if (!claims.ok()) co_return refuse(call, signature_error(call, claims.error()));

  // S3 names a request without its body, which may be large.
  std::string hash;
  if (call.service == "s3") S3Face::name(call);
  const bool upload = call.service == "s3" && S3Face::is_upload(call);
  if (!upload) {
    auto read = co_await read_body(call, request, hash);
    if (!read.ok()) co_return refuse(call, read.error());
    Services::name(call);
  }
  auto credentials = check_signature(call, request, hash);
  if (!credentials.ok()) co_return refuse(call, credentials.error());
  if (call.operation.empty()) co_return refuse(call, not_played(call));

  const FaultQuery query{call.service, call.operation, call.resource};
  const FaultAction fault = faults_.decide(query);
  if (fault.delay.count() > 0) {
    auto slept = co_await clock_.sleep_for(fault.delay);
    if (!slept.ok()) co_return refuse(call, slept.error());
    call.now = clock_.now();
  }
  if (fault.throttle) co_return refuse(call, throttled(call.service));
  if (fault.status != 0) co_return refuse(call, broken(call.service, fault.status, fault.code));
  ServerResponse response = co_await work(call, request, *std::move(credentials));
  if (fault.drop_answer) response.drop = true;
  co_return response;
}

Task<Result<void>> AwsFace::read_body(AwsCall& call, ServerRequest& request, std::string& hash) {
  auto body = co_await request.read_all(kMaxBodyBytes);
  if (!body.ok()) {
    if (body.error().kind() != ErrorKind::corrupt) co_return std::move(body).error();
    const bool lambda = call.service == "lambda";
    co_return cloud::aws_error(lambda ? 413 : 400,
                               lambda ? "RequestTooLargeException" : "RequestEntityTooLarge",
                               body.error().what());
  }
  call.body = *std::move(body);
  hash = sha256_hex(call.body);
  co_return ok();
}

Result<AwsFace::Signed> AwsFace::check_signature(AwsCall& call, ServerRequest& request,
                                                 const std::string& hash) {
  if (call.service == "sts" && StsFace::is_open(call)) return Signed{};
  Signed found;
  auto lookup = [&](const std::string& id) -> std::optional<aws::KnownKey> {
    const cloud::Principal* principal = cloud_.sts.key(id);
    if (principal == nullptr) return std::nullopt;
    call.principal = *principal;
    found.secret = principal->secret;
    return aws::KnownKey{principal->secret, principal->session_token, principal->expires_at};
  };
  aws::RawRequest raw{call.method, request.target(), call.headers, hash};
  auto claims = aws::verify(raw, lookup, call.now);
  if (!claims.ok()) return signature_error(call, claims.error());
  found.claims = *std::move(claims);
  return found;
}

Task<ServerResponse> AwsFace::work(AwsCall& call, ServerRequest& request, Signed credentials) {
  if (call.service == "lambda") co_return co_await services_->lambda.answer(call);
  if (call.service == "sts") co_return services_->sts.answer(call);
  if (call.service == "ecr") co_return services_->ecr.answer(call);
  if (call.service == "apigateway") co_return services_->apigateway.answer(call);
  if (call.service == "monitoring") co_return services_->monitoring.answer(call);
  if (call.service == "cloudfront") co_return services_->cloudfront.answer(call);
  if (!S3Face::is_upload(call)) {
    auto answer = services_->s3.answer(call);
    co_return answer.ok() ? *std::move(answer) : refuse(call, answer.error());
  }
  auto answer = co_await services_->s3.upload(call, request, std::move(credentials.claims),
                                              std::move(credentials.secret));
  co_return answer.ok() ? *std::move(answer) : refuse(call, answer.error());
}

ServerResponse AwsFace::refuse(const AwsCall& call, const Error& error) const {
  return call.protocol == AwsProtocol::cbor ? CloudWatchFace::error(call, error)
                                            : error_answer(call, error);
}

}  // namespace pawl::sandbox
