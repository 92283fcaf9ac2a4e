#include "sandbox/aws/call.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::sandbox {

std::string AwsCall::param(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return "";
}

bool AwsCall::has_param(std::string_view name) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& p) { return p.first == name; });
}

std::vector<std::string> path_segments(std::string_view raw) {
  std::vector<std::string> segments;
  if (!raw.empty() && raw.front() == '/') raw.remove_prefix(1);
  while (true) {
    const size_t slash = raw.find('/');
    const std::string_view part = raw.substr(0, slash);
    auto decoded = url_decode(part);
    segments.push_back(decoded.ok() ? *decoded : std::string(part));
    if (slash == std::string_view::npos) return segments;
    raw.remove_prefix(slash + 1);
  }
}

namespace {

void stamp(const AwsCall& call, ServerResponse& response) {
  if (call.service == "s3") {
    response.headers.set("x-amz-request-id", call.request_id);
    response.headers.set("x-amz-id-2", base64_encode(call.request_id));
    response.headers.set("Server", "AmazonS3");
  } else {
    response.headers.set("x-amzn-RequestId", call.request_id);
  }
}

const char* json_type(const AwsCall& call) {
  if (call.service == "ecr") return "application/x-amz-json-1.1";
  if (call.service == "monitoring") return "application/x-amz-json-1.0";
  return "application/json";
}

}  // namespace

ServerResponse empty_answer(const AwsCall& call, int status) {
  ServerResponse response;
  response.status = status;
  stamp(call, response);
  return response;
}

ServerResponse json_answer(const AwsCall& call, int status, const json::value& body) {
  ServerResponse response = empty_answer(call, status);
  response.headers.set("Content-Type", json_type(call));
  response.body = json::serialize(body);
  return response;
}

ServerResponse xml_answer(const AwsCall& call, int status, std::string body) {
  ServerResponse response = empty_answer(call, status);
  response.headers.set("Content-Type", call.service == "s3" ? "application/xml" : "text/xml");
  response.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::move(body);
  return response;
}

namespace {

ServerResponse s3_error(const AwsCall& call, const Error& error, int status) {
  // HEAD has no body: the status is all that a client learns.
  if (call.method == "HEAD") return empty_answer(call, status);
  if (status == 304) return empty_answer(call, status);
  std::string where;
  for (const std::string& segment : call.path) where += "/" + segment;
  return xml_answer(
      call, status,
      fmt::format("<Error><Code>{}</Code><Message>{}</Message><Resource>{}</Resource>"
                  "<RequestId>{}</RequestId><HostId>{}</HostId></Error>",
                  aws::xml_escape(error.code()), aws::xml_escape(error.what()),
                  aws::xml_escape(where), call.request_id, base64_encode(call.request_id)));
}

ServerResponse query_error(const AwsCall& call, const Error& error, int status) {
  const char* space = call.service == "sts" ? "https://sts.amazonaws.com/doc/2011-06-15/"
                      : call.service == "cloudfront"
                          ? "http://cloudfront.amazonaws.com/doc/2020-05-31/"
                          : "http://monitoring.amazonaws.com/doc/2010-08-01/";
  return xml_answer(
      call, status,
      fmt::format("<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code>"
                  "<Message>{}</Message></Error><RequestId>{}</RequestId>"
                  "</ErrorResponse>",
                  space, status < 500 ? "Sender" : "Receiver", aws::xml_escape(error.code()),
                  aws::xml_escape(error.what()), call.request_id));
}

ServerResponse rest_json_error(const AwsCall& call, const Error& error, int status) {
  json::object body;
  if (call.service == "lambda") {
    body["Type"] = status < 500 ? "User" : "Server";
    // These few spell it with a capital; the others do not.
    const bool capital =
        error.code() == "ResourceNotFoundException" || error.code() == "ServiceException";
    body[capital ? "Message" : "message"] = error.what();
    if (error.code() == "TooManyRequestsException") body["Reason"] = "CallerRateLimitExceeded";
  } else {
    body["message"] = error.what();
  }
  ServerResponse response = json_answer(call, status, body);
  response.headers.set("x-amzn-ErrorType", error.code());
  return response;
}

}  // namespace

ServerResponse error_answer(const AwsCall& call, const Error& error) {
  const int status = error.http_status() != 0 ? error.http_status() : 500;
  const Error named = error.code().empty() ? broken(call.service, status, "") : error;
  switch (call.protocol) {
    case AwsProtocol::rest_xml:
      return s3_error(call, named, status);
    case AwsProtocol::query:
      return query_error(call, named, status);
    case AwsProtocol::rest_json:
      return rest_json_error(call, named, status);
    case AwsProtocol::json:
    case AwsProtocol::cbor:
      break;  // CBOR is made of this by its service
  }
  ServerResponse response =
      json_answer(call, status, json::object{{"__type", named.code()}, {"message", named.what()}});
  response.headers.set("x-amzn-ErrorType", named.code());
  if (call.service == "monitoring")
    response.headers.set("x-amzn-query-error",
                         named.code() + (status < 500 ? ";Sender" : ";Receiver"));
  return response;
}

