// AWS Signature Version 4: the signing of a request, and the check that a server makes of one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
//
// Both work on the request as it stands on the wire: the raw target ("/a%20b?x=1") and the headers.
// S3 takes the path as it is encoded once; every other service normalises it and encodes it again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "net/http.h"

namespace pawl::aws {

constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

struct SigningScope {
  std::string region;
  std::string service;  // "lambda", "s3", "sts" ... as in the credential scope
};

struct SignableRequest {
  std::string method;
  std::string target;        // as on the request line
  Headers headers;           // Host among them; all are signed but those that proxies change
  std::string payload_hash;  // hex SHA-256 of the body, or kUnsignedPayload
};

/// Adds X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 (S3) and Authorization.
void sign(SignableRequest& request, const Credentials& credentials, const SigningScope& scope,
          WallTime now);

/// The target of a presigned URL: valid for `lifetime` without any header but Host.
std::string presign(const SignableRequest& request, const Credentials& credentials,
                    const SigningScope& scope, WallTime now, std::chrono::seconds lifetime);

/// What is hashed; for tests and for people who look for a mismatch.
std::string canonical_request(const SignableRequest& request,
                              const std::vector<std::string>& signed_headers,
                              std::string_view service);

/// The signature's own claims, before anything is checked.
struct SignatureClaims {
  std::string access_key_id;
  std::string date;       // "20260101"
  std::string timestamp;  // "20260101T000000Z"
  SigningScope scope;
  std::vector<std::string> signed_headers;
  std::string signature;
  std::string session_token;
  std::string payload_hash;  // as the request names it; empty: it does not
  int64_t expires_seconds = 0;
  bool presigned = false;
};
/// No value: the request is not signed at all. An Error carries AWS's code for it.
Result<std::optional<SignatureClaims>> read_claims(std::string_view target, const Headers& headers);

struct KnownKey {
  std::string secret;
  std::string session_token;  // empty: a user's own key
  std::optional<WallTime> expires;
};
using KeyLookup = std::function<std::optional<KnownKey>(const std::string& access_key_id)>;

struct RawRequest {
  std::string method;
  std::string target;
  Headers headers;
  /// Hex SHA-256 of the body that came; empty when it was not hashed (a streamed upload): then what
  /// the request claims is taken for the signature, and the caller compares when it has read it
  /// all.
  std::string body_sha256;
};

constexpr std::chrono::minutes kMaxSkew{15};

/// Checks a signed request. Errors are of kind denied and carry AWS's code (SignatureDoesNotMatch,
/// InvalidClientTokenId, RequestTimeTooSkewed, ExpiredToken, MissingAuthenticationToken,
/// IncompleteSignature, XAmzContentSHA256Mismatch); the words of a mismatch hold the canonical
/// request that was expected, as AWS's do.
Result<SignatureClaims> verify(const RawRequest& request, const KeyLookup& lookup, WallTime now);

/// "20260101T000000Z"
std::string to_amz_date(WallTime time);
Result<WallTime> parse_amz_date(std::string_view text);

}  // namespace pawl::aws
