// What Pawl remembers in a bucket of what it put there, so that the next upload need not list
// everything: one read instead of a request for each thousand keys.
//
// What is remembered may be wrong, since a bucket can be changed behind our back. So the beginning
// of the listing is read along with the record, which for most sites is all of it: then the listing
// alone counts. Of what lies beyond, the record is believed as long as it was right about the
// beginning; where it was not, where it is missing or damaged, everything is listed.
#pragma once

#include <string>
#include <vector>

#include "engine/static_bucket.h"

namespace pawl {

/// Two requests' worth of keys.
constexpr size_t kListedKeys = 2'000;
/// So many keys that nothing is known of are asked for one by one before everything is listed.
constexpr size_t kAskedKeys = 128;

/// A manifest with the key of each of its files: where they lie in the bucket.
struct Recorded {
  StaticManifest manifest;
  std::vector<std::string> keys;  // of manifest.files, in their order
};

/// The record under that key. No value when there is none; `damage` says why one that is there
/// cannot be read, which costs a listing and no more.
Task<Result<std::optional<StaticManifest>>> read_record(ObjectStore& store, std::string bucket,
                                                        std::string key, std::string& damage);

struct BucketLook {
  Listing there;             // with hash and headers where the record has them
  bool is_complete = false;  // nothing else lies under the prefix
  std::string recorded;      // the digest of the record's manifest; empty: there is none
  /// What a person should know: the record was damaged, or somebody changed the bucket.
  std::vector<std::string> notes;
};

enum class Look {
  quick,       // as said above
  everything,  // the whole listing
};

/// Whether the keys in `wanted` are there, and what else is known. `recorded` has no value when
/// there is no record, `damage` says why it could not be read.
Task<Result<BucketLook>> look_at_bucket(ObjectStore& store, StaticTarget target,
                                        std::vector<std::string> wanted,
                                        std::optional<Recorded> recorded, std::string damage,
                                        Look look);

}  // namespace pawl
