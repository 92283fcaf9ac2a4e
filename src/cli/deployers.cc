#include "cli/deployers.h"

namespace pawl {
namespace {

class HttpHealthProbe : public HealthProbe {
 public:
  explicit HttpHealthProbe(HttpClient& http) : http_(http) {}

  Task<Result<ProbeAnswer>> ask(std::string url, std::string version_header,
                                std::chrono::milliseconds timeout) override {
    HttpRequest request;
    request.url = url;
    request.redirects = Redirects::none;
    request.max_body_bytes = kMaxReadProbeBytes;
    request.timeout = timeout;
    request.connect_timeout = timeout;
    // A cache on the way would answer for a release that is gone.
    request.headers.set("Cache-Control", "no-cache");
    request.headers.set("Accept", "application/json, */*;q=0.5");
    auto response = co_await http_.send(std::move(request));
    if (!response.ok())
      co_return std::move(response).error().while_doing("asking " + url_for_people(url));
    ProbeAnswer answer;
    answer.status = response->status;
    answer.body = response->body.substr(0, kMaxProbeBodyBytes);
    if (!version_header.empty())
      answer.version_header = response->headers.get_or(version_header, "");
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
