#include "cli/deployers.h"

namespace pawl {
namespace {

constexpr size_t kMaxAnswerBytes = 64u << 10;

class HttpHealthProbe : public HealthProbe {
 public:
  explicit HttpHealthProbe(HttpClient& http) : http_(http) {}

  Task<Result<ProbeAnswer>> ask(std::string url, std::string version_header,
                                std::chrono::milliseconds timeout) override {
    HttpRequest request;
    request.url = std::move(url);
    request.timeout = timeout;
    request.connect_timeout = timeout;
    request.max_body_bytes = kMaxAnswerBytes;
    // An answer from a cache says nothing of the release.
    request.headers.set("Cache-Control", "no-cache");
    PAWL_CO_TRY(auto response, co_await http_.send(std::move(request)));
    ProbeAnswer answer;
    answer.status = response.status;
    answer.body = std::move(response.body);
    if (!version_header.empty())
      answer.version_header = response.headers.get_or(version_header, "");
    co_return answer;
  }

 private:
  HttpClient& http_;
};

}  // namespace

std::unique_ptr<HealthProbe> make_health_probe(HttpClient& http) {
  return std::make_unique<HttpHealthProbe>(http);
}

}  // namespace pawl
