#include "sandbox/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

Error file_error(const char* what, const fs::path& path) {
  return Error(ErrorKind::storage, fmt::format("{} {}: {}", what, path.string(), strerror(errno)));
}

}  // namespace

Result<void> make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure)
    return Error(ErrorKind::storage, fmt::format("make {}: {}", path.string(), failure.message()));
  return ok();
}

Result<void> write_file_atomically(const fs::path& path, std::string_view bytes, unsigned mode) {
  PAWL_CHECK(make_folder(path.parent_path()));
  const fs::path aside = path.parent_path() / fmt::format(".{}.new", path.filename().string());
  const int file = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return file_error("write", aside);
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(file, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      auto error = file_error("write", aside);
      ::close(file);
      ::unlink(aside.c_str());
      return error;
    }
    written += static_cast<size_t>(count);
  }
  if (::close(file) != 0) return file_error("write", aside);
  if (::rename(aside.c_str(), path.c_str()) != 0) return file_error("rename to", path);
  return ok();
}

Result<std::string> read_whole_file(const fs::path& path, size_t max_bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    const auto kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::storage;
    return file_error("read", path).as(kind);
  }
  std::string bytes;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || bytes.size() + static_cast<size_t>(count) > max_bytes) {
      auto error = count == 0 ? std::nullopt : std::optional(file_error("read", path));
      ::close(file);
      if (error) return *std::move(error);
      return bytes;
    }
    bytes.append(buffer, static_cast<size_t>(count));
  }
}

}  // namespace pawl::sandbox
