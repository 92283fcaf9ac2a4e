// Amazon CloudFront as plain state: distributions and their invalidations, which take a while. What
// a distribution serves is not modelled.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

struct Distribution {
  std::string id;
  std::string comment;
  WallTime created;
};

struct Invalidation {
  std::string id;
  std::string distribution;
  std::string reference;
  std::vector<std::string> paths;
  WallTime created;
};

class CloudFront {
 public:
  /// So long an invalidation is InProgress.
  static constexpr std::chrono::milliseconds kTakes{2'000};
  static constexpr size_t kMaxPathsInProgress = 3'000;
  static constexpr size_t kMaxWildcardsInProgress = 15;

  CloudFront(IdSource& ids, Ledger& ledger) : ids_(ids), ledger_(ledger) {}

  Distribution create(std::string comment, WallTime now);
  Result<Distribution> find(const std::string& id) const;
  std::vector<Distribution> list() const;

  /// The same reference with the same paths is the invalidation that there is.
  Result<Invalidation> invalidate(const std::string& distribution, std::vector<std::string> paths,
                                  const std::string& reference, WallTime now);
  Result<Invalidation> find_invalidation(const std::string& distribution,
                                         const std::string& id) const;
  Result<std::vector<Invalidation>> invalidations(const std::string& distribution) const;
  static bool is_done(const Invalidation& invalidation, WallTime now) {
    return now - invalidation.created >= kTakes;
  }

  json::object to_json() const;
  Result<void> load(const json::object& object);

 private:
  Result<void> check_paths(const std::vector<std::string>& paths, WallTime now) const;

  IdSource& ids_;
  Ledger& ledger_;
  std::map<std::string, Distribution> distributions_;
  std::vector<Invalidation> invalidations_;
};

}  // namespace pawl::cloud
