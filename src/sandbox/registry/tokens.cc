#include "sandbox/registry/tokens.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "sandbox/registry/answers.h"

namespace pawl::sandbox {
namespace {

constexpr size_t kMaxFormBytes = 16u << 10;

std::string form_value(std::string_view form, std::string_view name) {
  for (size_t at = 0; at < form.size();) {
    const size_t end = std::min(form.find('&', at), form.size());
    const std::string_view pair = form.substr(at, end - at);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      std::string spaced(pair.substr(equals + 1));
      for (char& c : spaced)
        if (c == '+') c = ' ';
      auto plain = url_decode(spaced);
      return plain.ok() ? *std::move(plain) : std::string();
    }
    at = end + 1;
  }
  return "";
}

}  // namespace

std::optional<BasicCredentials> basic_credentials(const ServerRequest& request) {
  const std::string header = request.headers().get_or("Authorization", "");
  if (header.size() < 6 || !equal_without_case(std::string_view(header).substr(0, 6), "Basic "))
    return std::nullopt;
  auto plain = base64_decode(std::string_view(header).substr(6));
  if (!plain.ok()) return std::nullopt;
  const auto colon = plain->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{plain->substr(0, colon), plain->substr(colon + 1)};
}

bool RegistryTokens::knows(const BasicCredentials& given) const {
  return given.user == user_ &&
         equal_in_constant_time(given.password, password_.reveal_for("the source registry"));
}

// A token is "<right>.<expires at>.<code>", the code being over the first two.
std::string RegistryTokens::sign(const std::string& claims) const {
  const auto code = hmac_sha256(password_.reveal_for("the source registry"), claims);
  return claims + "." + hex_encode(code);
}

RegistryTokens::Right RegistryTokens::right_of(const std::string& token) const {
  const auto last = token.rfind('.');
  if (last == std::string::npos) return Right::nothing;
  const std::string claims = token.substr(0, last);
  if (!equal_in_constant_time(sign(claims), token)) return Right::nothing;
  const auto dot = claims.find('.');
  if (dot == std::string::npos || std::stoll(claims.substr(dot + 1)) < clock_.now().unix_ms)
    return Right::nothing;
  return claims.substr(0, dot) == "push" ? Right::push : Right::pull;
}

std::optional<RegistryRefusal> RegistryTokens::authorize(const ServerRequest& request,
                                                         bool wants_to_change) const {
  Right right = Right::nothing;
  const std::string header = request.headers().get_or("Authorization", "");
  if (header.size() > 7 && equal_without_case(std::string_view(header).substr(0, 7), "Bearer ")) {
    right = right_of(header.substr(7));
  } else if (const auto basic = basic_credentials(request)) {
    if (knows(*basic)) right = Right::push;
  } else if (header.empty() && !wants_to_change && request.raw_path() != "/v2/") {
    // Only the version check insists, so that clients learn where tokens come from.
    right = Right::pull;
  }
  if (right == Right::push || (right == Right::pull && !wants_to_change)) return std::nullopt;
  if (right == Right::pull)
    return RegistryRefusal{403, "DENIED", "pushing needs the registry's user and password"};
  return RegistryRefusal{401, "UNAUTHORIZED", "authentication required"};
}

std::string RegistryTokens::challenge(const std::string& repository, bool wants_to_change) const {
  std::string text = fmt::format("Bearer realm=\"{}/token\",service=\"pawl-sandbox\"", url_);
  if (!repository.empty())
    text += fmt::format(",scope=\"repository:{}:{}\"", repository,
                        wants_to_change ? "pull,push" : "pull");
  return text;
}

Task<ServerResponse> RegistryTokens::issue(ServerRequest& request) const {
  auto given = basic_credentials(request);
  if (request.method() == "POST") {  // the OAuth2 form, which docker uses with a password
    auto form = co_await request.read_all(kMaxFormBytes);
    if (form.ok() && form_value(*form, "grant_type") == "password")
      given = BasicCredentials{form_value(*form, "username"), form_value(*form, "password")};
  }
  if (given && !knows(*given))
    co_return registry_error(401, "UNAUTHORIZED", "the user or the password is wrong");
  const int64_t expires_ms = (clock_.now() + kRegistryTokenLife).unix_ms;
  const std::string token = sign(fmt::format("{}.{}", given ? "push" : "pull", expires_ms));
  ServerResponse response;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(json::object{{"token", token},
                                               {"access_token", token},
                                               {"expires_in", kRegistryTokenLife.count()},
                                               {"issued_at", to_iso8601(clock_.now())}});
  co_return response;
}

}  // namespace pawl::sandbox
