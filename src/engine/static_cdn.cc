#include "engine/static_cdn.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace pawl {
namespace {

constexpr std::chrono::seconds kBetweenLooks{5};
constexpr int kMaxLooks = 240;  // 20 minutes; CloudFront takes a minute or two

// CloudFront wants those encoded that RFC 1738 calls unsafe, and no others: with others it takes
// the path for another one. A "?" in a key is none of a query.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
bool is_unsafe(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte <= 0x20 || byte >= 0x7F ||
         std::string_view("<>\"#%{}|\\^~[]`?").find(c) != std::string_view::npos;
}

std::string encoded(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (is_unsafe(c)) {
      text += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    } else {
      text += c;
    }
  }
  return text;
}

std::string everything_under(const std::vector<std::string>& paths) {
  // They are sorted: what the first and the last have in common, all have.
  const std::string& first = paths.front();
  const std::string& last = paths.back();
  const auto [end, ignored] = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  const std::string common(first.begin(), end);
  return common.substr(0, common.rfind('/') + 1) + "*";
}

}  // namespace

json::object to_json(const CdnTarget& target) {
  return {{"distribution", target.distribution}, {"path", target.path}, {"wait", target.waits}};
}

CdnTarget cdn_target_from(const json::object& object) {
  CdnTarget target;
  target.distribution = string_or(object, "distribution");
  target.path = string_or(object, "path", "/");
  target.waits = bool_or(object, "wait");
  return target;
}

std::vector<std::string> invalidation_paths(const std::string& served_at,
                                            const std::vector<std::string>& files) {
  constexpr std::string_view kIndex = "index.html";
  std::vector<std::string> paths;
  for (const auto& file : files) {
    const std::string path = encoded(served_at + file);
    paths.push_back(path);
    const size_t folder = path.rfind('/') + 1;
    // Visitors ask for the folder, and the network keeps that as a thing of its own.
    if (std::string_view(path).substr(folder) == kIndex) paths.push_back(path.substr(0, folder));
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  if (paths.size() <= kMaxInvalidatedPaths) return paths;
  return {everything_under(paths)};
}

Task<Result<std::string>> invalidate(Cdn& cdn, Clock& clock, CdnTarget target,
                                     std::vector<std::string> files, std::string key) {
  if (target.distribution.empty() || files.empty()) co_return std::string();
  const auto paths = invalidation_paths(target.path, files);
  // A second try may find other files changed: with the same reference CloudFront would refuse it.
  std::string content;
  for (const auto& path : paths) content += path + "\n";
  const std::string reference = fmt::format("pawl-{}-{}", key, sha256_hex(content).substr(0, 16));
  auto told = co_await cdn.invalidate(target.distribution, paths, reference);
  const std::string doing =
      fmt::format("telling the distribution {} to forget {}", target.distribution, paths.front());
  if (!told.ok()) co_return std::move(told).while_doing(doing).error();
  for (int look = 0; target.waits; ++look) {
    PAWL_CO_TRY(const bool done, co_await cdn.is_done(target.distribution, *told));
    if (done) break;
    if (look == kMaxLooks)
      co_return Error(
          ErrorKind::timeout,
          fmt::format("the invalidation {} of {} is still under way", *told, target.distribution))
          .with_hint("it goes on by itself; set static.cloudfront.wait to false not to wait");
    PAWL_CO_CHECK(co_await clock.sleep_for(kBetweenLooks));
  }
  co_return *std::move(told);
}

}  // namespace pawl
