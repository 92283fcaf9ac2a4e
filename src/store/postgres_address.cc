#include "store/postgres_address.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "store/postgres_library.h"

namespace pawl {
namespace {

constexpr size_t kShortestHidden = 3;
constexpr std::string_view kSchemes[] = {"postgresql://", "postgres://"};

size_t scheme_size(std::string_view text) {
  for (const auto scheme : kSchemes)
    if (text.starts_with(scheme)) return scheme.size();
  return 0;
}

struct Span {
  size_t begin;
  size_t end;
};

// Where passwords stand. A password may itself hold an '@' that somebody forgot to write as %40, so
// that the last one before the path counts; a '/' in it moves the path, and then everything up to
// the last '@' of all is taken for it: rather too much hidden than too little.
std::vector<Span> password_spans(std::string_view url) {
  std::vector<Span> spans;
  const size_t start = scheme_size(url);
  if (start == 0) return spans;
  const size_t query = url.find('?', start);
  const size_t at = url.substr(0, query).rfind('@');
  if (at != std::string_view::npos && at >= start) {
    const size_t colon = url.find(':', start);
    if (colon < at) spans.push_back({colon + 1, at});
  }
  for (size_t from = query; from != std::string_view::npos; from = url.find('&', from + 1)) {
    const size_t equals = url.find('=', from);
    if (equals == std::string_view::npos) break;
    if (!url.substr(from + 1, equals - from - 1).ends_with("password")) continue;
    spans.push_back({equals + 1, std::min(url.find('&', equals), url.size())});
  }
  return spans;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

bool is_postgres_url(std::string_view text) {
  return scheme_size(text) > 0;
}

bool has_password(std::string_view url) {
  const auto spans = password_spans(url);
  return std::any_of(spans.begin(), spans.end(), [](Span each) { return each.begin < each.end; });
}

std::string without_password(std::string_view url) {
  std::string shown(url);
  auto spans = password_spans(url);
  std::reverse(spans.begin(), spans.end());  // so that places stay what they are
  for (const Span& each : spans) shown.replace(each.begin, each.end - each.begin, "***");
  return shown;
}

namespace postgres {
namespace {

// What the URL does not say. The keepalives tell a server that is gone from one that has nothing to
// say; of several hosts the one that takes writes is meant, also after a failover.
const Address::Parameters& defaults() {
  static const Address::Parameters kDefaults = {
      {"client_encoding", "UTF8"},   {"fallback_application_name", "pawl"},
      {"connect_timeout", "5"},      {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},  {"keepalives_count", "3"},
      {"tcp_user_timeout", "20000"}, {"target_session_attrs", "read-write"},
  };
  return kDefaults;
}

}  // namespace

Result<Address> Address::parse(const std::string& text) {
  if (const std::string missing = why_library_missing(); !missing.empty())
    return Error(ErrorKind::not_found,
                 fmt::format("a PostgreSQL store needs the library libpq: {}", missing))
        .with_hint(
            "install it (apt-get install libpq5), or keep the journal in a file: "
            "--store .pawl/journal.db");
  Address address;
  address.name_ = without_password(text);
  for (const Span& each : password_spans(text))
    register_for_redaction(std::string_view(text).substr(each.begin, each.end - each.begin));
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(text.c_str(), &problem), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> problem_owner(problem, &PQfreemem);
  if (!options) {
    std::string words = problem == nullptr ? "it cannot be read" : problem;
    replace_all(words, text, address.name_);
    // libpq may quote any piece of what it could not make out, so of a password too.
    if (has_password(text)) words = "it cannot be read";
    return Error(ErrorKind::usage,
                 fmt::format("{} is no PostgreSQL URL: {}", address.name_, address.clean(words)))
        .with_hint(
            "postgresql://USER@HOST:PORT/DATABASE; write special characters as %40 (@), "
            "%3A (:), %2F (/)");
  }
  address.parameters_ = defaults();
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string keyword = option->keyword;
    if (keyword == "password") address.password_ = Secret(option->val);
    std::erase_if(address.parameters_, [&](const auto& each) { return each.first == keyword; });
    address.parameters_.emplace_back(keyword, option->val);
  }
  return address;
}

std::string Address::clean(std::string_view text) const {
  std::string words = redact(text);
  // redact() leaves short ones alone.
  const std::string& password = password_.reveal_for("nobody: it is taken out");
  if (password.size() >= kShortestHidden) replace_all(words, password, "***");
  std::istringstream lines(words);
  std::string joined;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with('\t')) joined += (joined.empty() ? "" : " ") + line;
  return joined;
}

}  // namespace postgres
}  // namespace pawl
