#include "sandbox/aws/s3_wire.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "aws/xml.h"

namespace pawl::sandbox {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

constexpr std::string_view kUserPrefix = "x-amz-meta-";
constexpr std::array kSystemHeaders{"cache-control", "content-disposition", "content-encoding",
                                    "content-language", "expires"};

/// "aws-chunked" is how it came, not what it is.
std::string without_aws_chunked(const std::string& encoding) {
  std::string kept;
  std::string_view rest = encoding;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view word = rest.substr(0, comma);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    if (word != "aws-chunked" && !word.empty())
      kept += (kept.empty() ? "" : ",") + std::string(word);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return kept;
}

bool names(std::string_view list, const std::string& etag) {
  return list == "*" || list.find(quoted(etag)) != std::string_view::npos || unquoted(list) == etag;
}

}  // namespace

std::string bucket_of(const AwsCall& call) {
  return call.path.empty() ? "" : call.path[0];
}

std::string key_of(const AwsCall& call) {
  std::string key;
  for (size_t i = 1; i < call.path.size(); ++i) key += (i > 1 ? "/" : "") + call.path[i];
  return key;
}

std::string quoted(const std::string& etag) {
  return "\"" + etag + "\"";
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::string element(const char* tag, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", tag, aws::xml_escape(text));
}

std::string s3_time(WallTime time) {
  return to_iso8601(time);
}

cloud::ObjectMetadata metadata_in(const Headers& headers) {
  cloud::ObjectMetadata metadata;
  metadata.content_type = headers.get_or("Content-Type", metadata.content_type);
  for (const char* name : kSystemHeaders) {
    auto value = headers.get(name);
    if (!value) continue;
    if (std::string_view(name) == "content-encoding") value = without_aws_chunked(*value);
    if (!value->empty()) metadata.system[name] = *value;
  }
  for (const auto& [name, value] : headers.fields()) {
    const std::string plain = lower(name);
    if (plain.rfind(kUserPrefix, 0) == 0) metadata.user[plain.substr(kUserPrefix.size())] = value;
  }
  return metadata;
}

void put_object_headers(const cloud::Object& object, bool with_checksums, Headers& headers) {
  headers.set("Content-Type", object.metadata.content_type);
  headers.set("ETag", quoted(object.etag));
  headers.set("Last-Modified", http_date(object.last_modified));
  headers.set("Accept-Ranges", "bytes");
  for (const auto& [name, value] : object.metadata.system) headers.set(name, value);
  for (const auto& [name, value] : object.metadata.user)
    headers.set(std::string(kUserPrefix) + name, value);
  if (!with_checksums) return;
  for (const auto& [algorithm, value] : object.metadata.checksums)
    headers.set("x-amz-checksum-" + algorithm, value);
}

cloud::Conditions conditions_in(const Headers& headers) {
  cloud::Conditions conditions;
  conditions.if_match = unquoted(headers.get_or("If-Match", ""));
  conditions.if_none_match_any = headers.get_or("If-None-Match", "") == "*";
  return conditions;
}

// RFC 9110, section 13.2.2, in its order.
std::optional<Error> failed_condition(const AwsCall& call, const cloud::Object& object) {
  const Error failed = cloud::aws_error(
      412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  const Error unchanged = cloud::aws_error(304, "NotModified", "Not Modified");
  constexpr int64_t kMsPerSecond = 1000;
  const int64_t modified = object.last_modified.unix_ms / kMsPerSecond;
  auto seconds_in = [&](const char* name) -> std::optional<int64_t> {
    const auto time = parse_http_date(call.headers.get_or(name, ""));
    if (!time) return std::nullopt;
    return time->unix_ms / kMsPerSecond;
  };
  if (const auto match = call.headers.get("If-Match")) {
    if (!names(*match, object.etag)) return failed;
  } else if (const auto since = seconds_in("If-Unmodified-Since"); since && modified > *since) {
    return failed;
  }
  if (const auto none = call.headers.get("If-None-Match")) {
    if (names(*none, object.etag)) return unchanged;
  } else if (const auto since = seconds_in("If-Modified-Since"); since && modified <= *since) {
    return unchanged;
  }
  return std::nullopt;
}

Result<std::optional<ByteRange>> range_in(const Headers& headers, uint64_t size) {
  const std::optional<ByteRange> all;
  std::string_view text;
  const std::string header = headers.get_or("Range", "");
  text = header;
  constexpr std::string_view kUnit = "bytes=";
  // Several ranges at once are answered with all of it, as S3 does.
  if (text.substr(0, kUnit.size()) != kUnit || text.find(',') != std::string_view::npos) return all;
  text.remove_prefix(kUnit.size());
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return all;
  auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    constexpr size_t kMaxDigits = 18;
    if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
    if (!std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); }))
      return std::nullopt;
    return std::stoull(std::string(digits));
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (!first && !last) return all;
  const Error invalid =
      cloud::aws_error(416, "InvalidRange", "The requested range is not satisfiable");
  if (!first) {
    if (*last == 0 || size == 0) return invalid;
    const uint64_t length = std::min(*last, size);
    return std::optional<ByteRange>({size - length, length});
  }
  if (*first >= size) return invalid;
  if (last && *last < *first) return all;
  const uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return std::optional<ByteRange>({*first, end - *first + 1});
}

}  // namespace pawl::sandbox
