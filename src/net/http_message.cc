// Reading a request's target and body, for handlers.
#include <fmt/format.h>

#include <array>

#include "base/encoding.h"
#include "net/http_server.h"

namespace pawl {
namespace {

/// Form encoding has "+" for a space.
std::string decoded(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced)
    if (c == '+') c = ' ';
  auto result = url_decode(spaced);
  return result.ok() ? *std::move(result) : std::string(text);
}

}  // namespace

std::string_view ServerRequest::raw_path() const {
  const std::string_view all = target();
  return all.substr(0, all.find('?'));
}

std::string_view ServerRequest::raw_query() const {
  const std::string_view all = target();
  const auto mark = all.find('?');
  return mark == std::string_view::npos ? std::string_view() : all.substr(mark + 1);
}

std::vector<std::pair<std::string, std::string>> ServerRequest::query_list() const {
  std::vector<std::pair<std::string, std::string>> list;
  std::string_view rest = raw_query();
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    list.emplace_back(decoded(pair.substr(0, equals)), equals == std::string_view::npos
                                                           ? std::string()
                                                           : decoded(pair.substr(equals + 1)));
  }
  return list;
}

std::optional<std::string> ServerRequest::query(std::string_view name) const {
  for (auto& [key, value] : query_list())
    if (key == name) return std::move(value);
  return std::nullopt;
}

Task<Result<std::string>> ServerRequest::read_all(size_t max_bytes) {
  std::string body;
  std::vector<std::byte> piece(64u << 10);
  for (;;) {
    PAWL_CO_TRY(const size_t count, co_await read_some(piece));
    if (count == 0) co_return body;
    if (body.size() + count > max_bytes) {
      co_return Error(ErrorKind::corrupt,
                      fmt::format("the body of the request is larger than {} bytes", max_bytes));
    }
    body.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

}  // namespace pawl
