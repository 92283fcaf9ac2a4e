// The referrers tag schema: at registries without the referrers API the list of what is attached to
// a manifest is an index of its own, kept by the clients under the tag sha256-<hex>.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
#pragma once

#include <string>

#include "oci/repository.h"

namespace pawl::oci {

/// The list with `referrer` in it; the same bytes when it was in already. `list` may be empty: none
/// yet.
Result<std::string> with_referrer(std::string_view list, const Manifest& referrer);

/// Adds `referrer` to the list of `subject` in `repository`, unless it stands there.
Task<Result<void>> note_referrer(Repository& repository, Digest subject, Manifest referrer);

}  // namespace pawl::oci
