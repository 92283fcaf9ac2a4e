// What a release's static files are: the manifest, and the rules for paths, globs and types.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"
#include "engine/static_site.h"

namespace pawl {
namespace {

constexpr size_t kMaxKeyBytes = 900;  // S3 takes 1024; the prefix and ours need some

bool is_utf8_without_controls(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead < 0x20 || lead == 0x7F) return false;
    const size_t length = lead < 0x80           ? 1
                          : (lead >> 5) == 0x06 ? 2
                          : (lead >> 4) == 0x0E ? 3
                          : (lead >> 3) == 0x1E ? 4
                                                : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (size_t j = 1; j < length; ++j)
      if ((static_cast<uint8_t>(text[i + j]) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxKeyBytes || !is_utf8_without_controls(path)) return false;
  if (path.substr(0, kOwnFolder.size()) == kOwnFolder) return false;
  while (true) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string StaticManifest::digest() const {
  Sha256Stream hash;
  const auto add = [&hash](std::string_view text) {
    hash.update(text);
    hash.update(std::string_view("\0", 1));
  };
  for (const auto& file : files) {
    add(file.path);
    add(file.sha256);
    add(file.content_type);
    add(file.cache_control);
    add(file.is_immutable ? "immutable" : "mutable");
    // Not for the others: manifests that earlier Pawls left keep their names.
    if (!file.content_encoding.empty()) add(file.content_encoding);
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : hash.finish()) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

json::object to_json(const StaticManifest& manifest) {
  json::array files;
  for (const auto& file : manifest.files) {
    json::object object;
    object["path"] = file.path;
    object["size"] = file.size;
    object["sha256"] = file.sha256;
    object["content_type"] = file.content_type;
    object["cache_control"] = file.cache_control;
    object["immutable"] = file.is_immutable;
    if (!file.content_encoding.empty()) object["content_encoding"] = file.content_encoding;
    if (!file.etag.empty()) object["etag"] = file.etag;
    files.push_back(std::move(object));
  }
  json::object object;
  object["format"] = 1;
  object["files"] = std::move(files);
  return object;
}

Result<StaticManifest> static_manifest_from_json(const json::object& object) {
  const auto corrupt = [](std::string_view why) {
    return Error(ErrorKind::corrupt, fmt::format("a manifest of static files {}", why));
  };
  if (int_or(object, "format") != 1) return corrupt("is of a format that this Pawl does not know");
  const json::value* files = find(object, "files");
  if (files == nullptr || !files->is_array()) return corrupt("has no files");
  StaticManifest manifest;
  for (const auto& each : files->get_array()) {
    if (!each.is_object()) return corrupt("has a file that is no object");
    const json::object& entry = each.get_object();
    StaticFile file;
    file.path = string_or(entry, "path");
    file.size = static_cast<uint64_t>(std::max<int64_t>(0, int_or(entry, "size")));
    file.sha256 = string_or(entry, "sha256");
    file.content_type = string_or(entry, "content_type");
    file.cache_control = string_or(entry, "cache_control");
    file.is_immutable = bool_or(entry, "immutable");
    file.content_encoding = string_or(entry, "content_encoding");
    file.etag = string_or(entry, "etag");
    const bool is_hash = file.sha256.size() == 64 &&
                         file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!is_safe_path(file.path)) return corrupt("names an unsafe path");
    if (!is_hash) return corrupt(fmt::format("has no sha256 of {}", file.path));
    manifest.files.push_back(std::move(file));
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const StaticFile& a, const StaticFile& b) { return a.path < b.path; });
  return manifest;
}

std::string content_type_for(std::string_view path) {
  static constexpr std::array kTypes = {
      std::pair{"html", "text/html; charset=utf-8"},
      std::pair{"htm", "text/html; charset=utf-8"},
      std::pair{"css", "text/css; charset=utf-8"},
      std::pair{"js", "text/javascript; charset=utf-8"},
      std::pair{"mjs", "text/javascript; charset=utf-8"},
      std::pair{"cjs", "text/javascript; charset=utf-8"},
      std::pair{"json", "application/json"},
      std::pair{"map", "application/json"},
      std::pair{"geojson", "application/geo+json"},
      std::pair{"jsonld", "application/ld+json"},
      std::pair{"webmanifest", "application/manifest+json"},
      std::pair{"xhtml", "application/xhtml+xml"},
      std::pair{"txt", "text/plain; charset=utf-8"},
      std::pair{"md", "text/markdown; charset=utf-8"},
      std::pair{"csv", "text/csv; charset=utf-8"},
      std::pair{"xml", "application/xml"},
      std::pair{"rss", "application/rss+xml"},
      std::pair{"atom", "application/atom+xml"},
      std::pair{"ics", "text/calendar; charset=utf-8"},
      std::pair{"vtt", "text/vtt; charset=utf-8"},
      std::pair{"svg", "image/svg+xml"},
      std::pair{"png", "image/png"},
      std::pair{"jpg", "image/jpeg"},
      std::pair{"jpeg", "image/jpeg"},
      std::pair{"gif", "image/gif"},
      std::pair{"webp", "image/webp"},
      std::pair{"avif", "image/avif"},
      std::pair{"apng", "image/apng"},
      std::pair{"bmp", "image/bmp"},
      std::pair{"jxl", "image/jxl"},
      std::pair{"ico", "image/x-icon"},
      std::pair{"woff", "font/woff"},
      std::pair{"woff2", "font/woff2"},
      std::pair{"ttf", "font/ttf"},
      std::pair{"otf", "font/otf"},
      std::pair{"eot", "application/vnd.ms-fontobject"},
      std::pair{"mp4", "video/mp4"},
      std::pair{"webm", "video/webm"},
      std::pair{"ogv", "video/ogg"},
      std::pair{"mp3", "audio/mpeg"},
      std::pair{"m4a", "audio/mp4"},
      std::pair{"ogg", "audio/ogg"},
      std::pair{"opus", "audio/ogg"},
      std::pair{"flac", "audio/flac"},
      std::pair{"wav", "audio/wav"},
      std::pair{"pdf", "application/pdf"},
      std::pair{"wasm", "application/wasm"},
      std::pair{"zip", "application/zip"},
      std::pair{"gz", "application/gzip"},
      std::pair{"br", "application/x-brotli"},
  };
  const auto slash = path.rfind('/');
  const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const auto dot = name.rfind('.');
  std::string extension(dot == std::string_view::npos ? "" : name.substr(dot + 1));
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto& [known, type] : kTypes)
    if (extension == known) return type;
  return "application/octet-stream";
}

namespace {

// Tries each place of the glob against each place of the path at most once.
class GlobMatch {
 public:
  GlobMatch(std::string_view glob, std::string_view path)
      : glob_(glob), path_(path), failed_((glob.size() + 1) * (path.size() + 1), false) {}

