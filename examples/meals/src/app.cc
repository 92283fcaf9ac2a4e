#include "app.h"

#include <map>
#include <string_view>
#include <utility>

namespace meals {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{css}">
<script type="module" src="{js}"></script>
</head>
<body>
<h1>{title}</h1>
{body}<footer>meals {version}</footer>
</body>
</html>
)";

std::string escape_html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// The text with each {name} replaced by its value; what is filled in is not looked at again.
std::string filled(std::string_view text, const std::map<std::string_view, std::string>& values) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    const size_t close = text.find('}', open);
    out += text.substr(0, open);
    if (close == std::string_view::npos) break;
    out += values.at(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return out;
}

Response json_response(int status, const Json& body) {
  return {status, "application/json", body.dump() + "\n"};
}

}  // namespace

std::optional<App> App::from_environment() {
  const std::string manifest = environment("MEALS_ASSETS", "app/static/manifest.json");
  auto assets = Json::parse(read_file(manifest).value_or(""));
  if (!assets || !assets->is_object()) return std::nullopt;
  return App(Storage::from_environment(), std::move(*assets));
}

App::App(Storage storage, Json assets)
    : storage_(std::move(storage)),
      assets_(std::move(assets)),
      version_(environment("APP_VERSION", "dev")),
      static_url_(environment("STATIC_URL", "/static")) {}

Response App::handle(const Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return page(405, "Not that way", "<p>Meals can be looked at here, nothing else.</p>\n");
  }
  if (request.path == "/") return front_page();
  if (request.path == "/api/meals") return meals_api();
  if (request.path == "/health") return health();
  return page(404, "Not on the menu",
              "<p>There is no such page. <a href=\"/\">All meals</a></p>\n");
}

std::optional<Json> App::administer(const std::string& operation,
                                    const std::string& idempotency_key) {
  if (operation == "run_migrations") return storage_.migrate(idempotency_key);
  return std::nullopt;
}

Response App::front_page() const {
  const auto meals = storage_.meals();
  if (!meals) return page(503, "Meals", "<p>The meals cannot be read just now.</p>\n");

  std::string body =
      "<label hidden><input type=\"checkbox\" id=\"vegetarian\"> vegetarian only</label>\n"
      "<ul class=\"meals\">\n";
  for (const Json& meal : meals->array()) {
    const bool vegetarian = meal["vegetarian"].boolean();
    body += "  <li data-vegetarian=\"" + std::string(vegetarian ? "true" : "false") + "\">";
    body += "<span>" + escape_html(meal["name"].string()) + "</span>";
    if (vegetarian) body += " <span class=\"tag\">vegetarian</span>";
    body += " <span class=\"minutes\">" + meal["minutes"].dump() + " min</span></li>\n";
  }
  body += "</ul>\n";
  return page(200, "Meals", body);
}

Response App::meals_api() const {
  const auto meals = storage_.meals();
  if (!meals) return json_response(503, Json::Object{{"error", "the meals cannot be read"}});
  return json_response(200, Json::Object{{"meals", *meals}});
}

Response App::health() const {
  const bool readable = storage_.meals().has_value();
  return json_response(readable ? 200 : 503, Json::Object{{"status", readable ? "ok" : "error"},
                                                          {"version", version_},
                                                          {"database", readable ? "ok" : "error"}});
}

Response App::page(int status, const std::string& title, const std::string& body) const {
  return {status, "text/html; charset=utf-8",
          filled(kPage, {{"title", escape_html(title)},
                         {"icon", escape_html(static_url_ + "/favicon.svg")},
                         {"css", asset_url("app.css")},
                         {"js", asset_url("app.js")},
                         {"body", body},
                         {"version", escape_html(version_)}})};
}

std::string App::asset_url(const std::string& name) const {
  return escape_html(static_url_ + "/" + assets_[name].string());
}

}  // namespace meals
