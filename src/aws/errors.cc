#include "aws/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/retry.h"
#include "aws/xml.h"
#include "base/json.h"

namespace pawl::aws {
namespace {

// A signature that does not match comes with the whole canonical request.
constexpr size_t kMaxMessageBytes = 600;

struct CodeKind {
  std::string_view code;
  ErrorKind kind;
};

// A code ends the search when it begins with the text here; the first that fits counts.
constexpr std::array kKinds = {
    CodeKind{"Throttl", ErrorKind::throttled},
    CodeKind{"TooManyInvalidationsInProgress", ErrorKind::throttled},
    CodeKind{"ResourceNotFound", ErrorKind::not_found},
    CodeKind{"NotFound", ErrorKind::not_found},
    CodeKind{"NoSuch", ErrorKind::not_found},
    CodeKind{"RepositoryNotFound", ErrorKind::not_found},
    CodeKind{"ImageNotFound", ErrorKind::not_found},
    CodeKind{"ProvisionedConcurrencyConfigNotFound", ErrorKind::not_found},
    CodeKind{"ResourceConflict", ErrorKind::conflict},
    CodeKind{"PreconditionFailed", ErrorKind::conflict},
    CodeKind{"ConditionalRequestConflict", ErrorKind::conflict},
    CodeKind{"OperationAborted", ErrorKind::conflict},
    CodeKind{"ResourceInUse", ErrorKind::conflict},
    CodeKind{"Conflict", ErrorKind::conflict},
    CodeKind{"AccessDenied", ErrorKind::denied},
    CodeKind{"UnauthorizedOperation", ErrorKind::denied},
    CodeKind{"NotAuthorized", ErrorKind::denied},
    CodeKind{"AllAccessDisabled", ErrorKind::denied},
    CodeKind{"AccountProblem", ErrorKind::denied},
    CodeKind{"UnrecognizedClient", ErrorKind::denied},
    CodeKind{"InvalidClientTokenId", ErrorKind::denied},
    CodeKind{"InvalidAccessKeyId", ErrorKind::denied},
    CodeKind{"InvalidToken", ErrorKind::denied},
    CodeKind{"InvalidIdentityToken", ErrorKind::denied},
    CodeKind{"IDPRejectedClaim", ErrorKind::denied},
    CodeKind{"ExpiredToken", ErrorKind::denied},
    CodeKind{"ExpiredTokenException", ErrorKind::denied},
    CodeKind{"RequestExpired", ErrorKind::denied},
    CodeKind{"SignatureDoesNotMatch", ErrorKind::denied},
    CodeKind{"InvalidSignature", ErrorKind::denied},
    CodeKind{"IncompleteSignature", ErrorKind::denied},
    CodeKind{"MissingAuthenticationToken", ErrorKind::denied},
    CodeKind{"OptInRequired", ErrorKind::denied},
    CodeKind{"RequestTimeTooSkewed", ErrorKind::denied},
    CodeKind{"InternalFailure", ErrorKind::unavailable},
    CodeKind{"InternalError", ErrorKind::unavailable},
    CodeKind{"InternalServerError", ErrorKind::unavailable},
    CodeKind{"ServiceUnavailable", ErrorKind::unavailable},
    CodeKind{"ServiceException", ErrorKind::unavailable},
    CodeKind{"ServerException", ErrorKind::unavailable},
    CodeKind{"BadDigest", ErrorKind::corrupt},
    CodeKind{"XAmzContentSHA256Mismatch", ErrorKind::corrupt},
    CodeKind{"XAmzContentChecksumMismatch", ErrorKind::corrupt},
};

bool starts_with(std::string_view text, std::string_view begin) {
  return text.substr(0, begin.size()) == begin;
}

ErrorKind kind_of(const ServiceError& error, int status) {
  if (is_throttling_code(error.code)) return ErrorKind::throttled;
  if (is_transient_code(error.code)) return ErrorKind::unavailable;
  for (const auto& each : kKinds)
    if (starts_with(error.code, each.code)) return each.kind;
  if (status == 401 || status == 403) return ErrorKind::denied;
  if (status == 404) return ErrorKind::not_found;
  if (status == 409 || status == 412) return ErrorKind::conflict;
  if (status == 429) return ErrorKind::throttled;
  if (status >= 500) return ErrorKind::unavailable;
  return ErrorKind::failed;
}

// AWS often names it: "User: ... is not authorized to perform: kms:GenerateDataKey on resource:
// ...", which need not be the call's own.
std::string denied_action(std::string_view message, std::string_view action) {
  constexpr std::string_view kBegin = "not authorized to perform: ";
  const auto at = message.find(kBegin);
  if (at == std::string_view::npos) return std::string(action);
  const std::string_view rest = message.substr(at + kBegin.size());
  const auto end =
      rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-");
  const std::string_view named = rest.substr(0, end);
  return std::string(named.find(':') == std::string_view::npos ? action : named);
}

std::string hint_for(const ServiceError& error, std::string_view action,
                     std::string_view credentials) {
  const std::string_view code = error.code;
  const std::string whose =
      credentials.empty() ? "" : fmt::format(" (they come from {})", credentials);
  if (starts_with(code, "Expired") || code == "RequestExpired")
    return fmt::format("the AWS credentials have expired{}: take new ones and try again", whose);
  if (code == "RequestTimeTooSkewed") return "the clock of this machine is wrong";
  if (starts_with(code, "InvalidIdentityToken") || starts_with(code, "IDPRejectedClaim"))
    return "the role's trust policy must name this identity provider, its audience and this "
           "repository and environment";
  for (const char* each :
       {"UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch",
        "InvalidSignature", "IncompleteSignature", "MissingAuthenticationToken", "InvalidToken"})
    if (starts_with(code, each))
      return fmt::format(
          "the AWS credentials are wrong{}: check the key, its secret and its "
          "session token; `pawl doctor` shows which are used",
          whose);
  if (action == "sts:AssumeRoleWithWebIdentity")
    return "the role's trust policy must allow sts:AssumeRoleWithWebIdentity to this identity";
  if (action == "sts:AssumeRole")
    return fmt::format(
        "the credentials{} need the permission sts:AssumeRole, and the role's trust "
        "policy must name them",
        whose);
  return fmt::format("the credentials that Pawl works with{} need the permission {}", whose,
                     denied_action(error.message, action));
}

// "com.amazonaws.lambda#ResourceNotFoundException:http://..." -> "ResourceNotFoundException"
std::string bare_code(std::string_view code) {
  code = code.substr(0, code.find(':'));
  const auto hash = code.rfind('#');
  return std::string(hash == std::string_view::npos ? code : code.substr(hash + 1));
}

ServiceError from_json(std::string_view body) {
  ServiceError error;
  auto parsed = parse_json_object(body, "the error");
  if (!parsed.ok()) return error;
  for (const char* key : {"__type", "code", "Code", "Type"})
    if (error.code.empty() || starts_with(error.code, "User")) {
      const std::string code = string_or(*parsed, key);
      if (!code.empty()) error.code = bare_code(code);
    }
  error.message = string_or(*parsed, "message", string_or(*parsed, "Message"));
  return error;
}

ServiceError from_xml(std::string_view body) {
  ServiceError error;
  auto parsed = parse_xml(body, "the error");
  if (!parsed.ok()) return error;
  const XmlElement* inner = parsed->name == "Error" ? &*parsed : parsed->find("Error");
  if (inner == nullptr) inner = parsed->find("Errors/Error");
  if (inner == nullptr) return error;
  error.code = inner->text_of("Code");
  error.message = inner->text_of("Message");
  error.request_id = inner->text_of("RequestId");
  if (error.request_id.empty()) error.request_id = parsed->text_of("RequestId");
  return error;
}

}  // namespace

ServiceError read_service_error(const HttpResponse& response) {
  ServiceError error;
  const auto first = response.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && response.body[first] == '{') error = from_json(response.body);
  if (first != std::string::npos && response.body[first] == '<') error = from_xml(response.body);
  const std::string header = response.headers.get_or("x-amzn-ErrorType", "");
  if (!header.empty()) error.code = bare_code(header);
  for (const char* name : {"x-amzn-RequestId", "x-amz-request-id", "x-amzn-request-id"})
    if (error.request_id.empty()) error.request_id = response.headers.get_or(name, "");
  return error;
}

