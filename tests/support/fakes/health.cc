// What FakeHealth does when it is called.
#include "support/fakes/health.h"

#include "support/fakes/fake_call.h"

namespace pawl::fakes {

Task<Result<ProbeAnswer>> FakeHealth::ask(std::string url, std::string, std::chrono::milliseconds) {
  asked.push_back(url);
  PAWL_FAKE_CALL("ask", [&]() -> Result<ProbeAnswer> {
    if (answer_with) return answer_with();
    if (answers.empty()) return Error(ErrorKind::unavailable, "connection refused");
    ProbeAnswer answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return answer;
  });
}

Task<Result<std::string>> FakeHealth::find_url(std::string api_name) {
  PAWL_FAKE_CALL("find_url", [&]() -> Result<std::string> {
    const auto found = urls.find(api_name);
    if (found == urls.end()) return not_found("no API " + api_name);
    return found->second;
  });
}

}  // namespace pawl::fakes
