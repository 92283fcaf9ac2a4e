#include "sim/cloud/ecr.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/hash.h"
#include "sim/cloud/state_json.h"

namespace pawl::cloud {

namespace {

constexpr size_t kMaxTokens = 1000;
constexpr std::chrono::hours kTokenLife{12};  // as documented for GetAuthorizationToken

/// (?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*, 2 to 256 characters
bool is_repository_name(std::string_view name) {
  if (name.size() < 2 || name.size() > 256) return false;
  bool separator = true;  // a name begins and ends with a letter or digit, and so does each part
  for (char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && (separator || std::string_view("._-/").find(c) == std::string_view::npos))
      return false;
    separator = !plain;
  }
  return !separator;
}

uint64_t size_of(const json::object& manifest) {
  uint64_t total = static_cast<uint64_t>(std::max<int64_t>(0, int_or(manifest, "config.size")));
  for (const json::object* layer : objects_in(manifest, "layers"))
    total += static_cast<uint64_t>(std::max<int64_t>(0, int_or(*layer, "size")));
  return total;
}

}  // namespace

bool Image::is_index() const {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

Result<Ecr::State*> Ecr::find_state(const std::string& name) {
  PAWL_CHECK(std::as_const(*this).find_state(name));
  return &repositories_.find(name)->second;
}

Result<const Ecr::State*> Ecr::find_state(const std::string& name) const {
  auto found = repositories_.find(name);
  if (found == repositories_.end())
    return aws_error(
               400, "RepositoryNotFoundException",
               fmt::format("The repository with name '{}' does not exist in the registry with "
                           "id '{}'",
                           name, account_.id))
        .as(ErrorKind::not_found);
  return &found->second;
}

Result<Repository> Ecr::create(const std::string& name, bool immutable_tags, WallTime now) {
  if (!is_repository_name(name))
    return aws_error(400, "InvalidParameterException",
                     "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must "
                     "satisfy regular expression "
                     "'(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''");
  if (repositories_.contains(name))
    return aws_error(
               400, "RepositoryAlreadyExistsException",
               fmt::format("The repository with name '{}' already exists in the registry with "
                           "id '{}'",
                           name, account_.id))
        .as(ErrorKind::conflict);
  State& state = repositories_[name];
  state.repository = {name, now, immutable_tags};
  ledger_.record(now, "ecr", "CreateRepository", name);
  return state.repository;
}

Result<Repository> Ecr::find(const std::string& name) const {
  PAWL_TRY(const State* state, find_state(name));
  return state->repository;
}

std::vector<Repository> Ecr::repositories() const {
  std::vector<Repository> all;
  for (const auto& [name, state] : repositories_) all.push_back(state.repository);
  return all;
}

Result<Repository> Ecr::remove(const std::string& name, bool force, WallTime now) {
  PAWL_TRY(State * state, find_state(name));
  if (!state->images.empty() && !force)
    return aws_error(400, "RepositoryNotEmptyException",
                     fmt::format("The repository with name '{}' in registry with id '{}' cannot be "
                                 "deleted because it still contains images",
                                 name, account_.id))
        .as(ErrorKind::conflict);
  const State gone = std::move(*state);
  repositories_.erase(name);
  ledger_.record(now, "ecr", "DeleteRepository", name);
  if (hooks.image_removed)
    for (const auto& [digest, image] : gone.images) hooks.image_removed(name, digest);
  return gone.repository;
}

Result<void> Ecr::set_immutable_tags(const std::string& name, bool immutable, WallTime now) {
  PAWL_TRY(State * state, find_state(name));
  state->repository.immutable_tags = immutable;
  ledger_.record(now, "ecr", "PutImageTagMutability", name, {{"immutable", immutable}});
  return ok();
}

Result<void> Ecr::check_push(const std::string& repository, const std::optional<std::string>& tag,
                             const std::string& digest) const {
  PAWL_TRY(const State* state, find_state(repository));
  if (!tag || !state->repository.immutable_tags) return ok();
  for (const auto& [other, image] : state->images) {
    if (other != digest && image.tags.contains(*tag))
      return aws_error(400, "ImageTagAlreadyExistsException",
                       fmt::format("The image tag '{}' already exists in the '{}' repository and "
                                   "cannot be overwritten because the tag is immutable.",
                                   *tag, repository))
          .as(ErrorKind::conflict);
  }
  return ok();
}

Result<void> Ecr::put_image(const std::string& repository, const std::optional<std::string>& tag,
                            const std::string& digest, const std::string& media_type,
                            const std::string& manifest, WallTime now) {
  PAWL_CHECK(check_push(repository, tag, digest));
  PAWL_TRY(State * state, find_state(repository));
  PAWL_TRY(const json::object parsed, parse_json_object(manifest, "the manifest " + digest));
  auto [it, added] = state->images.try_emplace(digest);
  Image& image = it->second;
  if (added) {
    image.digest = digest;
    image.media_type = media_type;
    image.artifact_type = string_or(parsed, "artifactType", string_or(parsed, "config.mediaType"));
    image.manifest = manifest;
    image.size_bytes = size_of(parsed);
    image.pushed_at = now;
  }
  if (tag) {
    for (auto& [other, candidate] : state->images) candidate.tags.erase(*tag);
    image.tags.insert(*tag);
  }
  ledger_.record(now, "ecr", "PutImage", repository,
                 {{"digest", digest}, {"tag", tag.value_or("")}});
  return ok();
}

Result<std::vector<Image>> Ecr::images(const std::string& repository) const {
  PAWL_TRY(const State* state, find_state(repository));
  std::vector<Image> all;
  for (const auto& [digest, image] : state->images) all.push_back(image);
  return all;
}

Result<Image> Ecr::find_image(const std::string& repository, const ImageId& id) const {
  PAWL_TRY(const State* state, find_state(repository));
  for (const auto& [digest, image] : state->images) {
    if (!id.digest.empty() && id.digest != digest) continue;
    if (!id.tag.empty() && !image.tags.contains(id.tag)) continue;
    if (id.digest.empty() && id.tag.empty()) break;
    return image;
  }
  return aws_error(
             400, "ImageNotFoundException",
             fmt::format("The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not "
                         "exist within the repository with name '{}' in the registry with id "
                         "'{}'",
                         id.digest.empty() ? "null" : id.digest, id.tag.empty() ? "null" : id.tag,
                         repository, account_.id))
      .as(ErrorKind::not_found);
}

Result<void> Ecr::remove_image(const std::string& repository, const ImageId& id, WallTime now) {
  PAWL_TRY(const Image image, find_image(repository, id));
  PAWL_TRY(State * state, find_state(repository));
  const bool only_the_tag = id.digest.empty() && image.tags.size() > 1;
  if (only_the_tag) {
    state->images[image.digest].tags.erase(id.tag);
    if (hooks.tag_removed) hooks.tag_removed(repository, id.tag);
  } else {
    state->images.erase(image.digest);
    if (hooks.image_removed) hooks.image_removed(repository, image.digest);
  }
  ledger_.record(now, "ecr", "BatchDeleteImage", repository,
                 {{"digest", id.digest}, {"tag", id.tag}});
  return ok();
}

ImageLookup Ecr::look_up(const std::string& uri) const {
  const std::string prefix = host_ + "/";
  if (uri.compare(0, prefix.size(), prefix) != 0) return {};
  const std::string rest = uri.substr(prefix.size());
  const size_t end = rest.find_first_of(":@");
  if (end == std::string::npos) return {};
  ImageId id;
  if (const size_t at = rest.find('@'); at != std::string::npos) {
    id.digest = rest.substr(at + 1);
  } else {
    id.tag = rest.substr(end + 1);
  }
  auto image = find_image(rest.substr(0, end), id);
  if (!image.ok()) return {};
  return {image->is_index() ? ImageLookup::Kind::index : ImageLookup::Kind::image, image->digest};
}

RegistryToken Ecr::issue_token(WallTime now) {
  std::erase_if(tokens_, [&](const RegistryToken& token) { return token.expires_at <= now; });
  if (tokens_.size() >= kMaxTokens) tokens_.pop_front();
  tokens_.push_back({ids_.hex(64) + ids_.hex(64), now + kTokenLife});
  return tokens_.back();
}

bool Ecr::accepts_password(std::string_view password, WallTime now) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const RegistryToken& token) {
    return token.expires_at > now && equal_in_constant_time(token.password, password);
  });
}

