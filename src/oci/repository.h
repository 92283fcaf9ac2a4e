// One repository of one registry, and the verbs of the distribution specification on it.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/manifest.h"
#include "oci/registry.h"

namespace pawl::oci {

/// An upload that a registry has begun for us. Its URL changes with each answer.
struct Upload {
  std::string url;
  /// The registry's wish for PATCH requests, 0 when it has none.
  uint64_t min_chunk_bytes = 0;
};

struct PutManifest {
  Digest digest;
  /// The registry has noted what the manifest is attached to; else the tag schema is ours to keep.
  bool subject_noted = false;
  /// The registry has said the digest that it stored, and it is the right one.
  bool digest_said = false;
};

/// Of a transfer's own buffers: the default is for large blobs (HttpRequest::buffer_bytes).
constexpr size_t kLargeBlobBuffer = 256u << 10;

class Repository {
 public:
  /// `push`: the token that is asked for allows writing as well.
  Repository(Registry& registry, std::string name, bool push);

  Registry& registry() { return registry_; }
  /// The path at the registry ("library/alpine" for docker.io/alpine).
  const std::string& path() const { return path_; }
  /// "ghcr.io/example/meals", for people.
  std::string full_name() const { return registry_.host() + "/" + name_; }

  // `reference` is a tag or a digest.

  /// nullopt when it does not exist. A registry that does not say the digest counts as "unknown
  /// there" as well.
  Task<Result<std::optional<Digest>>> head_manifest(std::string reference);
  /// Checked against the digest that was asked for and the one that the registry says.
  Task<Result<Manifest>> get_manifest(std::string reference);
  Task<Result<PutManifest>> put_manifest(Manifest manifest, std::string reference);
  Task<Result<void>> delete_manifest(std::string reference);
  Task<Result<std::vector<std::string>>> tags();
  /// What is attached to that manifest: from the API, else from the tag schema; none is fine.
  Task<Result<std::vector<Descriptor>>> referrers(Digest subject);

  /// The size, or nullopt when the blob is not there.
  Task<Result<std::optional<uint64_t>>> head_blob(Digest digest);
  /// A small one, whole and verified (configs).
  Task<Result<std::string>> get_blob(Digest digest, size_t max_bytes);
  /// From byte `from` on, once, into `sink`. 416 and other refusals are Errors.
  Task<Result<HttpResponse>> read_blob(Digest digest, uint64_t from, std::shared_ptr<BodySink> sink,
                                       size_t buffer_bytes = kLargeBlobBuffer);
  /// A small one, whole: in one request where the registry takes that, else in two.
  Task<Result<void>> put_blob(Digest digest, std::string bytes);
  Task<Result<void>> delete_blob(Digest digest);

  /// True: the blob is here now. False: it was not mounted, for whatever reason; an Upload may have
  /// begun.
  Task<Result<bool>> mount_blob(Digest digest, std::string from_path, std::optional<Upload>* begun);
  Task<Result<Upload>> start_upload();
  /// The last request of an upload: `source` holds the rest of the blob, or is empty. Sent once.
  Task<Result<void>> finish_upload(Upload upload, Digest digest, std::shared_ptr<BodySource> source,
                                   size_t buffer_bytes = kLargeBlobBuffer);
  /// One chunk, sent once. Without a known size of the source the range is left out.
  Task<Result<Upload>> send_chunk(Upload upload, uint64_t offset,
                                  std::shared_ptr<BodySource> source);
  /// How many bytes the registry has, with the URL to go on at; not_found when it has forgotten.
  struct Status {
    Upload upload;
    uint64_t received = 0;
  };
  Task<Result<Status>> upload_status(Upload upload);
  Task<Result<void>> cancel_upload(Upload upload);

 private:
  Access access() const;
  Access access_to_delete() const;
  HttpRequest request(std::string_view method, std::string_view rest) const;
  Error explain(const HttpResponse& response, std::string_view method) const;
  Result<Upload> next_upload(const HttpResponse& response) const;
  Task<Result<std::optional<Upload>>> post_blob(Digest digest, std::string bytes);
  Result<void> check_stored(const HttpResponse& response, const Digest& digest) const;
  Task<Result<std::vector<Descriptor>>> referrers_by_tag(Digest subject);

  Registry& registry_;
  std::string name_;
  std::string path_;
  bool push_;
};

/// "sha256-ab12...": the tag under which clients keep the list of what is attached to a manifest,
/// at registries without the API.
/// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
std::string referrers_tag(const Digest& subject);

/// "0-1023" or "bytes=0-1023" -> 1024; "0-0" is taken for nothing, as registries say it.
Result<uint64_t> received_from_range(std::string_view range);

}  // namespace pawl::oci
