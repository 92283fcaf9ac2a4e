// The application itself: what is answered to which request. It knows nothing of how requests
// arrive; lambda.h and server.h bring them.
#pragma once

#include <optional>
#include <string>

#include "json.h"
#include "storage.h"

namespace meals {

struct Request {
  std::string method;
  std::string path;
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string cache_control = "no-store";
};

class App {
 public:
  // Nothing when the release is not whole: the list of its static assets cannot be read.
  static std::optional<App> from_environment();

  Response handle(const Request& request) const;

  // An operation that the deployment asks for, not a visitor; nothing when it fails or is not
  // known.
  std::optional<Json> administer(const std::string& operation, const std::string& idempotency_key);

  const std::string& version() const { return version_; }

 private:
  App(Storage storage, Json assets);

  Response front_page() const;
  Response meals_api() const;
  Response health() const;
  Response page(int status, const std::string& title, const std::string& body) const;
  std::string asset_url(const std::string& name) const;

  Storage storage_;
  Json assets_;
  std::string version_;
  std::string static_url_;
};

}  // namespace meals
