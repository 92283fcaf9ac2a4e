// What a person sees while an image is copied: on a terminal a bar for each layer, redrawn at most
// ten times a second; elsewhere a line for each layer when it is done.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.h"
#include "cli/terminal.h"
#include "oci/copy.h"

namespace pawl {

class CopyView : public oci::CopyObserver {
 public:
  /// Nothing is drawn after it; what stands on the screen stays.
  virtual void finish() = 0;
};

enum class CopyViewKind { bars, lines, silent };

std::unique_ptr<CopyView> make_copy_view(CopyViewKind kind, Terminal terminal, const Clock& clock,
                                         std::FILE* out);

/// "sha256:0123456789ab  [=====>    ]   12.5 of  25.0 MiB  copying", at most `columns` wide.
std::string describe_blob(const oci::BlobProgress& blob, int columns);

}  // namespace pawl
