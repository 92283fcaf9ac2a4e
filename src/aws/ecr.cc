#include "aws/ecr.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace pawl::aws {
namespace {

constexpr int kMaxImagePages = 200;

Call ecr_call(std::string action, json::object body) {
  Call call;
  call.service = Service::ecr;
  call.action = "ecr:" + action;
  call.method = "POST";
  call.headers.set("Content-Type", "application/x-amz-json-1.1");
  call.headers.set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921." + action);
  call.body = json::serialize(body);
  return call;
}

// The array at `key`, or none.
const json::array* array_at(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value == nullptr ? nullptr : value->if_array();
}

const json::object* first_object(const json::object& object, std::string_view key) {
  const json::array* array = array_at(object, key);
  return array == nullptr || array->empty() ? nullptr : array->front().if_object();
}

json::object by_digest(const std::string& repository_name, const std::string& digest) {
  json::object body;
  body["repositoryName"] = repository_name;
  if (!digest.empty()) {
    json::object image;
    image["imageDigest"] = digest;
    json::array ids;
    ids.push_back(std::move(image));
    body["imageIds"] = std::move(ids);
  }
  return body;
}

EcrImage read_image(const json::object& object) {
  EcrImage image;
  image.digest = string_or(object, "imageDigest");
  image.media_type = string_or(object, "imageManifestMediaType");
  if (const json::array* tags = array_at(object, "imageTags"))
    for (const auto& tag : *tags)
      if (tag.is_string()) image.tags.emplace_back(tag.get_string());
  return image;
}

Result<RegistryLogin> read_login(const json::object& answer) {
  const json::object* data = first_object(answer, "authorizationData");
  if (data == nullptr) return Error(ErrorKind::corrupt, "ECR gave no authorization data");
  PAWL_TRY(auto token, require_string(*data, "authorizationToken", "ECR's authorization data"));
  PAWL_TRY(auto text, base64_decode(token));
  const auto colon = text.find(':');
  if (colon == std::string::npos)
    return Error(ErrorKind::corrupt, "ECR's authorization token is not user:password");
  RegistryLogin login;
  login.user = text.substr(0, colon);
  login.password = Secret(text.substr(colon + 1));
  login.expires.unix_ms = static_cast<int64_t>(number_or(*data, "expiresAt") * 1000);
  login.endpoint = string_or(*data, "proxyEndpoint");
  return login;
}

}  // namespace

Task<Result<std::string>> Ecr::find_uri(std::string repository_name) {
  json::object body;
  json::array names;
  names.emplace_back(repository_name);
  body["repositoryNames"] = std::move(names);
  Call call = ecr_call("DescribeRepositories", std::move(body));
  auto answer = co_await client_.send_json(std::move(call));
  if (!answer.ok())
    co_return std::move(answer)
        .while_doing(fmt::format("looking for the ECR repository {}", repository_name))
        .error();
  const json::object* repository = first_object(*answer, "repositories");
  if (repository == nullptr)
    co_return Error(ErrorKind::not_found,
                    fmt::format("there is no ECR repository {}", repository_name));
  co_return require_string(*repository, "repositoryUri", "ECR's repository");
}

Task<Result<RegistryLogin>> Ecr::login() {
  Call call = ecr_call("GetAuthorizationToken", json::object{});
  PAWL_CO_TRY(auto answer, co_await client_.send_json(std::move(call)));
  co_return read_login(answer);
}

Task<Result<bool>> Ecr::has_image(std::string repository_name, std::string digest) {
  Call call = ecr_call("BatchGetImage", by_digest(repository_name, digest));
  PAWL_CO_TRY(auto answer, co_await client_.send_json(std::move(call)));
  co_return first_object(answer, "images") != nullptr;
}

Task<Result<std::vector<EcrImage>>> Ecr::images(std::string repository_name, std::string digest) {
  std::vector<EcrImage> images;
  json::object body = by_digest(repository_name, digest);
  for (int page = 0; page < kMaxImagePages; ++page) {
    Call call = ecr_call("DescribeImages", body);
    auto answer = co_await client_.send_json(std::move(call));
    if (!answer.ok() && answer.error().code() == "ImageNotFoundException") co_return images;
    if (!answer.ok()) co_return std::move(answer).error();
    if (const json::array* details = array_at(*answer, "imageDetails"))
      for (const auto& each : *details)
        if (each.is_object()) images.push_back(read_image(each.get_object()));
    const std::string next = string_or(*answer, "nextToken");
    if (next.empty()) co_return images;
    body["nextToken"] = next;
  }
  co_return Error(ErrorKind::corrupt, "ECR's list of images does not end");
}

}  // namespace pawl::aws
