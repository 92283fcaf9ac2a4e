#include "net/http_client.h"

#include <fmt/format.h>

#include "net/connection_places.h"
#include "net/curl_engine.h"

namespace pawl {
namespace {

constexpr int kMaxRedirects = 5;
/// No code of curl's own: the task was asked to stop.
constexpr CURLcode kStopped = CURL_LAST;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// A name or value with a line break would let whoever chose it write headers of their own.
bool has_line_break(const Headers& headers) {
  for (const auto& [name, value] : headers.fields())
    for (const std::string_view text : {std::string_view(name), std::string_view(value)})
      if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return true;
  return false;
}

Result<void> check(const HttpRequest& request) {
  if (!split_url(request.url)) {
    return Error(ErrorKind::usage, fmt::format("'{}' is not an http:// or https:// address",
                                               url_for_people(request.url)));
  }
  if (has_line_break(request.headers))
    return Error(ErrorKind::usage, "a header of the request has a line break in it");
  return ok();
}

/// Where the answer points to, when it is to be followed.
std::optional<std::string> redirect_of(const HttpRequest& request, const HttpResponse& response) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (request.redirects == Redirects::none || !reads || !is_redirect(response.status)) return {};
  const auto location = response.headers.get("Location");
  if (!location || location->empty()) return {};
  auto target = resolve_url(request.url, *location);
  const auto from = split_url(request.url);
  const auto to = split_url(target);
  // Never from a protected connection to an open one.
  if (!from || !to || (from->scheme == "https" && to->scheme == "http")) return {};
  return target;
}

void go_to(HttpRequest& request, std::string target) {
  if (split_url(request.url)->origin() != split_url(target)->origin()) {
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"})
      request.headers.remove(name);
    request.tls.reset();
  }
  request.url = std::move(target);
}

/// Takes the transfer off the engine wherever its task ends.
class Running {
 public:
  Running(CurlEngine& engine, std::shared_ptr<CurlTransfer> transfer)
      : engine_(engine), transfer_(std::move(transfer)) {
    engine_.start(transfer_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { engine_.drop(transfer_); }

 private:
  CurlEngine& engine_;
  std::shared_ptr<CurlTransfer> transfer_;
};

class CurlHttpClient : public HttpClient {
 public:
  CurlHttpClient(Loop& loop, HttpClientOptions options)
      : shared_(std::make_shared<Shared>(
            Shared{CurlEngine::make(loop),
                   std::make_shared<ConnectionPlaces>(loop, options.max_connections_per_host),
                   std::move(options)})) {}

  Task<Result<HttpResponse>> send(HttpRequest request) override {
    return send_following(shared_, std::move(request));
  }

 private:
  struct Shared {
    std::shared_ptr<CurlEngine> engine;
    std::shared_ptr<ConnectionPlaces> places;
    HttpClientOptions options;
  };

  static Task<Result<HttpResponse>> send_following(std::shared_ptr<Shared> shared,
                                                   HttpRequest given) {
    // A local, unlike a parameter, is gone before the caller goes on: the other end of its body
    // learns that it has ended.
    HttpRequest request = std::move(given);
    for (int hops = 0;; ++hops) {
      PAWL_CO_CHECK(check(request));
      auto answer = co_await send_once(shared, request);
      if (!answer.ok()) co_return answer;
      auto target = redirect_of(request, *answer);
      if (!target) co_return answer;
      if (hops == kMaxRedirects) {
        co_return Error(ErrorKind::failed,
                        fmt::format("{} {} was redirected more than {} times", request.method,
                                    url_for_people(request.url), kMaxRedirects));
      }
      go_to(request, *std::move(target));
    }
  }

  /// `request` outlives the await: it is a local of the caller's frame.
  static Task<Result<HttpResponse>> send_once(std::shared_ptr<Shared> shared,
                                              HttpRequest& request) {
    const std::stop_token stop = co_await current_stop();
    Loop& loop = shared->engine->loop();
    const std::string line = split_url(request.url)->origin() + (request.source ? " up" : "");
    ConnectionPlaces::Place place(shared->places, line);
    {
      const auto& granted = place.granted();
      std::stop_callback on_stop(
          stop, [&loop, granted] { loop.post([granted] { granted.set(false); }); });
      if (!co_await granted.wait() || stop.stop_requested()) {
        co_return Error(ErrorKind::interrupted,
                        fmt::format("{} {} was stopped before it was sent", request.method,
                                    url_for_people(request.url)));
      }
    }
    auto transfer = std::make_shared<CurlTransfer>(request, shared->options);
    Running running(*shared->engine, transfer);
    auto ended = transfer->ended();
    std::stop_callback on_stop(stop,
                               [&loop, ended] { loop.post([ended] { ended.set(kStopped); }); });
    const CURLcode code = co_await ended.wait();
    if (code == kStopped) co_return transfer->interrupted();
    co_return transfer->take_result(code);
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace

std::unique_ptr<HttpClient> make_http_client(Loop& loop, HttpClientOptions options) {
  return std::make_unique<CurlHttpClient>(loop, std::move(options));
}

}  // namespace pawl
