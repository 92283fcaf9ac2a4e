// A directory of static assets in memory.
#pragma once

#include <map>
#include <string>

#include "engine/static_site.h"
#include "support/fakes/objects.h"

namespace pawl::fakes {

/// A directory of assets in memory: path -> content. Its bodies are put into FakeObjects::files.
class FakeStaticFiles : public StaticFiles {
 public:
  explicit FakeStaticFiles(FakeObjects& objects);
  Task<Result<StaticManifest>> scan(std::string directory, StaticRules rules) override;
  std::string path_of(const std::string& directory, const StaticFile& file) const override;
  std::map<std::string, std::string> content;
  std::string pressed;  // what variants begin with: another version of the library

 private:
  FakeObjects& objects_;
};

}  // namespace pawl::fakes
