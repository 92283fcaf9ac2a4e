#include "aws/client.h"

#include "aws/errors.h"
#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/log.h"

namespace pawl::aws {
namespace {

// Throttling is part of life with AWS; six tries with full jitter ride out a burst.
constexpr int kAttempts = 6;

RetryPolicy retries() {
  RetryPolicy policy;
  policy.attempts = kAttempts;
  return policy;
}

bool may_repeat(const Call& call, int number, const Error& error) {
  if (!is_retried(retries(), number, error)) return false;
  if (call.repeat == Repeat::always) return true;
  return error.kind() == ErrorKind::throttled || !error.outcome_unknown();
}

std::string url_of(const Call& call, const AwsOptions& options) {
  std::string url = endpoint_of(options, call.service).url;
  if (!call.subdomain.empty()) url.insert(url.find("://") + 3, call.subdomain + ".");
  url += call.path;
  if (!call.query.empty()) url += "?" + call.query;
  return url;
}

AwsOptions in_region(AwsOptions options, const std::string& region) {
  options.region = region;
  return options;
}

HttpRequest to_request(const Call& call, std::string url) {
  HttpRequest request;
  request.method = call.method;
  request.url = std::move(url);
  request.headers = call.headers;
  request.body = call.body;
  request.source = call.source;
  request.timeout = call.timeout;
  request.max_body_bytes = call.max_answer_bytes;
  return request;
}

void sign_request(HttpRequest& request, const Call& call, const AwsOptions& options,
                  const Credentials& credentials, WallTime now) {
  const auto parts = split_url(request.url);
  PAWL_ASSERT(parts.has_value());
  std::string target = parts->path;
  if (!parts->query.empty()) target += "?" + parts->query;
  SignableRequest signable{request.method, std::move(target), request.headers, call.payload_hash};
  if (signable.payload_hash.empty()) signable.payload_hash = sha256_hex(call.body);
  signable.headers.set("Host", parts->authority());
  sign(signable, credentials, SigningScope{options.region, std::string(signing_name(call.service))},
       now);
  request.headers = std::move(signable.headers);
}

}  // namespace

Task<Result<HttpResponse>> Client::attempt(const Call& call) {
  const bool is_elsewhere = !call.region.empty() && call.region != options_.region;
  const AwsOptions options = is_elsewhere ? in_region(options_, call.region) : AwsOptions{};
  const AwsOptions& place = is_elsewhere ? options : options_;
  HttpRequest request = to_request(call, url_of(call, place));
  if (call.source && !call.source->rewind())
    co_return Error(ErrorKind::internal, "the body of the request cannot be read again");
  if (call.is_signed) {
    PAWL_CO_TRY(auto credentials, co_await credentials_->get());
    sign_request(request, call, place, credentials, ports_.clock.now());
  }
  PAWL_CO_TRY(auto response, co_await ports_.http.send(std::move(request)));
  if (response.is_success() || response.status == 304) co_return response;
  if (call.is_answer && call.is_answer(response)) co_return response;
  co_return error_from(response, call.action, call.repeat == Repeat::when_not_done);
}

Task<Result<HttpResponse>> Client::send(Call call) {
  bool renewed = false;
  for (int number = 1;; ++number) {
    auto response = co_await attempt(call);
    if (response.ok()) co_return response;
    if (call.is_signed && is_expired(response.error()) && !renewed) {
      renewed = true;
      credentials_->forget();
      continue;
    }
    if (!may_repeat(call, number, response.error()))
      co_return std::move(response).while_doing("calling " + call.action);
    const auto wait = retry_wait(retries(), number, response.error(), ports_.entropy);
    log_debug("{} failed ({}), again in {}", call.action, response.error().message(),
              format_duration(wait));
    auto slept = co_await ports_.clock.sleep_for(wait);
    if (!slept.ok()) co_return std::move(slept).error();
  }
}

Task<Result<json::object>> Client::send_json(Call call) {
  const std::string what = "the answer to " + call.action;
  PAWL_CO_TRY(auto response, co_await send(std::move(call)));
  if (response.body.empty()) co_return json::object{};
  co_return parse_json_object(response.body, what);
}

}  // namespace pawl::aws