namespace {

Error aws_error(int status, std::string code, std::string message) {
  return cloud::aws_error(status, std::move(code), std::move(message));
}

}  // namespace

Error throttled(std::string_view service) {
  if (service == "lambda") return aws_error(429, "TooManyRequestsException", "Rate Exceeded.");
  if (service == "s3") return aws_error(503, "SlowDown", "Please reduce your request rate.");
  if (service == "apigateway")
    return aws_error(429, "TooManyRequestsException", "Too Many Requests");
  if (service == "ecr") return aws_error(400, "ThrottlingException", "Rate exceeded");
  return aws_error(400, "Throttling", "Rate exceeded");
}

Error broken(std::string_view service, int status, const std::string& code) {
  const bool ours = status >= 500;
  std::string name = code;
  if (name.empty() && service == "lambda") name = ours ? "ServiceException" : "InvalidRequest";
  if (name.empty() && service == "ecr") name = ours ? "ServerException" : "InvalidRequest";
  if (name.empty() && service == "s3")
    name = status == 503 ? "ServiceUnavailable" : "InternalError";
  if (name.empty()) name = ours ? "InternalFailure" : "InvalidRequest";
  return aws_error(status, std::move(name),
                   ours ? "We encountered an internal error. Please try again."
                        : "The request could not be processed.");
}

// The same mistake has another name in each protocol: what follows is what clients look for.
Error signature_error(const AwsCall& call, const Error& error) {
  struct Row {
    const char* code;   // as our check names it
    const char* json;   // Lambda, ECR, API Gateway
    const char* query;  // STS, CloudWatch
    const char* s3;
    int s3_status;
    const char* message;
  };
  static constexpr std::array kRows{
      Row{"SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch",
          "SignatureDoesNotMatch", 403,
          "The request signature we calculated does not match the signature you provided. Check "
          "your AWS Secret Access Key and signing method. Consult the service documentation for "
          "details."},
      Row{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidClientTokenId",
          "InvalidAccessKeyId", 403, "The security token included in the request is invalid."},
      Row{"ExpiredToken", "ExpiredTokenException", "ExpiredToken", "ExpiredToken", 400,
          "The security token included in the request is expired"},
      Row{"MissingAuthenticationToken", "MissingAuthenticationTokenException",
          "MissingAuthenticationToken", "AccessDenied", 403,
          "Request is missing Authentication Token"},
      Row{"RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch",
          "RequestTimeTooSkewed", 403,
          "The difference between the request time and the current time is too large."},
      Row{"IncompleteSignature", "IncompleteSignatureException", "IncompleteSignature",
          "AuthorizationHeaderMalformed", 400, "The authorization header is malformed."},
  };
  for (const Row& row : kRows) {
    if (error.code() != row.code) continue;
    // Our own words come after AWS's: they say what was expected.
    const std::string message = fmt::format("{} ({})", row.message, error.what());
    if (call.protocol == AwsProtocol::rest_xml)
      return aws_error(row.s3_status, row.s3,
                       std::string(row.code) == "InvalidClientTokenId"
                           ? "The AWS Access Key Id you provided does not "
                             "exist in our records."
                           : message);
    return aws_error(403, call.protocol == AwsProtocol::query ? row.query : row.json, message);
  }
  return error;
}

Error not_played(const AwsCall& call) {
  if (call.service == "s3")
    return aws_error(501, "NotImplemented",
                     "A header or query you provided implies functionality that is not implemented "
                     "by the sandbox.");
  return aws_error(501, "UnknownOperationException",
                   fmt::format("the sandbox does not play {} {}{}", call.service, call.operation,
                               call.operation.empty() ? call.method : ""));
}

namespace {

std::tm utc(WallTime time) {
  constexpr int64_t kMsPerSecond = 1000;
  const std::time_t seconds = static_cast<std::time_t>(time.unix_ms / kMsPerSecond);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string iso_seconds(WallTime time) {
  const std::tm t = utc(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

// Written by hand: strftime would follow the locale.
std::string http_date(WallTime time) {
  const std::tm t = utc(time);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[static_cast<size_t>(t.tm_wday)], t.tm_mday,
      kMonths[static_cast<size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  // "Tue, 24 Nov 2026 11:34:20 GMT"
  if (text.size() != 29 || text.substr(26) != "GMT") return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  auto time =
      parse_iso8601(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month - kMonths.begin() + 1,
                                text.substr(5, 2), text.substr(17, 8)));
  if (!time.ok()) return std::nullopt;
  return *time;
}

size_t count_or(std::string_view text, size_t otherwise) {
  constexpr size_t kMaxDigits = 9;
  if (text.empty() || text.size() > kMaxDigits) return otherwise;
  if (!std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); }))
    return otherwise;
  return static_cast<size_t>(std::stoul(std::string(text)));
}

}  // namespace pawl::sandbox
