#include "terraform/plugin_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kAskEvery{250};
constexpr const char* kLockFile = ".pawl-lock";
// There while an init runs; found by the next one when that was killed.
constexpr const char* kBusyFile = ".pawl-busy";

Error cannot(const std::string& what, const std::string& path, int failure) {
  return Error(ErrorKind::storage,
               fmt::format("cannot {} {}: {}", what, path, std::strerror(failure)))
      .with_hint("set TF_PLUGIN_CACHE_DIR to a folder that can be written");
}

void remove_providers(const fs::path& cache) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(cache, ignored)) {
    const auto name = entry.path().filename();
    std::error_code failure;
    if (name != kLockFile) fs::remove_all(entry.path(), failure);
  }
}

}  // namespace

Task<Result<PluginCache>> PluginCache::take(std::string path, bool is_ours, Clock* clock,
                                            std::chrono::milliseconds limit, LogLine log) {
  PluginCache cache;
  if (path.empty()) co_return cache;
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) co_return cannot("make the folder", path, failure.value());
  const std::string lock_path = path + "/" + kLockFile;
  cache.lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (cache.lock_ < 0) co_return cannot("open", lock_path, errno);
  std::chrono::milliseconds waited{0};
  while (::flock(cache.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) co_return cannot("lock", lock_path, errno);
    if (clock == nullptr || waited >= limit) {
      if (log) log("the plugin cache is in use: going on without it");
      co_return PluginCache();
    }
    if (waited.count() == 0 && log) log("another init uses the plugin cache: waiting for it");
    PAWL_CO_CHECK(co_await clock->sleep_for(kAskEvery));
    waited += kAskEvery;
  }
  cache.path_ = std::move(path);
  const fs::path busy = fs::path(cache.path_) / kBusyFile;
  if (is_ours && fs::exists(busy, failure)) {
    if (log) log("the init before was killed: its providers are fetched anew");
    remove_providers(cache.path_);
  }
  std::ofstream(busy) << "an init runs\n";
  co_return cache;
}

PluginCache::~PluginCache() {
  if (lock_ >= 0) ::close(lock_);  // which unlocks it
}

void PluginCache::is_whole() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove(fs::path(path_) / kBusyFile, ignored);
}

}  // namespace pawl
