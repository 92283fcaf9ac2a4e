// What FakeStaticFiles does when it is called.
#include "support/fakes/static_files.h"

#include <algorithm>

#include "base/hash.h"

namespace pawl::fakes {

FakeStaticFiles::FakeStaticFiles(FakeObjects& objects) : objects_(objects) {}

Task<Result<StaticManifest>> FakeStaticFiles::scan(std::string directory, StaticRules rules) {
  StaticManifest manifest;
  const auto add = [&](const std::string& path, const std::string& encoding,
                       const std::string& body) {
    StaticFile file;
    file.path = path;
    file.size = body.size();
    file.sha256 = sha256_hex(body);
    file.content_encoding = encoding;
    apply_rules(rules, file);
    manifest.files.push_back(file);
    objects_.files[directory + "/" + path] = body;
  };
  for (const auto& [path, body] : content) {
    add(path, "", body);
    for (const auto& encoding : rules.compress)
      add(variant_path(path, encoding), encoding, pressed + encoding + " of " + body);
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const StaticFile& a, const StaticFile& b) { return a.path < b.path; });
  co_return manifest;
}

std::string FakeStaticFiles::path_of(const std::string& directory, const StaticFile& file) const {
  return directory + "/" + file.path;
}

}  // namespace pawl::fakes
