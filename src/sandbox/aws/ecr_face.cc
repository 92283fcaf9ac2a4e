#include "sandbox/aws/ecr_face.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sim/cloud/state_json.h"

namespace pawl::sandbox {

namespace {

using cloud::object_or_empty;
using cloud::objects_in;

double seconds_of(WallTime time) {
  return static_cast<double>(time.unix_ms) / 1000.0;
}

/// A page out of a whole list: the token is the position.
template <class T>
std::vector<T> page_of(const std::vector<T>& all, const json::object& body, size_t default_size,
                       json::object& answer) {
  constexpr int64_t kMostResults = 1000;
  const size_t from = std::min(count_or(string_or(body, "nextToken"), 0), all.size());
  const auto wanted = int_or(body, "maxResults", static_cast<int64_t>(default_size));
  const size_t size = static_cast<size_t>(std::clamp<int64_t>(wanted, 1, kMostResults));
  const size_t to = std::min(from + size, all.size());
  if (to < all.size()) answer["nextToken"] = std::to_string(to);
  return {all.begin() + static_cast<std::ptrdiff_t>(from),
          all.begin() + static_cast<std::ptrdiff_t>(to)};
}

bool passes(const cloud::Image& image, const json::object& body) {
  const std::string wanted = string_or(object_or_empty(body, "filter"), "tagStatus", "ANY");
  if (wanted == "TAGGED") return !image.tags.empty();
  if (wanted == "UNTAGGED") return image.tags.empty();
  return true;
}

cloud::ImageId id_of(const json::object& o) {
  return {string_or(o, "imageDigest"), string_or(o, "imageTag")};
}

json::object shown_id(const cloud::ImageId& id) {
  json::object o;
  if (!id.digest.empty()) o["imageDigest"] = id.digest;
  if (!id.tag.empty()) o["imageTag"] = id.tag;
  return o;
}

}  // namespace

void EcrFace::name(AwsCall& call) {
  constexpr std::string_view kPrefix = "AmazonEC2ContainerRegistry_V20150921.";
  const std::string target = call.headers.get_or("X-Amz-Target", "");
  if (target.rfind(kPrefix, 0) != 0) return;
  const std::string operation = target.substr(kPrefix.size());
  for (const char* known : {"CreateRepository", "DescribeRepositories", "DeleteRepository",
                            "PutImageTagMutability", "DescribeImages", "ListImages",
                            "BatchGetImage", "BatchDeleteImage", "GetAuthorizationToken",
                            "ListTagsForResource", "GetLifecyclePolicy", "GetRepositoryPolicy"}) {
    if (operation == known) call.operation = operation;
  }
  if (auto body = parse_json_object(call.body, "the request"); body.ok())
    call.resource = string_or(*body, "repositoryName");
}

ServerResponse EcrFace::answer(const AwsCall& call) {
  auto body = parse_json_object(call.body.empty() ? "{}" : call.body, "the request");
  if (!body.ok())
    return error_answer(call, cloud::aws_error(400, "SerializationException",
                                               "The request body is no JSON object"));
  const std::string& op = call.operation;
  Answer answer = op == "GetAuthorizationToken"                       ? authorization(call)
                  : op == "DescribeImages" || op == "ListImages"      ? images(call, *body)
                  : op == "BatchGetImage" || op == "BatchDeleteImage" ? batch(call, *body)
                                                                      : repositories(call, *body);
  return answer.ok() ? *std::move(answer) : error_answer(call, answer.error());
}

json::object EcrFace::shown(const cloud::Repository& r) const {
  return {{"repositoryArn", cloud_.account.arn("ecr", "repository/" + r.name)},
          {"registryId", cloud_.account.id},
          {"repositoryName", r.name},
          {"repositoryUri", cloud_.ecr.repository_uri(r.name)},
          {"createdAt", seconds_of(r.created)},
          {"imageTagMutability", r.immutable_tags ? "IMMUTABLE" : "MUTABLE"},
          {"imageScanningConfiguration", json::object{{"scanOnPush", false}}},
          {"encryptionConfiguration", json::object{{"encryptionType", "AES256"}}}};
}

EcrFace::Answer EcrFace::repositories(const AwsCall& call, const json::object& body) {
  cloud::Ecr& ecr = cloud_.ecr;
  const std::string name = string_or(body, "repositoryName");
  if (call.operation == "CreateRepository") {
    const bool immutable = string_or(body, "imageTagMutability") == "IMMUTABLE";
    PAWL_TRY(const auto repository, ecr.create(name, immutable, call.now));
    return json_answer(call, 200, json::object{{"repository", shown(repository)}});
  }
  if (call.operation == "DeleteRepository") {
    PAWL_TRY(const auto repository, ecr.remove(name, bool_or(body, "force"), call.now));
    return json_answer(call, 200, json::object{{"repository", shown(repository)}});
  }
  if (call.operation == "PutImageTagMutability") {
    const std::string wanted = string_or(body, "imageTagMutability");
    PAWL_CHECK(ecr.set_immutable_tags(name, wanted == "IMMUTABLE", call.now));
    return json_answer(call, 200,
                       json::object{{"registryId", cloud_.account.id},
                                    {"repositoryName", name},
                                    {"imageTagMutability", wanted}});
  }
  if (call.operation == "ListTagsForResource")
    return json_answer(call, 200, json::object{{"tags", json::array{}}});
  if (call.operation == "GetLifecyclePolicy" || call.operation == "GetRepositoryPolicy") {
    PAWL_CHECK(ecr.find(name));
    const bool lifecycle = call.operation == "GetLifecyclePolicy";
    return cloud::aws_error(
        400, lifecycle ? "LifecyclePolicyNotFoundException" : "RepositoryPolicyNotFoundException",
        fmt::format("{} policy does not exist for the repository with name '{}' in the registry "
                    "with id '{}'",
                    lifecycle ? "Lifecycle" : "Repository", name, cloud_.account.id));
  }
  std::vector<cloud::Repository> found;
  const auto names = cloud::read_list(body, "repositoryNames");
  for (const std::string& wanted : names) {
    PAWL_TRY(auto repository, ecr.find(wanted));
    found.push_back(std::move(repository));
  }
  if (names.empty()) found = ecr.repositories();
  json::object answer;
  json::array items;
  constexpr size_t kDefaultPage = 100;
  for (const auto& repository : page_of(found, body, kDefaultPage, answer))
    items.push_back(shown(repository));
  answer["repositories"] = std::move(items);
  return json_answer(call, 200, answer);
}

EcrFace::Answer EcrFace::images(const AwsCall& call, const json::object& body) {
  const std::string name = string_or(body, "repositoryName");
  std::vector<cloud::Image> found;
  const auto ids = objects_in(body, "imageIds");
  for (const json::object* id : ids) {
    PAWL_TRY(auto image, cloud_.ecr.find_image(name, id_of(*id)));
    found.push_back(std::move(image));
  }
  if (ids.empty()) {
    PAWL_TRY(found, cloud_.ecr.images(name));
  }
  std::erase_if(found, [&](const cloud::Image& image) { return !passes(image, body); });
  json::object answer;
  json::array items;
  constexpr size_t kDefaultPage = 100;
  for (const auto& image : page_of(found, body, kDefaultPage, answer)) {
    if (call.operation == "ListImages") {
      for (const std::string& tag : image.tags) items.push_back(shown_id({image.digest, tag}));
      if (image.tags.empty()) items.push_back(shown_id({image.digest, ""}));
      continue;
    }
    json::object o{{"registryId", cloud_.account.id},
                   {"repositoryName", name},
                   {"imageDigest", image.digest},
                   {"imageSizeInBytes", image.size_bytes},
                   {"imagePushedAt", seconds_of(image.pushed_at)},
                   {"imageManifestMediaType", image.media_type}};
    if (!image.tags.empty())
      o["imageTags"] = cloud::write_list({image.tags.begin(), image.tags.end()});
    if (!image.artifact_type.empty()) o["artifactMediaType"] = image.artifact_type;
    items.push_back(std::move(o));
  }
  answer[call.operation == "ListImages" ? "imageIds" : "imageDetails"] = std::move(items);
  return json_answer(call, 200, answer);
}

EcrFace::Answer EcrFace::batch(const AwsCall& call, const json::object& body) {
  const std::string name = string_or(body, "repositoryName");
  PAWL_CHECK(cloud_.ecr.find(name));
  json::array done;
  json::array failures;
  for (const json::object* wanted : objects_in(body, "imageIds")) {
    const cloud::ImageId id = id_of(*wanted);
    auto image = cloud_.ecr.find_image(name, id);
    if (!image.ok()) {
      failures.push_back(json::object{{"imageId", shown_id(id)},
                                      {"failureCode", "ImageNotFound"},
                                      {"failureReason", "Requested image not found"}});
      continue;
    }
    const cloud::ImageId whole{image->digest, id.tag};
    if (call.operation == "BatchDeleteImage") {
      PAWL_CHECK(cloud_.ecr.remove_image(name, id, call.now));
      done.push_back(shown_id(whole));
      continue;
    }
    done.push_back(json::object{{"registryId", cloud_.account.id},
                                {"repositoryName", name},
                                {"imageId", shown_id(whole)},
                                {"imageManifest", image->manifest},
                                {"imageManifestMediaType", image->media_type}});
  }
  const char* key = call.operation == "BatchDeleteImage" ? "imageIds" : "images";
  return json_answer(call, 200,
                     json::object{{key, std::move(done)}, {"failures", std::move(failures)}});
}

EcrFace::Answer EcrFace::authorization(const AwsCall& call) {
  const cloud::RegistryToken token = cloud_.ecr.issue_token(call.now);
  return json_answer(
      call, 200,
      json::object{
          {"authorizationData",
           json::array{json::object{{"authorizationToken", base64_encode("AWS:" + token.password)},
                                    {"expiresAt", seconds_of(token.expires_at)},
                                    {"proxyEndpoint", "http://" + cloud_.ecr.registry_host()}}}}});
}

}  // namespace pawl::sandbox
