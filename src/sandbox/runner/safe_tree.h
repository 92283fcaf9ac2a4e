// A folder that hostile names cannot leave. Every path is relative to it, no ancestor may be a
// symbolic link (openat2 with RESOLVE_BENEATH, or a walk step by step where the kernel has no
// openat2), and nothing that exists is ever written through: it is removed and made anew.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pawl::sandbox {

constexpr size_t kMaxTreePathBytes = 4096;
constexpr size_t kMaxTreeNameBytes = 255;
constexpr size_t kMaxTreeDepth = 256;

/// A file descriptor that is closed with its owner.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

/// The path inside the tree without "./", doubled and trailing slashes ("" is the tree itself); an
/// Error for absolute paths, "..", NUL bytes and what is too long or too deep.
Result<std::string> clean_tree_path(std::string_view path);

class SafeTree {
 public:
  /// `root` is made when it is not there.
  static Result<SafeTree> open(const std::filesystem::path& root);

  /// Paths below come from clean_tree_path(). Missing parents are made. What is in the way is
  /// removed, except that a directory on a directory stays with what is in it.
  Result<void> make_directory(const std::string& path, mode_t mode);
  Result<OwnedFd> make_file(const std::string& path);
  Result<void> make_symlink(const std::string& path, const std::string& target);
  /// `existing` is a file (or a symbolic link, which is not followed) of this tree.
  Result<void> make_hard_link(const std::string& path, const std::string& existing);
  /// Nothing happens when it is not there. Symbolic links are removed, never followed.
  Result<void> remove(const std::string& path);
  /// Removes what is in a directory, all the way down, but what `keep` says stays.
  Result<void> empty_directory(const std::string& path,
                               const std::function<bool(const std::string& path)>& keep);

 private:
  explicit SafeTree(OwnedFd root) : root_(std::move(root)) {}
  struct Place {
    OwnedFd parent;
    std::string name;
  };
  Result<OwnedFd> open_directory(const std::string& path) const;
  Result<OwnedFd> make_directories(const std::string& path);
  Result<Place> place_of(const std::string& path, bool make_parents);

  OwnedFd root_;
};

}  // namespace pawl::sandbox
