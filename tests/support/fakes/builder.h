// An image builder that puts what it builds into the registries in memory.
#pragma once

#include <string>
#include <vector>

#include "engine/ports/image_builder.h"
#include "support/fakes/images.h"

namespace pawl::fakes {

class FakeBuilder : public ImageBuilder {
 public:
  explicit FakeBuilder(FakeImages& images);
  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override;
  Task<Result<std::string>> available(BuildSettings) override;
  std::vector<BuildRequest> requests;
  Faults faults;

 private:
  FakeImages& images_;
};

}  // namespace pawl::fakes
