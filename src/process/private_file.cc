#include "process/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pawl {

Result<void> write_private_file(const std::filesystem::path& path, std::string_view text) {
  // One that is there may be open to others, or a link to somewhere else.
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int failure = errno;
  if (file >= 0) ::close(file);
  if (!written)
    return Error(ErrorKind::storage,
                 fmt::format("cannot write {}: {}", path.string(), std::strerror(failure)));
  return ok();
}

}  // namespace pawl
