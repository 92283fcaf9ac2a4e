#include "sandbox/runner/safe_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/files.h"

namespace pawl::sandbox {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Error tree_error(const char* what, const std::string& path) {
  const bool escapes = errno == ELOOP || errno == EXDEV || errno == ENOTDIR;
  return Error(
      escapes ? ErrorKind::corrupt : ErrorKind::storage,
      fmt::format("{} '{}': {}", what, path,
                  escapes ? "an ancestor is not a directory of the image" : strerror(errno)));
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

// The walk for kernels (and seccomp filters) without openat2: the same promise, one step at a time.
OwnedFd walk(int root, const std::string& path) {
  OwnedFd at(::openat(root, ".", kDirectoryFlags));
  for (const auto& part : parts_of(path)) {
    if (!at.valid()) break;
    at = OwnedFd(::openat(at.get(), part.c_str(), kDirectoryFlags));
  }
  return at;
}

Result<void> remove_at(int parent, const std::string& name, const std::string& path, size_t depth);

Result<void> remove_children(int directory, const std::string& path, size_t depth,
                             const std::function<bool(const std::string&)>& keep) {
  if (depth > kMaxTreeDepth)
    return Error(ErrorKind::corrupt, fmt::format("'{}' is too deep", path));
  DIR* listing = ::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
  if (listing == nullptr) return tree_error("list", path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(listing);
  for (const auto& name : names) {
    const std::string child = path.empty() ? name : path + "/" + name;
    if (!keep(child)) {
      PAWL_CHECK(remove_at(directory, name, child, depth + 1));
      continue;
    }
    OwnedFd below(::openat(directory, name.c_str(), kDirectoryFlags));
    if (below.valid()) PAWL_CHECK(remove_children(below.get(), child, depth + 1, keep));
  }
  return ok();
}

Result<void> remove_at(int parent, const std::string& name, const std::string& path, size_t depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return ok();
  if (errno != EISDIR && errno != EPERM) return tree_error("remove", path);
  OwnedFd directory(::openat(parent, name.c_str(), kDirectoryFlags));
  if (!directory.valid()) return tree_error("remove", path);
  PAWL_CHECK(
      remove_children(directory.get(), path, depth, [](const std::string&) { return false; }));
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return tree_error("remove", path);
  return ok();
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}
int OwnedFd::release() {
  return std::exchange(fd_, -1);
}
void OwnedFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> clean_tree_path(std::string_view path) {
  const auto bad = [&](const char* why) {
    return Error(ErrorKind::corrupt, fmt::format("the path '{}' {}", path.substr(0, 80), why));
  };
  if (path.size() > kMaxTreePathBytes) return bad("is too long");
  if (path.find('\0') != std::string_view::npos) return bad("holds a NUL byte");
  if (path.starts_with('/')) return bad("is absolute");
  std::string clean;
  size_t depth = 0;
  for (const auto& part : parts_of(std::string(path))) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return bad("holds '..'");
    if (part.size() > kMaxTreeNameBytes) return bad("holds a name that is too long");
    if (++depth > kMaxTreeDepth) return bad("is too deep");
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

Result<SafeTree> SafeTree::open(const std::filesystem::path& root) {
  PAWL_CHECK(make_folder(root));
  OwnedFd fd(::open(root.c_str(), kDirectoryFlags));
  if (!fd.valid()) return tree_error("open", root.string());
  return SafeTree(std::move(fd));
}

Result<OwnedFd> SafeTree::open_directory(const std::string& path) const {
  open_how how{};
  how.flags = static_cast<uint64_t>(kDirectoryFlags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const char* relative = path.empty() ? "." : path.c_str();
  OwnedFd opened(static_cast<int>(::syscall(SYS_openat2, root_.get(), relative, &how, sizeof how)));
  if (!opened.valid() && (errno == ENOSYS || errno == EPERM)) opened = walk(root_.get(), path);
  if (opened.valid()) return opened;
  if (errno == ENOENT) return tree_error("open", path).as(ErrorKind::not_found);
  return tree_error("open", path);
}

Result<OwnedFd> SafeTree::make_directories(const std::string& path) {
  auto there = open_directory(path);
  if (there.ok() || there.error().kind() != ErrorKind::not_found) return there;
  PAWL_TRY(OwnedFd at, open_directory(""));
  for (const auto& part : parts_of(path)) {
    if (::mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST)
      return tree_error("make", path);
    OwnedFd next(::openat(at.get(), part.c_str(), kDirectoryFlags));
    if (!next.valid()) return tree_error("open", path);
    at = std::move(next);
  }
  return at;
}

Result<SafeTree::Place> SafeTree::place_of(const std::string& path, bool make_parents) {
  if (path.empty())
    return Error(ErrorKind::corrupt, "an entry would replace the root of the image");
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  Place place;
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  PAWL_TRY(place.parent, make_parents ? make_directories(parent) : open_directory(parent));
  return place;
}

Result<void> SafeTree::make_directory(const std::string& path, mode_t mode) {
  // We must be able to fill it and to remove it, whatever the image wants.
  const mode_t usable = (mode & 0777) | 0700;
  if (path.empty()) {
    if (::fchmod(root_.get(), usable | 0055) != 0) return tree_error("change", path);
    return ok();
  }
  PAWL_TRY(Place place, place_of(path, true));
  OwnedFd existing(::openat(place.parent.get(), place.name.c_str(), kDirectoryFlags));
  if (!existing.valid()) {
    PAWL_CHECK(remove_at(place.parent.get(), place.name, path, 0));
    if (::mkdirat(place.parent.get(), place.name.c_str(), usable) != 0)
      return tree_error("make", path);
    existing = OwnedFd(::openat(place.parent.get(), place.name.c_str(), kDirectoryFlags));
    if (!existing.valid()) return tree_error("open", path);
  }
  if (::fchmod(existing.get(), usable) != 0) return tree_error("change", path);
  return ok();
}

Result<OwnedFd> SafeTree::make_file(const std::string& path) {
  PAWL_TRY(Place place, place_of(path, true));
  PAWL_CHECK(remove_at(place.parent.get(), place.name, path, 0));
  OwnedFd file(::openat(place.parent.get(), place.name.c_str(),
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return tree_error("make", path);
  return file;
}

Result<void> SafeTree::make_symlink(const std::string& path, const std::string& target) {
  if (target.empty() || target.size() > kMaxTreePathBytes)
    return Error(ErrorKind::corrupt, fmt::format("the symbolic link '{}' has a bad target", path));
  PAWL_TRY(Place place, place_of(path, true));
  PAWL_CHECK(remove_at(place.parent.get(), place.name, path, 0));
  if (::symlinkat(target.c_str(), place.parent.get(), place.name.c_str()) != 0)
    return tree_error("link", path);
  return ok();
}

Result<void> SafeTree::make_hard_link(const std::string& path, const std::string& existing) {
  PAWL_TRY(Place from, place_of(existing, false));
  struct stat info {};
  if (::fstatat(from.parent.get(), from.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return tree_error("link to", existing);
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
    return Error(ErrorKind::corrupt, fmt::format("the hard link '{}' names no file", path));
  if (path == existing) return ok();
  PAWL_TRY(Place to, place_of(path, true));
  PAWL_CHECK(remove_at(to.parent.get(), to.name, path, 0));
  if (::linkat(from.parent.get(), from.name.c_str(), to.parent.get(), to.name.c_str(), 0) != 0)
    return tree_error("link", path);
  return ok();
}

Result<void> SafeTree::remove(const std::string& path) {
  auto place = place_of(path, false);
  if (!place.ok()) {
    if (place.error().kind() == ErrorKind::not_found) return ok();
    return std::move(place).error();
  }
  return remove_at(place->parent.get(), place->name, path, 0);
}

Result<void> SafeTree::empty_directory(const std::string& path,
                                       const std::function<bool(const std::string& path)>& keep) {
  auto directory = open_directory(path);
  if (!directory.ok()) {
    if (directory.error().kind() == ErrorKind::not_found) return ok();
    return std::move(directory).error();
  }
  return remove_children(directory->get(), path, 0, keep);
}

}  // namespace pawl::sandbox