  bool matches(size_t g, size_t p) {
    const size_t place = g * (path_.size() + 1) + p;
    if (failed_[place]) return false;
    const bool found = try_at(g, p);
    if (!found) failed_[place] = true;
    return found;
  }

 private:
  bool try_at(size_t g, size_t p) {
    if (g == glob_.size()) return p == path_.size();
    const bool at_start = g == 0 || glob_[g - 1] == '/';
    if (at_start && glob_.substr(g, 3) == "**/") {
      // No folder, or one more.
      if (matches(g + 3, p)) return true;
      const auto slash = path_.find('/', p);
      return slash != std::string_view::npos && matches(g, slash + 1);
    }
    if (glob_.substr(g, 2) == "**")
      return matches(g + 2, p) || (p < path_.size() && matches(g, p + 1));
    if (glob_[g] == '*')
      return matches(g + 1, p) || (p < path_.size() && path_[p] != '/' && matches(g, p + 1));
    if (p == path_.size()) return false;
    if (glob_[g] == '?') return path_[p] != '/' && matches(g + 1, p + 1);
    if (glob_[g] == '[')
      if (const auto end = glob_.find(']', g + 2); end != std::string_view::npos)
        return path_[p] != '/' && in_set(glob_.substr(g + 1, end - g - 1), path_[p]) &&
               matches(end + 1, p + 1);
    return glob_[g] == path_[p] && matches(g + 1, p + 1);
  }

  static bool in_set(std::string_view set, char c) {
    const bool negated = set[0] == '!' || set[0] == '^';
    if (negated) set.remove_prefix(1);
    bool found = false;
    for (size_t i = 0; i < set.size(); ++i) {
      if (i + 2 < set.size() && set[i + 1] == '-') {
        found = found || (set[i] <= c && c <= set[i + 2]);
        i += 2;
      } else {
        found = found || set[i] == c;
      }
    }
    return found != negated;
  }

  std::string_view glob_;
  std::string_view path_;
  std::vector<bool> failed_;
};

}  // namespace

bool glob_matches(std::string_view glob, std::string_view path) {
  // The match recurses once a character; a longer glob or path is a mistake.
  constexpr size_t kMaxBytes = 1024;
  if (glob.size() > kMaxBytes || path.size() > kMaxBytes) return false;
  return GlobMatch(glob, path).matches(0, 0);
}

StaticRules static_rules_from(const json::object& params) {
  const auto list = [&params](const char* key) -> const json::array& {
    static const json::array kNone;
    const json::value* found = find(params, key);
    return found != nullptr && found->is_array() ? found->get_array() : kNone;
  };
  StaticRules rules;
  for (const auto& glob : list("immutable"))
    if (glob.is_string()) rules.immutable.emplace_back(glob.get_string());
  for (const auto& rule : list("cache"))
    if (rule.is_object())
      rules.cache.push_back(
          {string_or(rule.get_object(), "match"), string_or(rule.get_object(), "control")});
  for (const auto& encoding : list("compress"))
    if (encoding.is_string()) rules.compress.emplace_back(encoding.get_string());
  return rules;
}

void apply_rules(const StaticRules& rules, StaticFile& file) {
  // A variant is cached as what it is of.
  const std::string path = file.content_encoding.empty() ? file.path : variant_of(file);
  file.content_type = content_type_for(path);
  const auto matches = [&path](const std::string& glob) { return glob_matches(glob, path); };
  file.is_immutable = std::any_of(rules.immutable.begin(), rules.immutable.end(), matches);
  file.cache_control = file.is_immutable ? kImmutableCaching : kMutableCaching;
  for (const auto& rule : rules.cache) {
    if (!matches(rule.match)) continue;
    file.cache_control = rule.control;
    break;
  }
}

std::string variant_path(std::string_view path, std::string_view encoding) {
  return fmt::format("{}.{}", path, encoding == "gzip" ? "gz" : encoding);
}

std::string variant_of(const StaticFile& file) {
  return file.path.substr(0, file.path.rfind('.'));
}

}  // namespace pawl
