// The secrets of a build (image.build.secrets), brought into private files for the builder, and
// kept out of what it says.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "builder/builder.h"
#include "builder/registry_login.h"

namespace pawl {

class BuildSecrets {
 public:
  /// Reads each secret and writes it to a file of `folder`. Errors (config): a variable that is not
  /// set, a file that is not there; the value is never in them.
  static Result<BuildSecrets> prepare(const BuildRequest& request, const BuilderOptions& options,
                                      const PrivateFolder& folder);

  const std::map<std::string, std::string>& files() const { return files_; }  // id -> path
  /// `text` without them: a RUN that prints one must not bring it into the log.
  std::string clean(std::string_view text) const;

 private:
  void hide(std::string_view value);

  std::map<std::string, std::string> files_;
  std::vector<std::string> hidden_;  // longest first
};

}  // namespace pawl
