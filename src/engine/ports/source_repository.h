// The git work tree that a deployment is asked from.
#pragma once

#include <optional>
#include <string>

#include "base/task.h"

namespace pawl {

struct SourceState {
  std::string sha;         // of HEAD
  std::string branch;      // empty when detached
  std::string newest_tag;  // by version order among those reachable from HEAD; may be empty
  std::string newest_tag_sha;
  std::string remote_url;  // of origin, credentials taken out; may be empty
  bool is_dirty = false;
  bool is_shallow = false;  // looked at only where there is no newest_tag
};

class SourceRepository {
 public:
  virtual ~SourceRepository() = default;
  /// not_found when there is no git work tree.
  virtual Task<Result<SourceState>> state() = 0;
  /// The commit that a tag or revision names; no value when it does not exist.
  virtual Task<Result<std::optional<std::string>>> commit_of(std::string revision) = 0;
  virtual Task<Result<bool>> is_ancestor(std::string older, std::string newer) = 0;
};

}  // namespace pawl
