// The backend file from its template.
#include <fmt/format.h>

#include <algorithm>

#include "terraform/terraform.h"

namespace pawl {
namespace {

Error at_line(std::string_view text, size_t at, const std::string& what) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return Error(ErrorKind::config, fmt::format("line {}: {}", line, what))
      .with_hint("only ${AWS_ACCOUNT_ID} and ${AWS_REGION} are filled in");
}

}  // namespace

Result<std::string> fill_backend_template(std::string_view text, const std::string& account_id,
                                          const std::string& region) {
  std::string filled;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find("${", at);
    filled += text.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find_first_of("}\n", open);
    if (close == std::string_view::npos || text[close] != '}')
      return at_line(text, open, "'${' without its '}'");
    const auto name = text.substr(open + 2, close - open - 2);
    const bool is_account = name == "AWS_ACCOUNT_ID";
    if (!is_account && name != "AWS_REGION")
      return at_line(text, open, fmt::format("'${{{}}}' is not known", name.substr(0, 60)));
    const std::string& value = is_account ? account_id : region;
    if (value.empty()) return at_line(text, open, fmt::format("there is no value for {}", name));
    filled += value;
    at = close + 1;
  }
  return filled;
}

}  // namespace pawl
