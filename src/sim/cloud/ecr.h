// Amazon ECR's control side as plain state: repositories, the images in them by digest and tag, and
// the tokens that its registry takes. The bytes of images are a registry's; whoever serves one
// tells this model what was pushed. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cloud/common.h"
#include "sim/cloud/lambda.h"

namespace pawl::cloud {

struct Repository {
  std::string name;
  WallTime created;
  bool immutable_tags = false;
};

struct Image {
  std::string digest;
  std::string media_type;
  std::string artifact_type;
  std::string manifest;     // its text
  uint64_t size_bytes = 0;  // of config and layers; 0 for an index
  std::set<std::string> tags;
  WallTime pushed_at;
  bool is_index() const;
};

/// By digest or by tag; with both, both must be of one image.
struct ImageId {
  std::string digest;
  std::string tag;
};

struct RegistryToken {
  std::string password;  // the user's name is AWS
  WallTime expires_at;
};

/// What the registry beside must do when an image goes.
struct EcrHooks {
  std::function<void(const std::string& repository, const std::string& digest)> image_removed;
  std::function<void(const std::string& repository, const std::string& tag)> tag_removed;
};

class Ecr {
 public:
  /// `registry_host`: what stands before the repository in an image's name.
  Ecr(Account account, std::string registry_host, IdSource& ids, Ledger& ledger)
      : account_(std::move(account)), host_(std::move(registry_host)), ids_(ids), ledger_(ledger) {}

  Result<Repository> create(const std::string& name, bool immutable_tags, WallTime now);
  Result<Repository> find(const std::string& name) const;
  /// All of them, by name.
  std::vector<Repository> repositories() const;
  Result<Repository> remove(const std::string& name, bool force, WallTime now);
  Result<void> set_immutable_tags(const std::string& name, bool immutable, WallTime now);
  std::string repository_uri(const std::string& name) const { return host_ + "/" + name; }
  const std::string& registry_host() const { return host_; }

  /// Whether this push would be taken: the repository is there, an immutable tag is not moved.
  Result<void> check_push(const std::string& repository, const std::optional<std::string>& tag,
                          const std::string& digest) const;
  Result<void> put_image(const std::string& repository, const std::optional<std::string>& tag,
                         const std::string& digest, const std::string& media_type,
                         const std::string& manifest, WallTime now);
  Result<std::vector<Image>> images(const std::string& repository) const;
  Result<Image> find_image(const std::string& repository, const ImageId& id) const;
  /// By tag alone only the tag goes, and the image with its last tag.
  Result<void> remove_image(const std::string& repository, const ImageId& id, WallTime now);

  /// For Lambda: what "host/repository:tag" or "...@digest" names.
  ImageLookup look_up(const std::string& image_uri) const;

  RegistryToken issue_token(WallTime now);
  bool accepts_password(std::string_view password, WallTime now) const;

  EcrHooks hooks;
  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  struct State {
    Repository repository;
    std::map<std::string, Image> images;
  };
  Result<State*> find_state(const std::string& name);
  Result<const State*> find_state(const std::string& name) const;

  Account account_;
  std::string host_;
  IdSource& ids_;
  Ledger& ledger_;
  std::map<std::string, State> repositories_;
  std::deque<RegistryToken> tokens_;
};

}  // namespace pawl::cloud
