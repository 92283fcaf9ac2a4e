#include "aws/lambda.h"

#include <fmt/format.h>

#include "aws/lambda_json.h"
#include "aws/lambda_requests.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr int kMaxPages = 200;

void set_if(json::object& body, std::string_view key, const std::string& value) {
  if (!value.empty()) body[key] = value;
}

}  // namespace

Task<Result<FunctionState>> Lambda::get(std::string name, std::string qualifier) {
  Call call = lambda_read("GetFunction", function_path(name, ""), qualifier_query(qualifier));
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer).while_doing(fmt::format("reading the function {}", name)).error();
  co_return function_with_code_from_json(*answer);
}

Task<Result<FunctionState>> Lambda::update_code(std::string name, std::string image_uri,
                                                std::string revision_id) {
  json::object body;
  body["ImageUri"] = image_uri;
  set_if(body, "RevisionId", revision_id);
  Call call = lambda_change("UpdateFunctionCode", "PUT", function_path(name, "/code"), body);
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("updating the function {} to {}", name, image_uri))
        .error();
  FunctionState state = function_from_json(*answer);
  state.image_uri = std::move(image_uri);
  co_return state;
}

Task<Result<FunctionState>> Lambda::publish_version(std::string name, std::string code_sha256,
                                                    std::string revision_id,
                                                    std::string description) {
  json::object body;
  set_if(body, "CodeSha256", code_sha256);
  set_if(body, "RevisionId", revision_id);
  set_if(body, "Description", description);
  Call call = lambda_change("PublishVersion", "POST", function_path(name, "/versions"), body);
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("publishing a version of {}", name))
        .error();
  co_return function_from_json(*answer);
}

Task<Result<std::vector<FunctionState>>> Lambda::list_versions(std::string name) {
  std::vector<FunctionState> versions;
  std::string marker;
  for (int page = 0; page < kMaxPages; ++page) {
    const std::string query =
        "MaxItems=50" + (marker.empty() ? "" : "&Marker=" + url_encode(marker));
    Call call = lambda_read("ListVersionsByFunction", function_path(name, "/versions"), query);
    auto answer = co_await client_.send_json(std::move(call));
    if (!answer.ok())
      co_return std::move(answer)
          .while_doing(fmt::format("listing the versions of {}", name))
          .error();
    if (const json::value* list = find(*answer, "Versions"); list != nullptr && list->is_array())
      for (const auto& each : list->get_array())
        if (each.is_object()) versions.push_back(function_from_json(each.get_object()));
    marker = string_or(*answer, "NextMarker");
    if (!marker.empty()) continue;
    std::erase_if(versions, [](const FunctionState& each) { return each.version == "$LATEST"; });
    co_return versions;
  }
  co_return Error(ErrorKind::corrupt, fmt::format("the list of versions of {} does not end", name));
}

Task<Result<std::optional<AliasState>>> Lambda::get_alias(std::string function, std::string alias) {
  Call call = lambda_read("GetAlias", function_path(function, "/aliases/" + url_encode(alias)), "");
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok() && answer.error().kind() == ErrorKind::not_found)
    co_return std::optional<AliasState>();
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("reading the alias {}:{}", function, alias))
        .error();
  co_return std::optional<AliasState>(alias_from_json(*answer, std::move(function)));
}

Task<Result<AliasState>> Lambda::create_alias(AliasState alias) {
  json::object body = alias_to_json(alias);
  body["Name"] = alias.name;
  Call call = lambda_change("CreateAlias", "POST", function_path(alias.function, "/aliases"), body);
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("creating the alias {}:{}", alias.function, alias.name))
        .error();
  co_return alias_from_json(*answer, alias.function);
}

Task<Result<AliasState>> Lambda::update_alias(AliasState alias) {
  json::object body = alias_to_json(alias);
  set_if(body, "RevisionId", alias.revision_id);
  Call call =
      lambda_change("UpdateAlias", "PUT",
                    function_path(alias.function, "/aliases/" + url_encode(alias.name)), body);
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("moving the alias {}:{} to version {}", alias.function, alias.name,
                                 alias.version))
        .error();
  co_return alias_from_json(*answer, alias.function);
}

Task<Result<void>> Lambda::delete_alias(std::string function, std::string alias) {
  Call call =
      lambda_read("DeleteAlias", function_path(function, "/aliases/" + url_encode(alias)), "");
  call.method = "DELETE";
  // Once more does no harm: the second time it is gone, which is what was wanted.
  auto answer = co_await client_.send(std::move(call));
  if (!answer.ok() && answer.error().kind() != ErrorKind::not_found)
    co_return std::move(answer)
        .while_doing(fmt::format("deleting the alias {}:{}", function, alias))
        .error();
  co_return ok();
}

Task<Result<std::map<std::string, std::string>>> Lambda::tags(std::string function_arn) {
  Call call = lambda_read("ListTags", "/2017-03-31/tags/" + url_encode(function_arn), "");
  PAWL_CO_TRY(auto answer, co_await client_.send_json(std::move(call)));
  std::map<std::string, std::string> tags;
  if (const json::value* found = find(answer, "Tags"); found != nullptr && found->is_object())
    for (const auto& [key, value] : found->get_object())
      if (value.is_string()) tags[key] = std::string(value.get_string());
  co_return tags;
}

Task<Result<void>> Lambda::set_tags(std::string function_arn,
                                    std::map<std::string, std::string> tags) {
  json::object values;
  for (const auto& [key, value] : tags) values[key] = value;
  json::object body;
  body["Tags"] = std::move(values);
  Call call =
      lambda_change("TagResource", "POST", "/2017-03-31/tags/" + url_encode(function_arn), body);
  call.repeat = Repeat::always;  // declarative
  PAWL_CO_CHECK(co_await client_.send(std::move(call)));
  co_return ok();
}

}  // namespace pawl::aws
