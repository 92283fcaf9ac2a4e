// One request to an AWS service, taken apart as far as all services do it alike, and the answers
// that each protocol gives. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "net/http_server.h"
#include "sim/cloud/sts.h"

namespace pawl::sandbox {

enum class AwsProtocol { rest_json, json, query, rest_xml, cbor };

struct AwsCall {
  std::string service;    // as in the credential scope: "lambda", "s3", "monitoring"
  std::string operation;  // "UpdateFunctionCode"; empty until the service has named it
  std::string resource;   // what it is about, for faults and logs
  AwsProtocol protocol = AwsProtocol::rest_json;
  std::string method;
  std::vector<std::string> path;  // decoded segments; "/a/b%2Fc" is {"a", "b/c"}
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;
  std::string body;
  cloud::Principal principal;  // empty for the one call that is not signed
  WallTime now;
  std::string request_id;

  std::string param(std::string_view name) const;  // of the query; empty when absent
  bool has_param(std::string_view name) const;
};

/// Splits and decodes; what cannot be decoded stays as it was.
std::vector<std::string> path_segments(std::string_view raw_path);

ServerResponse json_answer(const AwsCall& call, int status, const json::value& body);
ServerResponse empty_answer(const AwsCall& call, int status);
ServerResponse xml_answer(const AwsCall& call, int status, std::string body);
/// In the words and the shape of the call's service.
ServerResponse error_answer(const AwsCall& call, const Error& error);

/// What the service says when it is asked too often.
Error throttled(std::string_view service);
/// What the service says when it is broken in this way; `code` wins when it is given.
Error broken(std::string_view service, int status, const std::string& code);
/// What went wrong with a signature, in the code and words of the service.
Error signature_error(const AwsCall& call, const Error& error);
/// The sandbox does not play this operation.
Error not_played(const AwsCall& call);

/// "2026-11-24T11:34:20Z" and "Tue, 24 Nov 2026 11:34:20 GMT"
std::string iso_seconds(WallTime time);
std::string http_date(WallTime time);
std::optional<WallTime> parse_http_date(std::string_view text);

/// A number of a page's size as it came; `otherwise` when absent or no number.
size_t count_or(std::string_view text, size_t otherwise);

}  // namespace pawl::sandbox
