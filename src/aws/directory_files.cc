#include "aws/directory_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "aws/compressed_files.h"
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
  explicit DirectoryFiles(DirectoryOptions options) : options_(std::move(options)) {}

  Task<Result<StaticManifest>> scan(std::string directory, StaticRules rules) override {
    const std::string root = full_path(directory);
    PAWL_CO_TRY(auto paths, find_files(root));
    const std::set<std::string> there(paths.begin(), paths.end());
    const auto stop = co_await current_stop();
    StaticManifest manifest;
    manifest.files.reserve(paths.size());
    CompressedFiles compressed(options_.cache_folder, options_.clock);
    made_.clear();
    for (auto& path : paths) {
      if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
      const std::string encoding = encoding_of(path, there, rules);
      const std::string on_disk = root + "/" + path;
      PAWL_CO_TRY(auto file, describe(on_disk, std::move(path), encoding, rules));
      for (const auto& each : rules.compress) {
        if (!encoding.empty() || there.count(variant_path(file.path, each)) > 0) continue;
        PAWL_CO_TRY(const auto made, co_await compressed.make(on_disk, file, each));
        if (!made) continue;
        std::string variant = variant_path(file.path, each);
        PAWL_CO_TRY(auto described, describe(*made, std::move(variant), each, rules));
        made_[root + "/" + described.path] = *made;
        manifest.files.push_back(std::move(described));
      }
      manifest.files.push_back(std::move(file));
    }
    compressed.drop_old();
    std::sort(manifest.files.begin(), manifest.files.end(),
              [](const StaticFile& a, const StaticFile& b) { return a.path < b.path; });
    co_return manifest;
  }

  std::string path_of(const std::string& directory, const StaticFile& file) const override {
    std::string path = full_path(directory) + "/" + file.path;
    const auto made = made_.find(path);
    return made == made_.end() ? path : made->second;
  }

 private:
  std::string full_path(const std::string& directory) const {
    return (fs::path(options_.base) / directory).lexically_normal().string();
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

  // A file that the build has pressed itself, beside the one that it is of.
  static std::string encoding_of(const std::string& path, const std::set<std::string>& there,
                                 const StaticRules& rules) {
    for (const auto& encoding : rules.compress) {
      const std::string ending = variant_path("", encoding);
      if (path.size() <= ending.size()) continue;
      const size_t stem = path.size() - ending.size();
      if (path.compare(stem, ending.size(), ending) == 0 && there.count(path.substr(0, stem)) > 0)
        return encoding;
    }
    return "";
  }

  static Result<StaticFile> describe(const std::string& on_disk, std::string path,
                                     std::string encoding, const StaticRules& rules) {
    PAWL_TRY(auto hashes, aws::hash_file(on_disk, 0, UINT64_MAX));
    StaticFile file;
    file.path = std::move(path);
    file.content_encoding = std::move(encoding);
    file.size = hashes.size;
    file.sha256 = std::move(hashes.sha256);
    file.etag = std::move(hashes.md5);
    if (file.size > aws::kMultipartBytes) {
      PAWL_TRY(file.etag, aws::etag_of_parts(on_disk, file.size, aws::part_bytes_for(file.size)));
    }
    apply_rules(rules, file);
    return file;
  }

  DirectoryOptions options_;
  // Variants that the last scan made: where they would lie in the directory -> where they do.
  std::unordered_map<std::string, std::string> made_;
};

}  // namespace

std::unique_ptr<StaticFiles> make_directory_files(DirectoryOptions options) {
  return std::make_unique<DirectoryFiles>(std::move(options));
}

}  // namespace pawl
