// The folder in which providers are kept once for all environments (TF_PLUGIN_CACHE_DIR): the AWS
// provider alone has 600 MB. Terraform does not guard it against two `init` at once, nor against
// one that was killed while it unpacked; this does.
// https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
#pragma once

#include <string>
#include <utility>

#include "base/clock.h"
#include "engine/ports/image_builder.h"

namespace pawl {

/// Held while one `init` runs. Movable; gives the cache back when it goes.
class PluginCache {
 public:
  /// Waits for another process that holds it, which is said to `log`; after `limit`, or without a
  /// clock, gives up: then path() is empty, and init has to go on without a cache. When the one
  /// before died in the middle, what it left is removed first, if `is_ours`.
  static Task<Result<PluginCache>> take(std::string path, bool is_ours, Clock* clock,
                                        std::chrono::milliseconds limit, LogLine log);

  PluginCache() = default;
  PluginCache(PluginCache&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}
  PluginCache& operator=(PluginCache&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    return *this;
  }
  ~PluginCache();

  const std::string& path() const { return path_; }
  /// The init ended by itself: what is in the cache is whole.
  void is_whole();

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace pawl
