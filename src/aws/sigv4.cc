#include "aws/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "aws/canonical.h"
#include "base/encoding.h"
#include "base/hash.h"

namespace pawl::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// A proxy on the way may add to these or take them away.
constexpr std::array<std::string_view, 6> kNeverSigned = {
    "authorization", "connection", "expect", "user-agent", "transfer-encoding", "x-amzn-trace-id"};

std::string_view bytes_of(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::vector<std::string> headers_to_sign(const Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.fields()) {
    std::string lower = lower_case(name);
    if (std::find(kNeverSigned.begin(), kNeverSigned.end(), lower) == kNeverSigned.end())
      names.push_back(std::move(lower));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string join(const std::vector<std::string>& parts, char separator) {
  std::string text;
  for (const auto& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string scope_text(std::string_view date, const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
}

std::string signature_of(std::string_view canonical, std::string_view timestamp,
                         const SigningScope& scope, const std::string& secret) {
  const std::string_view date = timestamp.substr(0, 8);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp,
                                          scope_text(date, scope), sha256_hex(canonical));
  const Sha256 by_date = hmac_sha256("AWS4" + secret, date);
  const Sha256 by_region = hmac_sha256(bytes_of(by_date), scope.region);
  const Sha256 by_service = hmac_sha256(bytes_of(by_region), scope.service);
  const Sha256 key = hmac_sha256(bytes_of(by_service), "aws4_request");
  return hex_encode(hmac_sha256(bytes_of(key), to_sign));
}

}  // namespace

std::string canonical_request(const SignableRequest& request,
                              const std::vector<std::string>& signed_headers,
                              std::string_view service) {
  const auto [path, query] = split_target(request.target);
  std::string text = request.method + "\n";
  text += (service == "s3" ? canonical_s3_path(path) : canonical_path(path)) + "\n";
  text += canonical_query(query) + "\n";
  for (const auto& name : signed_headers)
    text += name + ":" + canonical_header_value(request.headers, name) + "\n";
  text += "\n" + join(signed_headers, ';') + "\n" + request.payload_hash;
  return text;
}

void sign(SignableRequest& request, const Credentials& credentials, const SigningScope& scope,
          WallTime now) {
  const std::string timestamp = to_amz_date(now);
  request.headers.set("X-Amz-Date", timestamp);
  if (!credentials.session_token.empty())
    request.headers.set("X-Amz-Security-Token", credentials.session_token.reveal_for("aws"));
  if (scope.service == "s3") request.headers.set("X-Amz-Content-Sha256", request.payload_hash);
  const auto names = headers_to_sign(request.headers);
  const std::string signature =
      signature_of(canonical_request(request, names, scope.service), timestamp, scope,
                   credentials.secret_access_key.reveal_for("the signature"));
  request.headers.set("Authorization",
                      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                  credentials.access_key_id,
                                  scope_text(std::string_view(timestamp).substr(0, 8), scope),
                                  join(names, ';'), signature));
}

std::string presign(const SignableRequest& request, const Credentials& credentials,
                    const SigningScope& scope, WallTime now, std::chrono::seconds lifetime) {
  const std::string timestamp = to_amz_date(now);
  const auto names = headers_to_sign(request.headers);
  const std::string credential =
      credentials.access_key_id + "/" + scope_text(std::string_view(timestamp).substr(0, 8), scope);
  SignableRequest signable = request;
  signable.target += request.target.find('?') == std::string::npos ? '?' : '&';
  signable.target += fmt::format(
      "X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders={"
      "}",
      kAlgorithm, url_encode(credential), timestamp, lifetime.count(),
      url_encode(join(names, ';')));
  if (!credentials.session_token.empty())
    signable.target += "&X-Amz-Security-Token=" +
                       url_encode(credentials.session_token.reveal_for("the presigned URL"));
  const std::string signature =
      signature_of(canonical_request(signable, names, scope.service), timestamp, scope,
                   credentials.secret_access_key.reveal_for("the signature"));
  return signable.target + "&X-Amz-Signature=" + signature;
}

namespace {

Error denied(std::string code, std::string what) {
  return Error(ErrorKind::denied, std::move(what)).with_code(std::move(code)).with_http_status(403);
}

Result<SignatureClaims> read_credential(std::string_view credential, SignatureClaims claims) {
  // The key id comes first; whatever follows it is date/region/service/aws4_request.
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request" || parts[0].empty() || parts[1].size() != 8)
    return denied("IncompleteSignature",
                  "Credential must be <key id>/<date>/<region>/<service>/aws4_request");
  claims.access_key_id = parts[0];
  claims.date = parts[1];
  claims.scope = SigningScope{std::string(parts[2]), std::string(parts[3])};
  return claims;
}

Result<SignatureClaims> read_header_claims(std::string_view authorization, const Headers& headers) {
  SignatureClaims claims;
  std::string_view rest = authorization.substr(kAlgorithm.size());
  std::string_view credential;
  for (std::string_view field : split(rest, ',')) {
    field = trim(field);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = field.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "Signature") claims.signature = value;
    if (name == "SignedHeaders")
      for (const auto header : split(value, ';')) claims.signed_headers.emplace_back(header);
  }
  if (credential.empty() || claims.signature.empty() || claims.signed_headers.empty())
    return denied("IncompleteSignature",
                  "Authorization needs Credential, SignedHeaders and Signature");
  claims.timestamp = headers.get_or("X-Amz-Date", "");
  claims.session_token = headers.get_or("X-Amz-Security-Token", "");
  claims.payload_hash = headers.get_or("X-Amz-Content-Sha256", "");
  return read_credential(credential, std::move(claims));
}

Result<SignatureClaims> read_query_claims(std::string_view query) {
  SignatureClaims claims;
  claims.presigned = true;
  std::string credential;
  for (const auto& [name, value] : parse_query(query)) {
    if (name == "X-Amz-Credential") credential = value;
    if (name == "X-Amz-Date") claims.timestamp = value;
    if (name == "X-Amz-Signature") claims.signature = value;
    if (name == "X-Amz-Security-Token") claims.session_token = value;
    if (name == "X-Amz-Expires") {
      const bool digits = !value.empty() && value.size() <= 6 &&
                          value.find_first_not_of("0123456789") == std::string::npos;
      claims.expires_seconds = digits ? std::stoll(value) : -1;
    }
    if (name == "X-Amz-SignedHeaders")
      for (const auto header : split(value, ';')) claims.signed_headers.emplace_back(header);
  }
  constexpr int64_t kWeek = int64_t{7} * 24 * 3600;
  if (claims.expires_seconds <= 0 || claims.expires_seconds > kWeek)
    return denied("AuthorizationQueryParametersError", "X-Amz-Expires must be from 1 to 604800");
  if (claims.signature.empty() || claims.signed_headers.empty())
    return denied("AuthorizationQueryParametersError",
                  "X-Amz-Credential, X-Amz-Signature and X-Amz-SignedHeaders are needed");
  claims.payload_hash = kUnsignedPayload;
  return read_credential(credential, std::move(claims));
}

}  // namespace

