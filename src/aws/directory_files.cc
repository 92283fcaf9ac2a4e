#include "aws/directory_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "aws/file_body.h"
#include "aws/s3.h"

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 200'000;

bool is_within(const fs::path& path, const fs::path& root) {
  const auto [end_of_root, ignored] =
      std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end_of_root == root.end();
}

class DirectoryFiles : public StaticFiles {
 public:
  explicit DirectoryFiles(std::string base) : base_(std::move(base)) {}

  Task<Result<StaticManifest>> scan(std::string directory,
                                    std::vector<std::string> immutable) override {
    const std::string root = full_path(directory);
    PAWL_CO_TRY(auto paths, find_files(root));
    const auto stop = co_await current_stop();
    StaticManifest manifest;
    manifest.files.reserve(paths.size());
    for (auto& path : paths) {
      if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
      PAWL_CO_TRY(auto file, describe(root, std::move(path), immutable));
      manifest.files.push_back(std::move(file));
    }
    co_return manifest;
  }

  std::string path_of(const std::string& directory, const StaticFile& file) const override {
    return full_path(directory) + "/" + file.path;
  }

 private:
  std::string full_path(const std::string& directory) const {
    return (fs::path(base_) / directory).lexically_normal().string();
  }

  // Relative paths, sorted.
  static Result<std::vector<std::string>> find_files(const std::string& root) {
    std::error_code failure;
    const fs::path canonical_root = fs::canonical(root, failure);
    if (failure || !fs::is_directory(canonical_root, failure))
      return Error(ErrorKind::not_found, fmt::format("{} is not a directory", root))
          .with_hint("build the static files first, or correct the path");
    std::vector<std::string> paths;
    fs::recursive_directory_iterator entries(root, failure);
    for (; !failure && entries != fs::recursive_directory_iterator(); entries.increment(failure)) {
      PAWL_TRY(const bool wanted, is_wanted(*entries, canonical_root));
      if (!wanted) continue;
      std::string path = entries->path().lexically_relative(root).generic_string();
      if (path.substr(0, kOwnFolder.size()) == kOwnFolder) continue;
      if (!is_safe_path(path))
        return Error(ErrorKind::usage,
                     fmt::format("a file in {} has a name that cannot be a key: it must be UTF-8 "
                                 "without control characters and not too long",
                                 root));
      if (paths.size() == kMaxFiles)
        return Error(ErrorKind::usage, fmt::format("{} holds over {} files", root, kMaxFiles));
      paths.push_back(std::move(path));
    }
    if (failure)
      return Error(ErrorKind::storage, fmt::format("cannot read {}: {}", root, failure.message()));
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  static Result<bool> is_wanted(const fs::directory_entry& entry, const fs::path& canonical_root) {
    std::error_code failure;
    const auto refuse = [&entry](std::string_view why) {
      return Error(ErrorKind::usage, fmt::format("{} {}", entry.path().string(), why));
    };
    if (entry.is_symlink(failure)) {
      const fs::path target = fs::canonical(entry.path(), failure);
      if (failure) return refuse("is a symbolic link to nothing");
      if (!is_within(target, canonical_root))
        return refuse("is a symbolic link that leads out of the directory");
      if (!fs::is_regular_file(target, failure))
        return refuse("is a symbolic link to something that is no file");
      return true;
    }
    if (entry.is_directory(failure)) return false;
    if (!entry.is_regular_file(failure)) return refuse("is neither a file nor a folder");
    return true;
  }

  static Result<StaticFile> describe(const std::string& root, std::string path,
                                     const std::vector<std::string>& immutable) {
    const std::string on_disk = root + "/" + path;
    PAWL_TRY(auto hashes, aws::hash_file(on_disk, 0, UINT64_MAX));
    StaticFile file;
    file.path = std::move(path);
    file.size = hashes.size;
    file.sha256 = std::move(hashes.sha256);
    file.etag = std::move(hashes.md5);
    if (file.size > aws::kMultipartBytes) {
      PAWL_TRY(file.etag, aws::etag_of_parts(on_disk, file.size, aws::part_bytes_for(file.size)));
    }
    file.content_type = content_type_for(file.path);
    file.is_immutable = std::any_of(immutable.begin(), immutable.end(), [&](const auto& glob) {
      return glob_matches(glob, file.path);
    });
    file.cache_control = file.is_immutable ? kImmutableCaching : kMutableCaching;
    return file;
  }

  std::string base_;
};

}  // namespace

std::unique_ptr<StaticFiles> make_directory_files(std::string base) {
  return std::make_unique<DirectoryFiles>(std::move(base));
}

}  // namespace pawl
