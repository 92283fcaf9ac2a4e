#include "terraform/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace pawl {
namespace {

constexpr size_t kMaxErrorBytes = 2'000;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

std::string diagnostic_text(const json::object& line) {
  std::string text = string_or(line, "diagnostic.summary");
  const std::string detail = string_or(line, "diagnostic.detail");
  if (!detail.empty()) text += ": " + detail;
  const std::string file = string_or(line, "diagnostic.range.filename");
  if (!file.empty())
    text += fmt::format(" ({}:{})", file, int_or(line, "diagnostic.range.start.line"));
  return text;
}

// "  Who:       ana@laptop" -> "ana@laptop"
std::string lock_field(std::string_view text, std::string_view name) {
  const size_t at = text.find(name);
  if (at == std::string_view::npos) return "";
  const size_t start = text.find_first_not_of(' ', at + name.size());
  if (start == std::string_view::npos) return "";
  const size_t end = std::min(text.find('\n', start), text.size());
  return std::string(text.substr(start, end - start));
}

// Terraform appends the lock's record to the error: ID, Path, Operation, Who, Version, Created,
// Info.
Error lock_error(const std::string& program, const std::string& what, const std::string& error) {
  const std::string who = lock_field(error, "Who:");
  const std::string id = lock_field(error, "ID:");
  std::string operation = lock_field(error, "Operation:");
  if (operation.rfind("OperationType", 0) == 0) {
    operation.erase(0, std::string_view("OperationType").size());
    std::transform(operation.begin(), operation.end(), operation.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  if (who.empty())
    return Error(ErrorKind::conflict, fmt::format("{} failed: {}", what, plain_error(error)))
        .with_hint("wait for the run that holds the lock")
        .with_code(std::string(kStateLocked));
  return Error(ErrorKind::conflict,
               fmt::format("{} cannot go on: the state is locked by {} ({}, since {}, lock {})",
                           what, who, operation.empty() ? "unknown operation" : operation,
                           lock_field(error, "Created:"), id))
      .with_hint(fmt::format(
          "wait for that run; when it is certain that it is gone: {} force-unlock {}", program, id))
      .with_code(std::string(kStateLocked));
}

}  // namespace

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
  } else if (type == "apply_complete" || type == "apply_errored") {
    result.is_resource_done = true;
  } else if (type == "diagnostic" && string_or(*object, "diagnostic.severity") == "error") {
    result.is_error = true;
    result.error_detail = diagnostic_text(*object);
  }
  return result;
}

std::string plain_error(std::string_view text) {
  std::string line;
  bool space = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+2500..U+257F, the frame, is E2 94 xx and E2 95 xx in UTF-8.
    if (c == 0xE2 && i + 2 < text.size() &&
        (static_cast<unsigned char>(text[i + 1]) & 0xFE) == 0x94) {
      i += 2;
      space = true;
    } else if (c <= ' ') {
      space = true;
    } else {
      if (space && !line.empty()) line += ' ';
      space = false;
      line += text[i];
    }
  }
  if (line.rfind("Error: ", 0) == 0) line.erase(0, 7);
  return line.substr(0, kMaxErrorBytes);
}

bool needs_init(std::string_view error) {
  return contains_any(
      error, {"Backend initialization required", "Backend configuration changed",
              "Initial configuration of the requested backend", "Inconsistent dependency lock file",
              "Module not installed", "Required plugins are not installed", "Could not load plugin",
              "Missing required provider", "terraform init", "tofu init"});
}

bool is_state_locked(std::string_view error) {
  return contains_any(error, {"acquiring the state lock", "locking state"}) &&
         contains_any(error, {"Lock Info", "Who:", "PreconditionFailed", "ConditionalCheckFailed",
                              "lready locked", "conditionNotMet", "temporarily unavailable"});
}

Error terraform_error(const std::string& program, const std::string& verb,
                      const std::string& error) {
  const std::string what = fmt::format("`{} {}`", program, verb);
  if (is_state_locked(error)) return lock_error(program, what, error);
  const std::string text = fmt::format("{} failed: {}", what, plain_error(error));
  if (contains_any(error, {"Saved plan is stale", "plan file can no longer be applied"}))
    return Error(ErrorKind::conflict, text)
        .with_hint("somebody changed the infrastructure since the plan was made: deploy again");
  if (contains_any(error, {"No valid credential sources", "InvalidClientTokenId", "ExpiredToken",
                           "AccessDenied", "UnrecognizedClientException"}))
    return Error(ErrorKind::denied, text)
        .with_hint("check the AWS credentials and the rights of their role: pawl doctor");
  return Error(ErrorKind::failed, text).with_hint("the whole output: pawl logs");
}

}  // namespace pawl
