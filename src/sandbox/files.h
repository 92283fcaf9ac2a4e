// Small files on disk, written whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pawl::sandbox {

/// Writes `bytes` to a file beside `path` and renames it over.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view bytes,
                                   unsigned mode = 0644);
Result<std::string> read_whole_file(const std::filesystem::path& path, size_t max_bytes);

Result<void> make_folder(const std::filesystem::path& path);

}  // namespace pawl::sandbox