Result<std::optional<SignatureClaims>> read_claims(std::string_view target,
                                                   const Headers& headers) {
  std::optional<SignatureClaims> none;
  const std::string authorization = headers.get_or("Authorization", "");
  if (authorization.rfind(std::string(kAlgorithm) + " ", 0) == 0) {
    PAWL_TRY(auto claims, read_header_claims(authorization, headers));
    return std::optional<SignatureClaims>(std::move(claims));
  }
  const auto [path, query] = split_target(target);
  for (const auto& [name, value] : parse_query(query))
    if (name == "X-Amz-Algorithm" && value == kAlgorithm) {
      PAWL_TRY(auto claims, read_query_claims(query));
      return std::optional<SignatureClaims>(std::move(claims));
    }
  if (!authorization.empty())
    return denied("IncompleteSignature", "only AWS4-HMAC-SHA256 is supported");
  return none;
}

namespace {

Result<void> check_time(const SignatureClaims& claims, WallTime now) {
  PAWL_TRY(const WallTime signed_at, parse_amz_date(claims.timestamp));
  if (claims.timestamp.substr(0, 8) != claims.date)
    return denied("SignatureDoesNotMatch", "the date in Credential is not that of X-Amz-Date");
  const auto age = now - signed_at;
  if (age < -kMaxSkew || (!claims.presigned && age > kMaxSkew))
    return denied("RequestTimeTooSkewed", fmt::format("the request was signed at {}, it is {} here",
                                                      claims.timestamp, to_amz_date(now)));
  if (claims.presigned && age > std::chrono::seconds(claims.expires_seconds))
    return denied("AccessDenied", "the presigned URL has expired");
  return ok();
}

Result<void> check_key(const SignatureClaims& claims, const std::optional<KnownKey>& key,
                       WallTime now) {
  if (!key)
    return denied("InvalidClientTokenId",
                  fmt::format("there is no access key {}", claims.access_key_id));
  if (!equal_in_constant_time(key->session_token, claims.session_token))
    return denied("InvalidClientTokenId", claims.session_token.empty()
                                              ? "this key needs its session token"
                                              : "the session token is not that of the key");
  if (key->expires && *key->expires <= now)
    return denied("ExpiredToken", "the session has expired");
  return ok();
}

Result<void> check_signed_headers(const SignatureClaims& claims, const Headers& headers) {
  const auto& names = claims.signed_headers;
  if (std::find(names.begin(), names.end(), "host") == names.end())
    return denied("SignatureDoesNotMatch", "'host' must be signed");
  if (!std::is_sorted(names.begin(), names.end()))
    return denied("SignatureDoesNotMatch", "SignedHeaders must be sorted");
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = lower_case(name);
    if (lower.rfind("x-amz-", 0) == 0 &&
        std::find(names.begin(), names.end(), lower) == names.end())
      return denied("AccessDenied", fmt::format("the header {} is not signed", lower));
  }
  return ok();
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// What stands for the body in the canonical request.
Result<std::string> payload_for(const SignatureClaims& claims, const RawRequest& request) {
  if (claims.scope.service == "s3" && claims.payload_hash.empty())
    return Error(ErrorKind::usage, "missing the required header x-amz-content-sha256")
        .with_code("InvalidRequest")
        .with_http_status(400);
  if (claims.payload_hash.empty()) return request.body_sha256;
  if (is_sha256_hex(claims.payload_hash) && !request.body_sha256.empty() &&
      claims.payload_hash != request.body_sha256)
    return Error(ErrorKind::corrupt, "x-amz-content-sha256 is not that of the body")
        .with_code("XAmzContentSHA256Mismatch")
        .with_http_status(400);
  return claims.payload_hash;
}

std::string without_signature(std::string_view target) {
  const auto [path, query] = split_target(target);
  std::string kept(path);
  char separator = '?';
  for (const auto part : split(query, '&')) {
    if (part.rfind("X-Amz-Signature=", 0) == 0) continue;
    kept += separator;
    kept += part;
    separator = '&';
  }
  return kept;
}

}  // namespace

