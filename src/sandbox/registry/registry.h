// An OCI registry over files: the distribution specification 1.1 (pull, push in one piece or in
// chunks, mount, delete, tags, catalog, referrers), as docker, skopeo and buildah speak it.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
//
// Who may do what, which repositories exist and who wants to hear of pushes is decided by the rules
// that it is given, so that one implementation is both the source registry and the ECR-like one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/hash.h"
#include "net/http_server.h"
#include "sandbox/registry/store.h"

namespace pawl::sandbox {

constexpr size_t kMaxManifestBytes = 4u << 20;
constexpr uint64_t kMaxBlobBytes = 20ull << 30;
constexpr size_t kMaxUploads = 1000;
constexpr size_t kMaxPageSize = 1000;

struct RegistryRefusal {
  int status = 400;
  std::string code;  // of the specification: "NAME_UNKNOWN"
  std::string message;
};

struct PushedManifest {
  std::string repository;
  std::optional<std::string> tag;
  StoredManifest manifest;
};

/// Decisions that are not the protocol's. Any may be left empty: allowed, and nobody listens.
struct RegistryRules {
  /// nullopt: allowed. A refusal with status 401 is answered with the challenge.
  std::function<std::optional<RegistryRefusal>(const ServerRequest& request, bool wants_to_change)>
      authorize;
  /// The WWW-Authenticate header of a 401 for this repository (empty: /v2/ itself).
  std::function<std::string(const std::string& repository, bool wants_to_change)> challenge;
  std::function<std::optional<RegistryRefusal>(const std::string& repository)> find_repository;
  std::function<std::optional<RegistryRefusal>(const PushedManifest& pushed)> before_push;
  std::function<void(const PushedManifest& pushed)> after_push;
  std::function<void(const std::string& repository, const Digest& digest)> after_delete;
};

/// "PUT manifest", "GET blob", "PATCH blob" (an upload), ...: names for fault rules and logs.
std::string registry_operation(const ServerRequest& request);

class Registry {
 public:
  Registry(RegistryStore store, RegistryRules rules, Entropy& entropy);
  ~Registry();
  Task<ServerResponse> handle(ServerRequest& request);
  const RegistryStore& store() const { return store_; }
  RegistryStore& store() { return store_; }

 private:
  struct Route;
  struct Upload {
    std::string repository;
    uint64_t size = 0;
    std::optional<Sha256Stream> hash;  // absent after a restart: the file is read again
    bool busy = false;
  };

  static std::optional<Route> parse(std::string_view path);
  ServerResponse catalog(ServerRequest& request);
  ServerResponse tags(ServerRequest& request, const Route& route);
  ServerResponse referrers(ServerRequest& request, const Route& route);
  Task<ServerResponse> manifests(ServerRequest& request, const Route& route);
  ServerResponse get_manifest(ServerRequest& request, const Route& route);
  Task<ServerResponse> put_manifest(ServerRequest& request, const Route& route);
  ServerResponse delete_manifest(const Route& route);
  std::optional<RegistryRefusal> missing_part(const std::string& repository,
                                              const StoredManifest& manifest) const;
  ServerResponse blob(ServerRequest& request, const Route& route);
  ServerResponse get_blob(ServerRequest& request, const Digest& digest, uint64_t size) const;
  Task<ServerResponse> uploads(ServerRequest& request, const Route& route);
  Task<ServerResponse> start_upload(ServerRequest& request, const Route& route);
  Task<ServerResponse> append(ServerRequest& request, const Route& route, Upload& upload);
  Task<ServerResponse> finish(ServerRequest& request, const Route& route, Upload& upload);
  Task<std::optional<RegistryRefusal>> receive(ServerRequest& request, const std::string& id,
                                               Upload& upload);
  ServerResponse upload_state(int status, const Route& route, const Upload& upload) const;
  Upload* find_upload(const Route& route);

  RegistryStore store_;
  RegistryRules rules_;
  Entropy& entropy_;
  std::map<std::string, Upload> uploads_;
};

}  // namespace pawl::sandbox
