// A file that holds a secret for a program that reads it from there: readable by its owner alone.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace pawl {

/// Mode 0600, also when the file was there with another.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view text);

}  // namespace pawl
