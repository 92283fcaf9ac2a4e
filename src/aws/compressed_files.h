// Files in the forms that browsers take them in over the wire: brotli and gzip. Made once for each
// content and kept in a folder, since brotli takes its time.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "engine/static_site.h"

namespace pawl {

/// Whether a file of that type and size is kept compressed too: text and its like, up to 64 MiB.
/// Not by what is gained: who sends browsers to the variants can then go by the names alone.
bool has_variants(std::string_view content_type, uint64_t size);

class CompressedFiles {
 public:
  CompressedFiles(std::string folder, Clock* clock) : folder_(std::move(folder)), clock_(clock) {}

  /// Where `of` lies compressed; no value when has_variants says no. `encoding` is "br" or "gzip".
  Task<Result<std::optional<std::string>>> make(std::string on_disk, StaticFile of,
                                                std::string encoding);
  /// Deletes what no scan has used for a month.
  void drop_old() const;

 private:
  std::string folder_;
  Clock* clock_;
};

}  // namespace pawl
