// The directory of assets on this machine's disk, for engine/static_site.h.
#pragma once

#include <memory>
#include <string>

#include "engine/static_site.h"

namespace pawl {

/// Directories that are not absolute are taken relative to `base`.
///
/// Every regular file counts, hidden ones too. A symbolic link to a file within the directory
/// stands for that file; one that leads out of it, or to a folder, is an Error: nothing is left out
/// silently, and nothing is published that lies elsewhere.
std::unique_ptr<StaticFiles> make_directory_files(std::string base);

}  // namespace pawl