json::object Ecr::to_json() const {
  json::array repositories;
  for (const auto& [name, state] : repositories_) {
    json::array images;
    for (const auto& [digest, i] : state.images)
      images.push_back(json::object{{"digest", digest},
                                    {"mediaType", i.media_type},
                                    {"artifactType", i.artifact_type},
                                    {"manifest", i.manifest},
                                    {"size", i.size_bytes},
                                    {"tags", write_list({i.tags.begin(), i.tags.end()})},
                                    {"pushedAt", i.pushed_at.unix_ms}});
    repositories.push_back(json::object{{"name", name},
                                        {"created", state.repository.created.unix_ms},
                                        {"immutableTags", state.repository.immutable_tags},
                                        {"images", std::move(images)}});
  }
  json::array tokens;
  for (const RegistryToken& token : tokens_)
    tokens.push_back(
        json::object{{"password", token.password}, {"expiresAt", token.expires_at.unix_ms}});
  return {{"repositories", std::move(repositories)}, {"tokens", std::move(tokens)}};
}

Result<void> Ecr::load(const json::object& object) {
  repositories_.clear();
  tokens_.clear();
  for (const json::object* r : objects_in(object, "repositories")) {
    const std::string name = string_or(*r, "name");
    State& state = repositories_[name];
    state.repository = {name, time_or(*r, "created"), bool_or(*r, "immutableTags")};
    for (const json::object* o : objects_in(*r, "images")) {
      const std::vector<std::string> tags = read_list(*o, "tags");
      Image image{string_or(*o, "digest"),
                  string_or(*o, "mediaType"),
                  string_or(*o, "artifactType"),
                  string_or(*o, "manifest"),
                  static_cast<uint64_t>(int_or(*o, "size")),
                  {tags.begin(), tags.end()},
                  time_or(*o, "pushedAt")};
      state.images[image.digest] = std::move(image);
    }
  }
  for (const json::object* t : objects_in(object, "tokens"))
    tokens_.push_back({string_or(*t, "password"), time_or(*t, "expiresAt")});
  return ok();
}

}  // namespace pawl::cloud
