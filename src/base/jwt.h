// JSON web tokens signed with an RSA key: RS256, and nothing else (RFC 7515, RFC 7518 section 3.3).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/secret.h"

namespace pawl {

/// `claims`, signed with a private key in PEM (PKCS#1 or PKCS#8, without a password, 2048 bits or
/// more). Kind config when the key is no such key; no error shows any of it.
Result<std::string> make_jwt(const json::object& claims, const Secret& private_key_pem);

/// The claims of a token that was signed with that key's other half, given as a public or private
/// key in PEM. The algorithm is ours, whatever the token's header asks for (RFC 8725 section 3.1).
/// Kind denied when the signature is not right. What the claims say is the caller's to judge.
Result<json::object> read_jwt(std::string_view token, std::string_view key_pem);

/// RFC 4648 section 5, without padding.
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

}  // namespace pawl
