// What FakeBuilder does when it is called.
#include "support/fakes/builder.h"

#include "support/fakes/fake_call.h"
#include "support/fakes/run.h"

namespace pawl::fakes {

FakeBuilder::FakeBuilder(FakeImages& images) : images_(images) {}

Task<Result<Digest>> FakeBuilder::build_and_push(BuildRequest request, LogLine log) {
  PAWL_FAKE_CALL("build_and_push", [&]() -> Result<Digest> {
    if (log) log("building");
    const std::string built = digest("image of " + request.revision);
    for (const auto& tag : request.tags) images_.add(request.image + ":" + tag, built);
    requests.push_back(request);
    return *Digest::parse(built);
  });
}

Task<Result<std::string>> FakeBuilder::available(BuildSettings) {
  co_return std::string("fake builder 1");
}

}  // namespace pawl::fakes
