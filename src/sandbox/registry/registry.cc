#include "sandbox/registry/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "core/image_reference.h"
#include "sandbox/registry/answers.h"

namespace pawl::sandbox {
namespace {

bool changes_something(const std::string& method) {
  return method != "GET" && method != "HEAD";
}

bool is_repository_name(const std::string& name) {
  if (name.empty() || name.size() > 255) return false;
  auto parsed = ImageReference::parse("localhost/" + name);
  return parsed.ok() && !parsed->tag && !parsed->digest && parsed->repository == name;
}

size_t page_size(ServerRequest& request) {
  const std::string text = request.query("n").value_or("");
  if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
    return kMaxPageSize;
  return std::min<size_t>(std::stoul(text), kMaxPageSize);
}

// One page of sorted names after `last`, with the Link header that leads to the next.
ServerResponse page(ServerRequest& request, const std::vector<std::string>& names,
                    const std::function<json::object(json::array)>& wrap) {
  const std::string last = request.query("last").value_or("");
  const size_t limit = page_size(request);
  json::array listed;
  auto from = last.empty() ? names.begin() : std::upper_bound(names.begin(), names.end(), last);
  for (; from != names.end() && listed.size() < limit; ++from) listed.emplace_back(*from);
  ServerResponse response;
  if (from != names.end() && !listed.empty())
    response.headers.set("Link", fmt::format("<{}?last={}&n={}>; rel=\"next\"", request.raw_path(),
                                             listed.back().as_string().c_str(), limit));
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(wrap(std::move(listed)));
  return response;
}

}  // namespace

ServerResponse registry_error(const RegistryRefusal& refusal) {
  ServerResponse response;
  response.status = refusal.status;
  response.headers.set("Content-Type", "application/json");
  const json::object one{{"code", refusal.code}, {"message", refusal.message}, {"detail", nullptr}};
  response.body = json::serialize(json::object{{"errors", json::array{one}}});
  return response;
}

ServerResponse registry_error(int status, std::string code, std::string message) {
  return registry_error(RegistryRefusal{status, std::move(code), std::move(message)});
}

Registry::Registry(RegistryStore store, RegistryRules rules, Entropy& entropy)
    : store_(std::move(store)), rules_(std::move(rules)), entropy_(entropy) {}
Registry::~Registry() = default;

std::optional<Registry::Route> Registry::parse(std::string_view path) {
  if (path == "/v2/" || path == "/v2") return Route{};
  if (path == "/v2/_catalog") return Route{Route::Kind::catalog, "", ""};
  if (!path.starts_with("/v2/")) return std::nullopt;
  path.remove_prefix(4);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Route route{Route::Kind::base, "", std::string(path.substr(slash + 1))};
  path = path.substr(0, slash);
  struct Shape {
    std::string_view suffix;
    Route::Kind kind;
  };
  static constexpr Shape kShapes[] = {{"/blobs/uploads", Route::Kind::upload},
                                      {"/manifests", Route::Kind::manifest},
                                      {"/blobs", Route::Kind::blob},
                                      {"/tags", Route::Kind::tags},
                                      {"/referrers", Route::Kind::referrers}};
  for (const auto& shape : kShapes) {
    if (!path.ends_with(shape.suffix)) continue;
    route.kind = shape.kind;
    route.repository = std::string(path.substr(0, path.size() - shape.suffix.size()));
    if (route.kind == Route::Kind::tags && route.reference != "list") return std::nullopt;
    return route;
  }
  // ".../blobs/uploads" without the last slash starts an upload too.
  if (route.reference == "uploads" && path.ends_with("/blobs"))
    return Route{Route::Kind::upload, std::string(path.substr(0, path.size() - 6)), ""};
  return std::nullopt;
}

std::string registry_operation(const ServerRequest& request) {
  const std::string_view path = request.raw_path();
  const std::string& method = request.method();
  const auto has = [&](std::string_view part) { return path.find(part) != std::string_view::npos; };
  const char* noun = has("/blobs/")       ? "blob"
                     : has("/manifests/") ? "manifest"
                     : has("/tags/")      ? "tags"
                     : has("/referrers/") ? "referrers"
                                          : "base";
  return fmt::format("{} {}", method, noun);
}

Task<ServerResponse> Registry::handle(ServerRequest& request) {
  const bool changes = changes_something(request.method());
  // The version check is made with the credentials that will be used, so it asks for the most.
  auto route = parse(request.raw_path());
  const std::string repository = route ? route->repository : "";
  if (rules_.authorize) {
    if (auto refusal = rules_.authorize(request, changes)) {
      auto response = registry_error(*refusal);
      if (refusal->status == 401 && rules_.challenge)
        response.headers.set("WWW-Authenticate", rules_.challenge(repository, changes));
      response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
      co_return response;
    }
  }
  if (!route) co_return registry_error(404, "NOT_FOUND", "there is no such endpoint");
  ServerResponse response;
  if (route->kind == Route::Kind::base) {
    response.headers.set("Content-Type", "application/json");
    response.body = "{}";
  } else if (route->kind == Route::Kind::catalog) {
    response = catalog(request);
  } else if (!is_repository_name(repository)) {
    response = registry_error(400, "NAME_INVALID", "invalid repository name");
  } else if (auto unknown = rules_.find_repository ? rules_.find_repository(repository)
                                                   : std::optional<RegistryRefusal>()) {
    response = registry_error(*unknown);
  } else {
    switch (route->kind) {
      case Route::Kind::tags:
        response = tags(request, *route);
        break;
      case Route::Kind::referrers:
        response = referrers(request, *route);
        break;
      case Route::Kind::manifest:
        response = co_await manifests(request, *route);
        break;
      case Route::Kind::blob:
        response = blob(request, *route);
        break;
      case Route::Kind::upload:
        response = co_await uploads(request, *route);
        break;
      case Route::Kind::base:
      case Route::Kind::catalog:
        break;
    }
  }
  response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
  co_return response;
}

ServerResponse Registry::catalog(ServerRequest& request) {
  return page(request, store_.repositories(), [](json::array names) {
    return json::object{{"repositories", std::move(names)}};
  });
}

ServerResponse Registry::tags(ServerRequest& request, const Route& route) {
  if (!rules_.find_repository && !store_.has_repository(route.repository))
    return registry_error(404, "NAME_UNKNOWN", "repository name not known to registry");
  return page(request, store_.tags(route.repository), [&route](json::array names) {
    return json::object{{"name", route.repository}, {"tags", std::move(names)}};
  });
}

}  // namespace pawl::sandbox
