// What FakeCdn does when it is called.
#include "support/fakes/cdn.h"

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

Task<Result<std::string>> FakeCdn::invalidate(std::string distribution,
                                              std::vector<std::string> paths,
                                              std::string reference) {
  PAWL_FAKE_CALL("invalidate", [&]() -> Result<std::string> {
    std::string entry = distribution;
    for (const auto& path : paths) entry += (&path == &paths.front() ? " " : ",") + path;
    const auto [known, is_new] = references.emplace(reference, entry);
    if (known->second != entry) return Error(ErrorKind::conflict, "the reference is taken");
    if (is_new) told.push_back(entry);
    return "I" + std::to_string(told.size());
  });
}

Task<Result<bool>> FakeCdn::is_done(std::string, std::string) {
  PAWL_FAKE_CALL("is_done", [&]() -> Result<bool> { return --looks_until_done <= 0; });
}

}  // namespace pawl::fakes
