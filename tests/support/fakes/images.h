// Image registries and repositories in memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/ports/image_registry.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

/// Registries: names to what they name. Copying takes no time.
class FakeImages : public ImageRegistry, public ImageRepositories {
 public:
  void add(const std::string& name, const std::string& digest_text,
           const std::string& architecture = "amd64");
  static ImageInfo info(const std::string& index, const std::string& platform,
                        const std::string& architecture);

  Task<Result<ImageInfo>> resolve(ImageReference image, std::string) override;

  Task<Result<CopyResult>> copy(ImageReference source, ImageReference target, std::string,
                                CopyProgress progress) override;

  Task<Result<std::string>> find_uri(std::string repository_name) override;

  std::map<std::string, ImageInfo> images;
  std::map<std::string, std::string> repositories;
  std::vector<std::string> ledger;
  Faults faults;
};

}  // namespace pawl::fakes
