#include "sandbox/aws/lambda_face.h"

#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sandbox/aws/lambda_wire.h"
#include "sim/cloud/state_json.h"

namespace pawl::sandbox {

namespace {

struct Route {
  const char* method;
  const char* pattern;  // {f} the function, {n} another name; the date of the API before it
  const char* operation;
};

// Every route that is played. A tail query parameter (List=ALL) is looked at in name().
constexpr std::array kRoutes{
    Route{"POST", "2015-03-31/functions", "CreateFunction"},
    Route{"GET", "2015-03-31/functions", "ListFunctions"},
    Route{"GET", "2015-03-31/functions/{f}", "GetFunction"},
    Route{"DELETE", "2015-03-31/functions/{f}", "DeleteFunction"},
    Route{"GET", "2015-03-31/functions/{f}/configuration", "GetFunctionConfiguration"},
    Route{"PUT", "2015-03-31/functions/{f}/configuration", "UpdateFunctionConfiguration"},
    Route{"PUT", "2015-03-31/functions/{f}/code", "UpdateFunctionCode"},
    Route{"POST", "2015-03-31/functions/{f}/versions", "PublishVersion"},
    Route{"GET", "2015-03-31/functions/{f}/versions", "ListVersionsByFunction"},
    Route{"POST", "2015-03-31/functions/{f}/aliases", "CreateAlias"},
    Route{"GET", "2015-03-31/functions/{f}/aliases", "ListAliases"},
    Route{"GET", "2015-03-31/functions/{f}/aliases/{n}", "GetAlias"},
    Route{"PUT", "2015-03-31/functions/{f}/aliases/{n}", "UpdateAlias"},
    Route{"DELETE", "2015-03-31/functions/{f}/aliases/{n}", "DeleteAlias"},
    Route{"POST", "2015-03-31/functions/{f}/invocations", "Invoke"},
    Route{"GET", "2015-03-31/functions/{f}/policy", "GetPolicy"},
    Route{"PUT", "2017-10-31/functions/{f}/concurrency", "PutFunctionConcurrency"},
    Route{"DELETE", "2017-10-31/functions/{f}/concurrency", "DeleteFunctionConcurrency"},
    Route{"GET", "2019-09-30/functions/{f}/concurrency", "GetFunctionConcurrency"},
    Route{"PUT", "2019-09-30/functions/{f}/provisioned-concurrency",
          "PutProvisionedConcurrencyConfig"},
    Route{"GET", "2019-09-30/functions/{f}/provisioned-concurrency",
          "GetProvisionedConcurrencyConfig"},
    Route{"DELETE", "2019-09-30/functions/{f}/provisioned-concurrency",
          "DeleteProvisionedConcurrencyConfig"},
    Route{"GET", "2017-03-31/tags/{f}", "ListTags"},
    Route{"POST", "2017-03-31/tags/{f}", "TagResource"},
    Route{"DELETE", "2017-03-31/tags/{f}", "UntagResource"},
    Route{"GET", "2016-08-19/account-settings", "GetAccountSettings"},
    Route{"GET", "2020-06-30/functions/{f}/code-signing-config", "GetFunctionCodeSigningConfig"},
    Route{"GET", "2021-10-31/functions/{f}/url", "GetFunctionUrlConfig"},
    Route{"GET", "2024-08-31/functions/{f}/recursion-config", "GetFunctionRecursionConfig"},
};

bool fits(const char* pattern, const std::vector<std::string>& path) {
  const std::vector<std::string> parts = path_segments(pattern);
  size_t length = path.size();
  // "/2015-03-31/functions/" is what clients send to list.
  if (length > 0 && path.back().empty()) --length;
  if (parts.size() != length) return false;
  for (size_t i = 0; i < length; ++i)
    if (parts[i].front() != '{' && parts[i] != path[i]) return false;
  return true;
}

Error invalid_body() {
  return cloud::aws_error(400, "InvalidRequestContentException",
                          "Could not parse request body into json");
}

/// The function's name and the qualifier, which may come in the path or in the query.
cloud::Lambda::Name target_of(const AwsCall& call) {
  cloud::Lambda::Name name = cloud::Lambda::parse_name(call.path.size() > 2 ? call.path[2] : "");
  if (call.has_param("Qualifier")) name.qualifier = call.param("Qualifier");
  return name;
}

/// What lists leave out: only GetFunction tells of states.
json::object without_states(json::object o) {
  for (const char* key : {"State", "StateReason", "StateReasonCode", "LastUpdateStatus",
                          "LastUpdateStatusReason", "LastUpdateStatusReasonCode"})
    o.erase(key);
  return o;
}

}  // namespace

void LambdaFace::name(AwsCall& call) {
  for (const Route& route : kRoutes) {
    if (call.method != route.method || !fits(route.pattern, call.path)) continue;
    call.operation = route.operation;
    if (call.operation == "GetProvisionedConcurrencyConfig" && call.param("List") == "ALL")
      call.operation = "ListProvisionedConcurrencyConfigs";
    call.resource = target_of(call).name;
    return;
  }
}

Task<ServerResponse> LambdaFace::answer(AwsCall call) {
  if (call.operation == "Invoke") co_return co_await invoke(std::move(call));
  json::object body;
  if (!call.body.empty()) {
    auto parsed = parse_json_object(call.body, "the request");
    if (!parsed.ok()) co_return error_answer(call, invalid_body());
    body = *std::move(parsed);
  }
  if (call.operation == "CreateFunction")
    call.resource = cloud::Lambda::parse_name(string_or(body, "FunctionName")).name;
  const std::string& op = call.operation;
  const bool about_aliases = op.find("Alias") != std::string::npos;
  const bool about_concurrency = op.find("Concurrency") != std::string::npos;
  const bool about_tags = op == "ListTags" || op == "TagResource" || op == "UntagResource";
  Answer answer = about_aliases          ? aliases(call, body)
                  : about_concurrency    ? concurrency(call, body)
                  : about_tags           ? tags(call, body)
                  : call.method == "GET" ? read_function(call)
                                         : change_function(call, body);
  co_return answer.ok() ? *std::move(answer) : error_answer(call, answer.error());
}

LambdaFace::Answer LambdaFace::change_function(const AwsCall& call, const json::object& body) {
  const auto [name, qualifier] = target_of(call);
  cloud::Lambda& lambda = cloud_.lambda;
  auto shown = [&](int status, const cloud::FunctionVersion& version, bool qualified) {
    return json_answer(
        call, status,
        configuration_json(
            version, lambda.function_arn(version.function, qualified ? version.version : "")));
  };
  if (call.operation == "CreateFunction") {
    PAWL_TRY(cloud::CreateFunction request, read_create_function(body));
    PAWL_TRY(const auto version, lambda.create(std::move(request), call.now));
    // With Publish the answer tells of version 1 under the unqualified ARN (as measured on AWS,
    // https://github.com/floci-io/floci/pull/2825).
    return shown(201, version, false);
  }
  if (call.operation == "UpdateFunctionCode") {
    PAWL_TRY(cloud::UpdateCode request, read_update_code(body));
    PAWL_TRY(const auto version, lambda.update_code(name, std::move(request), call.now));
    return shown(200, version, version.version != "$LATEST");
  }
  if (call.operation == "UpdateFunctionConfiguration") {
    PAWL_TRY(cloud::UpdateSettings request, read_update_settings(body));
    PAWL_TRY(const auto version, lambda.update_settings(name, std::move(request), call.now));
    return shown(200, version, false);
  }
  if (call.operation == "PublishVersion") {
    PAWL_TRY(const auto version, lambda.publish(name, read_publish_version(body), call.now));
    return shown(201, version, true);
  }
  if (call.operation == "DeleteFunction") {
    PAWL_CHECK(lambda.remove(name, qualifier, call.now));
    invoker_.retire(name, qualifier);
    return empty_answer(call, 204);
  }
  return not_played(call);
}

LambdaFace::Answer LambdaFace::read_function(const AwsCall& call) {
  if (call.operation == "GetFunction") return get_function(call);
  if (call.operation == "ListVersionsByFunction") return list_versions(call);
  if (call.operation == "ListFunctions") return list_functions(call);
  if (call.operation != "GetFunctionConfiguration") return side_questions(call);
  const auto [name, qualifier] = target_of(call);
  PAWL_TRY(const auto version, cloud_.lambda.get(name, qualifier, call.now));
  return json_answer(call, 200,
                     configuration_json(version, cloud_.lambda.function_arn(name, qualifier)));
}

LambdaFace::Answer LambdaFace::get_function(const AwsCall& call) {
  const auto [name, qualifier] = target_of(call);
  cloud::Lambda& lambda = cloud_.lambda;
  PAWL_TRY(const auto version, lambda.get(name, qualifier, call.now));
  json::object o{
      {"Configuration", configuration_json(version, lambda.function_arn(name, qualifier))},
      {"Code", json::object{{"RepositoryType", "ECR"},
                            {"ImageUri", version.settings.image_uri},
                            {"ResolvedImageUri", version.settings.resolved_image_uri}}}};
  PAWL_TRY(const auto tags, lambda.tags(name));
  if (!tags.empty()) o["Tags"] = cloud::write_map(tags);
  PAWL_TRY(const auto reserved, lambda.reserved_concurrency(name));
  if (reserved) o["Concurrency"] = json::object{{"ReservedConcurrentExecutions", *reserved}};
  return json_answer(call, 200, o);
}

LambdaFace::Answer LambdaFace::list_versions(const AwsCall& call) {
  const std::string name = target_of(call).name;
  PAWL_TRY(const auto page,
           cloud_.lambda.list_versions(name, call.param("Marker"),
                                       count_or(call.param("MaxItems"), 50), call.now));
  json::array versions;
  for (const auto& version : page.items)
    versions.push_back(without_states(
        configuration_json(version, cloud_.lambda.function_arn(name, version.version))));
  json::object o{{"Versions", std::move(versions)}};
  if (!page.next.empty()) o["NextMarker"] = page.next;
  return json_answer(call, 200, o);
}

LambdaFace::Answer LambdaFace::list_functions(const AwsCall& call) {
  const auto page =
      cloud_.lambda.list(call.param("Marker"), count_or(call.param("MaxItems"), 50), call.now);
  json::array functions;
  for (const auto& version : page.items)
    functions.push_back(
        without_states(configuration_json(version, cloud_.lambda.function_arn(version.function))));
  json::object o{{"Functions", std::move(functions)}};
  if (!page.next.empty()) o["NextMarker"] = page.next;
  return json_answer(call, 200, o);
}

// What Terraform and consoles ask beside: there is none of it here, and AWS says so in these ways.
LambdaFace::Answer LambdaFace::side_questions(const AwsCall& call) {
  const std::string name = target_of(call).name;
  if (call.operation == "GetAccountSettings") {
    const auto& settings = cloud_.lambda.settings();
    return json_answer(
        call, 200,
        json::object{
            {"AccountLimit",
             json::object{{"ConcurrentExecutions", settings.account_concurrency},
                          {"UnreservedConcurrentExecutions", settings.account_concurrency}}},
            {"AccountUsage", json::object{{"TotalCodeSize", 0}}}});
  }
  PAWL_CHECK(cloud_.lambda.get(name, "", call.now));
  if (call.operation == "GetFunctionCodeSigningConfig")
    return json_answer(call, 200, json::object{{"FunctionName", name}});
  if (call.operation == "GetFunctionRecursionConfig")
    return json_answer(call, 200, json::object{{"RecursiveLoop", "Terminate"}});
  if (call.operation == "GetPolicy" || call.operation == "GetFunctionUrlConfig")
    return cloud::aws_error(404, "ResourceNotFoundException",
                            "The resource you requested does not exist.");
  return not_played(call);
}

LambdaFace::Answer LambdaFace::aliases(const AwsCall& call, const json::object& body) {
  cloud::Lambda& lambda = cloud_.lambda;
  const std::string function = target_of(call).name;
  constexpr size_t kAliasAt = 4;
  const std::string name = call.path.size() > kAliasAt ? call.path[kAliasAt] : "";
  auto shown = [&](int status, const cloud::Alias& alias) {
    return json_answer(call, status,
                       alias_json(alias, lambda.function_arn(alias.function, alias.name)));
  };
  if (call.operation == "CreateAlias") {
    cloud::Alias alias = read_alias(body);
    alias.function = function;
    PAWL_TRY(const auto created, lambda.create_alias(std::move(alias), call.now));
    return shown(201, created);
  }
  if (call.operation == "GetAlias") {
    PAWL_TRY(const auto alias, lambda.get_alias(function, name, call.now));
    return shown(200, alias);
  }
  if (call.operation == "UpdateAlias") {
    cloud::UpdateAlias request = read_update_alias(body);
    request.function = function;
    request.name = name;
    PAWL_TRY(const auto alias, lambda.update_alias(std::move(request), call.now));
    return shown(200, alias);
  }
  if (call.operation == "DeleteAlias") {
    PAWL_CHECK(lambda.delete_alias(function, name, call.now));
    return empty_answer(call, 204);
  }
  PAWL_TRY(const auto page,
           lambda.list_aliases(function, call.param("FunctionVersion"), call.param("Marker"),
                               count_or(call.param("MaxItems"), 50)));
  json::array aliases;
  for (const auto& alias : page.items)
    aliases.push_back(alias_json(alias, lambda.function_arn(function, alias.name)));
  json::object o{{"Aliases", std::move(aliases)}};
  if (!page.next.empty()) o["NextMarker"] = page.next;
  return json_answer(call, 200, o);
}

LambdaFace::Answer LambdaFace::concurrency(const AwsCall& call, const json::object& body) {
  cloud::Lambda& lambda = cloud_.lambda;
  const auto [name, qualifier] = target_of(call);
  const std::string& op = call.operation;
  if (op == "PutFunctionConcurrency") {
    const auto wanted = static_cast<int>(int_or(body, "ReservedConcurrentExecutions", -1));
    PAWL_TRY(const int reserved, lambda.put_reserved_concurrency(name, wanted, call.now));
    return json_answer(call, 200, json::object{{"ReservedConcurrentExecutions", reserved}});
  }
  if (op == "GetFunctionConcurrency") {
    PAWL_TRY(const auto reserved, lambda.reserved_concurrency(name));
    json::object o;
    if (reserved) o["ReservedConcurrentExecutions"] = *reserved;
    return json_answer(call, 200, o);
  }
  if (op == "DeleteFunctionConcurrency") {
    PAWL_CHECK(lambda.delete_reserved_concurrency(name, call.now));
    return empty_answer(call, 204);
  }
  if (op == "PutProvisionedConcurrencyConfig") {
    const auto wanted = static_cast<int>(int_or(body, "ProvisionedConcurrentExecutions"));
    PAWL_TRY(const auto config, lambda.put_provisioned(name, qualifier, wanted, call.now));
    invoker_.provision(name, qualifier, wanted);
    return json_answer(call, 202, provisioned_json(config));
  }
  if (op == "GetProvisionedConcurrencyConfig") {
    PAWL_TRY(const auto config, lambda.get_provisioned(name, qualifier, call.now));
    return json_answer(call, 200, provisioned_json(config));
  }
  if (op == "DeleteProvisionedConcurrencyConfig") {
    PAWL_CHECK(lambda.delete_provisioned(name, qualifier, call.now));
    invoker_.provision(name, qualifier, 0);
    return empty_answer(call, 204);
  }
  PAWL_TRY(const auto configs, lambda.list_provisioned(name, call.now));
  json::array shown;
  for (const auto& config : configs) {
    json::object o = provisioned_json(config);
    o["FunctionArn"] = lambda.function_arn(name, config.qualifier);
    shown.push_back(std::move(o));
  }
  return json_answer(call, 200, json::object{{"ProvisionedConcurrencyConfigs", std::move(shown)}});
}

LambdaFace::Answer LambdaFace::tags(const AwsCall& call, const json::object& body) {
  const std::string name = target_of(call).name;
  if (call.operation == "TagResource") {
    PAWL_CHECK(cloud_.lambda.tag(name, cloud::read_map(body, "Tags"), call.now));
    return empty_answer(call, 204);
  }
  if (call.operation == "UntagResource") {
    std::vector<std::string> keys;
    for (const auto& [key, value] : call.query)
      if (key == "tagKeys") keys.push_back(value);
    PAWL_CHECK(cloud_.lambda.untag(name, keys, call.now));
    return empty_answer(call, 204);
  }
  PAWL_TRY(const auto tags, cloud_.lambda.tags(name));
  return json_answer(call, 200, json::object{{"Tags", cloud::write_map(tags)}});
}

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
Task<ServerResponse> LambdaFace::invoke(AwsCall call) {
  const cloud::Lambda::Name target = target_of(call);
  if (call.body.empty()) call.body = "{}";
  if (!parse_json(call.body, "the payload").ok()) co_return error_answer(call, invalid_body());
  const std::string type = call.headers.get_or("X-Amz-Invocation-Type", "RequestResponse");
  if (type == "DryRun") {
    auto found = cloud_.lambda.get(target.name, target.qualifier, call.now);
    co_return found.ok() ? empty_answer(call, 204) : error_answer(call, found.error());
  }
  if (type == "Event") {
    auto accepted = invoker_.invoke_later(target.name, target.qualifier, std::move(call.body));
    co_return accepted.ok() ? empty_answer(call, 202) : error_answer(call, accepted.error());
  }
  auto outcome = co_await invoker_.invoke(target.name, target.qualifier, std::move(call.body),
                                          call.headers.get_or("X-Amz-Client-Context", ""));
  if (!outcome.ok()) co_return error_answer(call, outcome.error());
  ServerResponse response = empty_answer(call, 200);
  response.headers.set("Content-Type", "application/json");
  response.headers.set("X-Amz-Executed-Version", outcome->executed_version);
  const InvokeResult& result = outcome->result;
  if (!result.function_error.empty())
    response.headers.set("X-Amz-Function-Error", result.function_error);
  if (call.headers.get_or("X-Amz-Log-Type", "") == "Tail")
    response.headers.set("X-Amz-Log-Result", base64_encode(result.log_tail));
  response.body = result.payload;
  co_return response;
}

}  // namespace pawl::sandbox
