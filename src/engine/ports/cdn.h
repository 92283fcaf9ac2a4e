// What the engine needs of a content delivery network: that it forgets what it keeps copies of.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"

namespace pawl {

class Cdn {
 public:
  virtual ~Cdn() = default;
  /// Paths begin with "/" and are as in a URL; one that ends with "*" stands for all that begin
  /// like it. The same `reference` with the same paths is the same invalidation, however often it
  /// is asked for. Gives its id.
  virtual Task<Result<std::string>> invalidate(std::string distribution,
                                               std::vector<std::string> paths,
                                               std::string reference) = 0;
  /// Whether every place has forgotten by now.
  virtual Task<Result<bool>> is_done(std::string distribution, std::string id) = 0;
};

}  // namespace pawl
