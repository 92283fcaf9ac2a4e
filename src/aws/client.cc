#include "aws/client.h"

#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/log.h"

namespace pawl::aws {
namespace {

bool may_repeat(const Call& call, int number, int most, const Error& error) {
  if (!is_transient(error.kind()) || number >= most) return false;
  if (std::chrono::seconds(error.retry_after_seconds()) > kMaxRetryAfter) return false;
  if (call.repeat == Repeat::always) return true;
  return error.kind() == ErrorKind::throttled || !error.outcome_unknown();
}

std::string story_of(const Call& call, int tries) {
  if (tries == 1) return "calling " + call.action;
  return fmt::format("calling {} ({} tries)", call.action, tries);
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

Task<Client::Attempt> Client::attempt(const Call& call) {
  const bool is_elsewhere = !call.region.empty() && call.region != options_.region;
  const AwsOptions options = is_elsewhere ? in_region(options_, call.region) : AwsOptions{};
  const AwsOptions& place = is_elsewhere ? options : options_;
  HttpRequest request = to_request(call, url_of(call, place));
  if (call.source && !call.source->rewind())
    co_return Attempt(Error(ErrorKind::internal, "the body of the request cannot be read again"));
  std::string who;
  if (call.is_signed) {
    auto credentials = co_await credentials_->get();
    if (!credentials.ok()) co_return Attempt(std::move(credentials).error());
    who = credentials->source;
    sign_request(request, call, place, *credentials, ports_.now());
  }
  const WallTime sent = ports_.clock.now();
  auto response = co_await ports_.http.send(std::move(request));
  if (!response.ok()) co_return Attempt(std::move(response).error());
  const bool corrected = ports_.skew->learn(response->headers, sent, ports_.clock.now());
  if (response->is_success() || response->status == 304)
    co_return Attempt(std::move(response), corrected);
  if (call.is_answer && call.is_answer(*response))
    co_return Attempt(std::move(response), corrected);
  co_return Attempt(error_from(*response, call.action, call.repeat == Repeat::when_not_done, who),
                    corrected);
}

Task<Result<void>> Client::pause(const Call& call, int number, Error error) {
  const auto wait = retry_pause(number, error, ports_.entropy);
  log_debug("{} failed ({}), again in {}", call.action, error.message(), format_duration(wait));
  co_return co_await ports_.clock.sleep_for(wait);
}

Task<Result<HttpResponse>> Client::send(Call call) {
  bool is_renewed = false;
  bool is_corrected = false;
  int paid = 0;
  for (int number = 1;;) {
    Attempt done = co_await attempt(call);
    if (done.answer.ok()) {
      tokens_.give_back(paid > 0 ? paid : kGivenBackWithoutRetry);
      co_return std::move(done.answer);
    }
    Error error = std::move(done.answer).error();
    if (done.clock_corrected && !is_corrected && is_about_time(error)) {
      is_corrected = true;
      continue;
    }
    if (call.is_signed && !is_renewed && is_expired(error)) {
      is_renewed = true;
      credentials_->forget();
      continue;
    }
    if (!may_repeat(call, number, options_.max_attempts, error))
      co_return std::move(error).while_doing(story_of(call, number));
    const int cost = cost_of_retry(error);
    if (!tokens_.take(cost))
      co_return std::move(error)
          .while_doing("not trying again, since too many calls failed of late")
          .while_doing(story_of(call, number));
    paid = cost;
    PAWL_CO_CHECK(co_await pause(call, number, std::move(error)));
    ++number;
  }
}

Task<Result<json::object>> Client::send_json(Call call) {
  const std::string what = "the answer to " + call.action;
  PAWL_CO_TRY(auto response, co_await send(std::move(call)));
  if (response.body.empty()) co_return json::object{};
  co_return parse_json_object(response.body, what);
}

}  // namespace pawl::aws
