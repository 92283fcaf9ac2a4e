#include <fmt/format.h>

#include "terraform/terraform.h"

namespace pawl {

Result<std::string> fill_backend_template(std::string_view text, const std::string& account_id,
                                          const std::string& region) {
  std::string filled;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find("${", at);
    filled += text.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find('}', open);
    const auto name = close == std::string_view::npos ? std::string_view()
                                                      : text.substr(open + 2, close - open - 2);
    if (name == "AWS_ACCOUNT_ID") {
      filled += account_id;
    } else if (name == "AWS_REGION") {
      filled += region;
    } else {
      return Error(ErrorKind::config,
                   fmt::format("the backend template has '${{{}}}'", name.substr(0, 60)))
          .with_hint("only ${AWS_ACCOUNT_ID} and ${AWS_REGION} are filled in");
    }
    at = close + 1;
  }
  return filled;
}

TerraformLine read_terraform_line(std::string_view line) {
  TerraformLine result;
  auto object = parse_json_object(line, "a line of terraform");
  if (!object.ok()) return result;
  const std::string type = string_or(*object, "type");
  result.message = string_or(*object, "@message");
  if (type == "change_summary") {
    result.is_summary = true;
    result.to_add = static_cast<int>(int_or(*object, "changes.add"));
    result.to_change = static_cast<int>(int_or(*object, "changes.change"));
    result.to_destroy = static_cast<int>(int_or(*object, "changes.remove"));
  } else if (type == "diagnostic" && string_or(*object, "diagnostic.severity") == "error") {
    result.is_error = true;
    result.error_detail = string_or(*object, "diagnostic.summary");
    const std::string detail = string_or(*object, "diagnostic.detail");
    if (!detail.empty()) result.error_detail += ": " + detail;
    const std::string file = string_or(*object, "diagnostic.range.filename");
    if (!file.empty())
      result.error_detail +=
          fmt::format(" ({}:{})", file, int_or(*object, "diagnostic.range.start.line"));
  }
  return result;
}

}  // namespace pawl
