#include "aws/s3_requests.h"

#include <fmt/format.h>

#include <charconv>

#include "aws/errors.h"
#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

uint64_t number_from(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Keys come percent-encoded, since XML cannot hold every character; "+" is a space then.
Result<std::string> decode_key(std::string text, bool is_encoded) {
  if (!is_encoded) return text;
  for (char& c : text)
    if (c == '+') c = ' ';
  return url_decode(text);
}

}  // namespace

Call s3_call(std::string action, std::string method) {
  Call call;
  call.service = Service::s3;
  call.action = "s3:" + action;
  call.method = std::move(method);
  return call;
}

void set_put_headers(Call& call, const PutRequest& request) {
  if (!request.content_type.empty()) call.headers.set("Content-Type", request.content_type);
  if (!request.cache_control.empty()) call.headers.set("Cache-Control", request.cache_control);
  if (!request.content_encoding.empty())
    call.headers.set("Content-Encoding", request.content_encoding);
  if (!request.sha256.empty()) call.headers.set("x-amz-meta-sha256", request.sha256);
  if (!request.if_match.empty()) call.headers.set("If-Match", "\"" + request.if_match + "\"");
  if (request.if_none_match) call.headers.set("If-None-Match", "*");
  if (!request.if_match.empty() || request.if_none_match) call.repeat = Repeat::when_not_done;
}

std::string checksum_header(std::string_view sha256_hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < sha256_hex.size(); i += 2)
    bytes += static_cast<char>(digit(sha256_hex[i]) * 16 + digit(sha256_hex[i + 1]));
  return base64_encode(bytes);
}

void set_checksum(Call& call, std::string_view sha256_hex) {
  call.headers.set("x-amz-sdk-checksum-algorithm", "SHA256");
  call.headers.set("x-amz-checksum-sha256", checksum_header(sha256_hex));
}

std::string bare_etag(std::string_view etag) {
  if (etag.rfind("W/", 0) == 0) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

ObjectInfo info_from_headers(const Headers& headers, std::string key) {
  ObjectInfo info;
  info.key = std::move(key);
  info.size = number_from(headers.get_or("Content-Length", ""));
  info.etag = bare_etag(headers.get_or("ETag", ""));
  info.content_type = headers.get_or("Content-Type", "");
  info.cache_control = headers.get_or("Cache-Control", "");
  info.sha256 = headers.get_or("x-amz-meta-sha256", "");
  info.content_encoding = headers.get_or("Content-Encoding", "");
  return info;
}

Result<ListPage> read_list_page(std::string_view body) {
  PAWL_TRY(auto answer, parse_xml(body, "the list of a bucket"));
  if (answer.name != "ListBucketResult")
    return Error(ErrorKind::corrupt, fmt::format("S3 answered a list with <{}>", answer.name));
  const bool is_encoded = answer.text_of("EncodingType") == "url";
  ListPage page;
  for (const XmlElement* each : answer.all("Contents")) {
    ObjectInfo info;
    PAWL_TRY(info.key, decode_key(each->text_of("Key"), is_encoded));
    info.size = number_from(each->text_of("Size"));
    info.etag = bare_etag(each->text_of("ETag"));
    page.objects.push_back(std::move(info));
  }
  if (answer.text_of("IsTruncated") == "true") {
    page.next = answer.text_of("NextContinuationToken");
    if (page.next.empty())
      return Error(ErrorKind::corrupt, "S3 cut a list short without saying where it goes on");
  }
  return page;
}

Result<std::string> read_etag_answer(std::string_view body, std::string_view action) {
  PAWL_TRY(auto answer, parse_xml(body, fmt::format("the answer of {}", action)));
  if (answer.name == "Error") {
    HttpResponse refused;
    // The status was sent before S3 knew; 500 stands for codes that say nothing themselves.
    refused.status = 500;
    refused.body = std::string(body);
    return error_from(refused, action, true);
  }
  return bare_etag(answer.text_of("ETag"));
}

std::string complete_upload_body(const std::vector<UploadedPart>& parts) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < parts.size(); ++i)
    body += fmt::format(
        "<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag><ChecksumSHA256>{}"
        "</ChecksumSHA256></Part>",
        i + 1, xml_escape(parts[i].etag), xml_escape(parts[i].checksum));
  return body + "</CompleteMultipartUpload>";
}

}  // namespace pawl::aws