Error error_from(const HttpResponse& response, std::string_view action, bool changes,
                 std::string_view credentials) {
  const ServiceError service = read_service_error(response);
  const ErrorKind kind = kind_of(service, response.status);
  std::string what = service.message;
  if (what.empty() && service.code.empty() && !response.body.empty())
    what = response.body.substr(0, kQuotedBodyBytes);
  if (what.empty()) what = "no reason given";
  if (what.size() > kMaxMessageBytes) what = what.substr(0, kMaxMessageBytes) + "...";
  if (!service.code.empty()) what = fmt::format("{}: {}", service.code, what);
  if (!service.request_id.empty()) what += fmt::format(" (request {})", service.request_id);
  Error error = Error(kind, fmt::format("AWS answered {}: {}", response.status, what))
                    .with_code(service.code)
                    .with_http_status(response.status)
                    .with_retry_after(retry_after_seconds(response.headers))
                    .with_outcome_unknown(changes && kind == ErrorKind::unavailable);
  if (kind == ErrorKind::denied)
    return std::move(error).with_hint(hint_for(service, action, credentials));
  return error;
}

bool is_expired(const Error& error) {
  return starts_with(error.code(), "Expired") || error.code() == "RequestExpired";
}

bool is_about_time(const Error& error) {
  constexpr std::array<std::string_view, 6> kCodes = {
      "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture",
      "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"};
  return std::find(kCodes.begin(), kCodes.end(), error.code()) != kCodes.end();
}

}  // namespace pawl::aws