Result<SignatureClaims> verify(const RawRequest& request, const KeyLookup& lookup, WallTime now) {
  PAWL_TRY(auto found, read_claims(request.target, request.headers));
  if (!found) return denied("MissingAuthenticationToken", "the request is not signed");
  const SignatureClaims& claims = *found;
  PAWL_CHECK(check_signed_headers(claims, request.headers));
  const auto key = lookup(claims.access_key_id);
  PAWL_CHECK(check_key(claims, key, now));
  PAWL_CHECK(check_time(claims, now));
  SignableRequest signable{request.method, request.target, request.headers, ""};
  if (claims.presigned) signable.target = without_signature(request.target);
  PAWL_TRY(signable.payload_hash, payload_for(claims, request));
  const std::string canonical =
      canonical_request(signable, claims.signed_headers, claims.scope.service);
  const std::string expected = signature_of(canonical, claims.timestamp, claims.scope, key->secret);
  if (!equal_in_constant_time(expected, claims.signature))
    return denied(
        "SignatureDoesNotMatch",
        "the signature does not match; the canonical request should have been '" + canonical + "'");
  return claims;
}

std::string to_amz_date(WallTime time) {
  const std::string iso = to_iso8601(time);  // 2026-11-24T11:34:20.123Z
  std::string compact;
  for (const char c : iso.substr(0, 19))
    if (c != '-' && c != ':') compact += c;
  return compact + "Z";
}

Result<WallTime> parse_amz_date(std::string_view text) {
  const bool shaped = text.size() == 16 && text[8] == 'T' && text[15] == 'Z';
  if (!shaped) return denied("IncompleteSignature", "X-Amz-Date must look like 20260101T000000Z");
  const auto part = [&](size_t from, size_t length) { return text.substr(from, length); };
  auto time = parse_iso8601(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2),
                                        part(9, 2), part(11, 2), part(13, 2)));
  if (!time.ok())
    return denied("IncompleteSignature", "X-Amz-Date must look like 20260101T000000Z");
  return *time;
}

}  // namespace pawl::aws
