// Manifests, tags and referrers of the registry.
#include <fmt/format.h>

#include "base/json.h"
#include "core/image_reference.h"
#include "sandbox/registry/answers.h"
#include "sandbox/registry/registry.h"

namespace pawl::sandbox {
namespace {

constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";

// A manifest without a media type of its own takes the one it was pushed with.
std::string media_type_of(const json::object& manifest, const std::string& content_type) {
  std::string declared = string_or(manifest, "mediaType");
  if (!declared.empty()) return declared;
  const auto parameters = content_type.find(';');
  if (!content_type.empty()) return content_type.substr(0, parameters);
  return manifest.contains("manifests") ? kOciIndex : "application/vnd.oci.image.manifest.v1+json";
}

std::optional<Digest> digest_at(const json::value& descriptor) {
  const auto* object = descriptor.if_object();
  if (object == nullptr) return std::nullopt;
  auto digest = Digest::parse(string_or(*object, "digest"));
  if (!digest.ok()) return std::nullopt;
  return *digest;
}

std::optional<Digest> subject_of(const json::object& manifest) {
  const json::value* subject = manifest.if_contains("subject");
  return subject == nullptr ? std::nullopt : digest_at(*subject);
}

ServerResponse unknown_manifest(const std::string& reference) {
  return registry_error(404, "MANIFEST_UNKNOWN",
                        fmt::format("Requested image not found: {}", reference));
}

// The specification: artifactType, else the config's media type; annotations are copied.
json::object referrer_descriptor(const StoredManifest& manifest) {
  json::object descriptor{{"mediaType", manifest.media_type},
                          {"digest", manifest.digest.str()},
                          {"size", manifest.body.size()}};
  auto parsed = parse_json_object(manifest.body, "manifest");
  if (!parsed.ok()) return descriptor;
  std::string type = string_or(*parsed, "artifactType");
  if (type.empty()) type = string_or(*parsed, "config.mediaType");
  if (!type.empty()) descriptor["artifactType"] = type;
  if (const auto* annotations = parsed->if_contains("annotations"))
    descriptor["annotations"] = *annotations;
  return descriptor;
}

}  // namespace

Task<ServerResponse> Registry::manifests(ServerRequest& request, const Route& route) {
  const std::string& method = request.method();
  if (method == "GET" || method == "HEAD") co_return get_manifest(request, route);
  if (method == "PUT") co_return co_await put_manifest(request, route);
  if (method == "DELETE") co_return delete_manifest(route);
  co_return registry_error(405, "UNSUPPORTED", "the operation is unsupported");
}

ServerResponse Registry::get_manifest(ServerRequest& request, const Route& route) {
  auto digest = Digest::parse(route.reference);
  std::optional<Digest> wanted =
      digest.ok() ? std::optional(*digest) : store_.find_tag(route.repository, route.reference);
  if (!wanted) return unknown_manifest(route.reference);
  auto manifest = store_.find_manifest(route.repository, *wanted);
  if (!manifest) return unknown_manifest(route.reference);
  ServerResponse response;
  response.headers.set("Content-Type", manifest->media_type);
  response.headers.set("Docker-Content-Digest", wanted->str());
  response.headers.set("ETag", fmt::format("\"{}\"", wanted->str()));
  if (request.headers().get_or("If-None-Match", "") == fmt::format("\"{}\"", wanted->str())) {
    response.status = 304;
    return response;
  }
  if (request.method() == "HEAD")
    response.headers.set("Content-Length", std::to_string(manifest->body.size()));
  else
    response.body = std::move(manifest->body);
  return response;
}

std::optional<RegistryRefusal> Registry::missing_part(const std::string& repository,
                                                      const StoredManifest& manifest) const {
  auto parsed = parse_json_object(manifest.body, "manifest");
  if (!parsed.ok()) return RegistryRefusal{400, "MANIFEST_INVALID", parsed.error().message()};
  std::vector<json::value> blobs;
  if (const auto* config = parsed->if_contains("config")) blobs.push_back(*config);
  if (const auto* layers = parsed->if_contains("layers"); layers != nullptr && layers->is_array())
    for (const auto& layer : layers->get_array()) blobs.push_back(layer);
  for (const auto& blob : blobs) {
    if (blob.is_object() && blob.get_object().contains("urls")) continue;  // kept elsewhere
    const auto digest = digest_at(blob);
    if (!digest) return RegistryRefusal{400, "MANIFEST_INVALID", "a descriptor has no digest"};
    if (!store_.find_blob(repository, *digest))
      return RegistryRefusal{400, "MANIFEST_BLOB_UNKNOWN",
                             fmt::format("blob {} is unknown to registry", digest->str())};
  }
  const auto* children = parsed->if_contains("manifests");
  if (children == nullptr || !children->is_array()) return std::nullopt;
  for (const auto& child : children->get_array()) {
    const auto digest = digest_at(child);
    if (!digest) return RegistryRefusal{400, "MANIFEST_INVALID", "a descriptor has no digest"};
    if (!store_.find_manifest(repository, *digest))
      return RegistryRefusal{400, "MANIFEST_BLOB_UNKNOWN",
                             fmt::format("manifest {} is unknown to registry", digest->str())};
  }
  return std::nullopt;
}

Task<ServerResponse> Registry::put_manifest(ServerRequest& request, const Route& route) {
  auto body = co_await request.read_all(kMaxManifestBytes);
  if (!body.ok()) co_return registry_error(413, "MANIFEST_INVALID", body.error().message());
  auto parsed = parse_json_object(*body, "the manifest");
  if (!parsed.ok()) co_return registry_error(400, "MANIFEST_INVALID", parsed.error().message());
  const Digest digest = Digest::of(*body);
  PushedManifest pushed{
      route.repository,
      std::nullopt,
      {digest, media_type_of(*parsed, request.headers().get_or("Content-Type", "")),
       *std::move(body)}};
  if (route.reference.find(':') != std::string::npos) {
    auto named = Digest::parse(route.reference);
    if (!named.ok() || *named != digest)
      co_return registry_error(400, "DIGEST_INVALID",
                               "provided digest did not match uploaded content");
  } else if (is_valid_image_tag(route.reference)) {
    pushed.tag = route.reference;
  } else {
    co_return registry_error(400, "TAG_INVALID", "manifest tag did not match URI");
  }
  if (auto refusal = missing_part(route.repository, pushed.manifest))
    co_return registry_error(*refusal);
  if (rules_.before_push) {
    if (auto refusal = rules_.before_push(pushed)) co_return registry_error(*refusal);
  }
  const auto subject = subject_of(*parsed);
  auto stored = store_.put_manifest(route.repository, pushed.manifest, subject);
  // The tag comes last: it never names a manifest that is not there.
  if (stored.ok() && pushed.tag) stored = store_.set_tag(route.repository, *pushed.tag, digest);
  if (!stored.ok()) co_return registry_error(500, "UNKNOWN", stored.error().message());
  if (rules_.after_push) rules_.after_push(pushed);
  ServerResponse response;
  response.status = 201;
  response.headers.set("Location",
                       fmt::format("/v2/{}/manifests/{}", route.repository, digest.str()));
  response.headers.set("Docker-Content-Digest", digest.str());
  if (subject) response.headers.set("OCI-Subject", subject->str());
  co_return response;
}

ServerResponse Registry::delete_manifest(const Route& route) {
  auto digest = Digest::parse(route.reference);
  if (!digest.ok()) {
    if (!store_.find_tag(route.repository, route.reference))
      return unknown_manifest(route.reference);
    auto removed = store_.remove_tag(route.repository, route.reference);
    if (!removed.ok()) return registry_error(500, "UNKNOWN", removed.error().message());
  } else {
    if (!store_.find_manifest(route.repository, *digest)) return unknown_manifest(route.reference);
    auto removed = store_.remove_manifest(route.repository, *digest);
    if (!removed.ok()) return registry_error(500, "UNKNOWN", removed.error().message());
    if (rules_.after_delete) rules_.after_delete(route.repository, *digest);
  }
  ServerResponse response;
  response.status = 202;
  return response;
}

ServerResponse Registry::referrers(ServerRequest& request, const Route& route) {
  auto subject = Digest::parse(route.reference);
  if (!subject.ok()) return registry_error(400, "DIGEST_INVALID", subject.error().message());
  const auto wanted_type = request.query("artifactType");
  json::array listed;
  for (const auto& manifest : store_.referrers(route.repository, *subject)) {
    json::object descriptor = referrer_descriptor(manifest);
    if (wanted_type && string_or(descriptor, "artifactType") != *wanted_type) continue;
    listed.push_back(std::move(descriptor));
  }
  ServerResponse response;
  response.headers.set("Content-Type", kOciIndex);
  if (wanted_type) response.headers.set("OCI-Filters-Applied", "artifactType");
  response.body = json::serialize(json::object{
      {"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", std::move(listed)}});
  return response;
}

}  // namespace pawl::sandbox
