// The directory of assets on this machine's disk, for engine/static_site.h.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/static_site.h"

namespace pawl {

struct DirectoryOptions {
  std::string base;  // directories that are not absolute are taken relative to it
  /// Where compressed variants are kept from one scan to the next. Made when first needed.
  std::string cache_folder = ".pawl/compressed";
  /// Lets others run while a large file is compressed; may be null.
  Clock* clock = nullptr;
};

/// Every regular file counts, hidden ones too. A symbolic link to a file within the directory
/// stands for that file; one that leads out of it, or to a folder, is an Error: nothing is left out
/// silently, and nothing is published that lies elsewhere.
///
/// With rules.compress each file that gains from it gets variants beside it, "app.js.br" and
/// "app.js.gz", of its type and with their Content-Encoding. One that the directory has already is
/// taken as it is.
std::unique_ptr<StaticFiles> make_directory_files(DirectoryOptions options);

}  // namespace pawl
