#include "aws/small_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace pawl::aws {

Result<std::string> read_small_file(const std::string& path, size_t max_bytes) {
  std::error_code failure;
  if (!std::filesystem::exists(path, failure) || failure)
    return Error(ErrorKind::not_found, fmt::format("{} is not there", path));
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, failure))
    return Error(ErrorKind::denied, fmt::format("{} cannot be read", path));
  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > max_bytes)
    return Error(ErrorKind::denied, fmt::format("{} is larger than {} bytes", path, max_bytes));
  return text;
}

}  // namespace pawl::aws
