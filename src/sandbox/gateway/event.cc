#include "sandbox/gateway/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/encoding.h"

namespace pawl::sandbox {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const size_t length = first < 0x80       ? 1
                          : first >> 5 == 6  ? 2
                          : first >> 4 == 14 ? 3
                          : first >> 3 == 30 ? 4
                                             : 0;
    if (length == 0 || at + length > text.size()) return false;
    for (size_t i = 1; i < length; ++i)
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
    at += length;
  }
  return true;
}

// Text goes as it is; all else, forms included, as base64.
bool goes_as_text(const GatewayRequest& request) {
  const std::string type = lower_case(request.headers.get_or("Content-Type", ""));
  const bool text =
      type.empty() || type.starts_with("text/") || type.starts_with("application/json") ||
      type.starts_with("application/javascript") || type.starts_with("application/xml") ||
      type.find("+json") != std::string::npos || type.find("+xml") != std::string::npos;
  return text && is_utf8(request.body);
}

void append_value(json::object& object, const std::string& name, std::string_view value) {
  const auto found = object.find(name);
  if (found == object.end()) {
    object[name] = value;
  } else {
    found->value() = std::string(found->value().as_string()) + "," + std::string(value);
  }
}

// "12/Mar/2020:19:03:58 +0000"
std::string request_time(WallTime time) {
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(time.unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", parts.tm_mday,
                     kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::string spaced(text);
  if (plus_is_space) std::replace(spaced.begin(), spaced.end(), '+', ' ');
  auto plain = url_decode(spaced);
  return plain.ok() && is_utf8(*plain) ? *std::move(plain) : std::string(text);
}

json::object query_parameters(std::string_view query) {
  json::object parameters;
  for (size_t at = 0; at < query.size();) {
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    const size_t equals = pair.find('=');
    if (!pair.empty()) {
      const std::string value =
          equals == std::string_view::npos ? "" : decoded(pair.substr(equals + 1), true);
      append_value(parameters, decoded(pair.substr(0, equals), true), value);
    }
    at = end + 1;
  }
  return parameters;
}

json::array cookies_of(const Headers& headers) {
  json::array cookies;
  for (const auto& [name, value] : headers.fields()) {
    if (!equal_without_case(name, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      std::string_view cookie = rest.substr(0, end);
      while (cookie.starts_with(' ')) cookie.remove_prefix(1);
      if (!cookie.empty()) cookies.emplace_back(cookie);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return cookies;
}

// Boost.JSON would write bytes that are no UTF-8 as they are.
std::string_view valid(std::string_view text) {
  return is_utf8(text) ? text : std::string_view();
}

}  // namespace

json::object gateway_event(const GatewayRequest& request, const GatewayContext& context) {
  const std::string path = decoded(request.raw_path, false);
  json::object headers;
  for (const auto& [name, value] : request.headers.fields()) {
    const std::string lower = lower_case(name);
    if (lower == "cookie" || lower == "connection" || lower == "transfer-encoding") continue;
    append_value(headers, lower, valid(value));
  }
  append_value(headers, "x-forwarded-for", context.source_ip);
  headers["x-forwarded-proto"] = "http";
  headers["content-length"] = std::to_string(request.body.size());

  json::object event{{"version", "2.0"},
                     {"routeKey", context.route_key},
                     {"rawPath", path},
                     {"rawQueryString", valid(request.raw_query)}};
  if (auto cookies = cookies_of(request.headers); !cookies.empty()) event["cookies"] = cookies;
  event["headers"] = std::move(headers);
  if (auto parameters = query_parameters(request.raw_query); !parameters.empty())
    event["queryStringParameters"] = std::move(parameters);
  const json::object http{{"method", request.method},
                          {"path", path},
                          {"protocol", "HTTP/1.1"},
                          {"sourceIp", context.source_ip},
                          {"userAgent", valid(request.headers.get_or("User-Agent", ""))}};
  event["requestContext"] = json::object{
      {"accountId", context.account_id},
      {"apiId", context.api_id},
      {"domainName", context.domain_name},
      {"domainPrefix", context.domain_name.substr(0, context.domain_name.find_first_of(".:"))},
      {"http", http},
      {"requestId", context.request_id},
      {"routeKey", context.route_key},
      {"stage", context.stage},
      {"time", request_time(context.time)},
      {"timeEpoch", context.time.unix_ms}};
  const bool text = goes_as_text(request);
  if (!request.body.empty()) event["body"] = text ? request.body : base64_encode(request.body);
  event["isBase64Encoded"] = !request.body.empty() && !text;
  return event;
}

ServerResponse gateway_message(int status, std::string_view message) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(json::object{{"message", message}});
  return response;
}

namespace {

std::optional<int> status_of(const json::value& value) {
  int64_t status = 0;
  if (value.is_int64()) {
    status = value.get_int64();
  } else if (value.is_string()) {
    const std::string text(value.get_string());
    if (text.size() != 3 || text.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    status = std::stol(text);
  }
  if (status < 100 || status > 599) return std::nullopt;
  return static_cast<int>(status);
}

std::optional<std::string> header_text(const json::value& value) {
  std::string text;
  if (value.is_string())
    text = std::string(value.get_string());
  else if (value.is_number() || value.is_bool())
    text = json::serialize(value);
  else
    return std::nullopt;
  // One header may not smuggle in another.
  if (text.find_first_of("\r\n") != std::string::npos || text.find('\0') != std::string::npos)
    return std::nullopt;
  return text;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Framing is the server's business, whatever the function says.
bool is_framing(std::string_view name) {
  return equal_without_case(name, "Content-Length") || equal_without_case(name, "Connection") ||
         equal_without_case(name, "Transfer-Encoding");
}

bool put_headers(const json::object& answer, ServerResponse& response) {
  if (const auto* headers = answer.if_contains("headers");
      headers != nullptr && !headers->is_null()) {
    if (!headers->is_object()) return false;
    for (const auto& [name, value] : headers->get_object()) {
      const auto text = header_text(value);
      if (!text || !is_header_name(name)) return false;
      if (!is_framing(name)) response.headers.add(std::string(name), *text);
    }
  }
  if (const auto* cookies = answer.if_contains("cookies");
      cookies != nullptr && !cookies->is_null()) {
    if (!cookies->is_array()) return false;
    for (const auto& cookie : cookies->get_array()) {
      const auto text = header_text(cookie);
      if (!text) return false;
      response.headers.add("Set-Cookie", *text);
    }
  }
  return true;
}

}  // namespace

ServerResponse gateway_response(std::string_view payload) {
  const auto broken = [] { return gateway_message(500, "Internal Server Error"); };
  auto parsed = parse_json(payload, "the function's answer");
  if (!parsed.ok()) return broken();
  ServerResponse response;
  if (!parsed->is_object() || !parsed->get_object().contains("statusCode")) {
    response.headers.set("Content-Type", "application/json");
    response.body = parsed->is_string() ? std::string(parsed->get_string()) : std::string(payload);
    return response;
  }
  const json::object& answer = parsed->get_object();
  const auto status = status_of(answer.at("statusCode"));
  if (!status || !put_headers(answer, response)) return broken();
  response.status = *status;
  if (!response.headers.has("Content-Type"))
    response.headers.set("Content-Type", "text/plain;charset=UTF-8");
  const auto* body = answer.if_contains("body");
  if (body == nullptr || body->is_null()) return response;
  if (!body->is_string()) return broken();
  std::string text(body->get_string());
  if (bool_or(answer, "isBase64Encoded")) {
    auto bytes = base64_decode(text);
    if (!bytes.ok()) return broken();
    text = *std::move(bytes);
  }
  response.body = std::move(text);
  return response;
}

}  // namespace pawl::sandbox
