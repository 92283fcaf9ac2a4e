#include "github/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace pawl {
namespace {

std::string rollback_words(const DeploymentReport& report) {
  if (report.rollback_status == "succeeded")
    return "rolled back: what was live before is live again";
  if (report.rollback_status == "nothing_to_undo") return "nothing had been changed";
  if (report.rollback_status == "failed")
    return "the rollback FAILED: the environment needs a person";
  return report.rollback_status.empty() ? "no rollback" : report.rollback_status;
}

// The length of the character that begins there, 0 when none does (RFC 3629, section 4).
size_t sequence_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80u) return 1;
  if (first >= 0xC2u && first <= 0xDFu) return follows(1) ? 2 : 0;
  if (first >= 0xE0u && first <= 0xEFu) {
    const bool is_long = first != 0xE0u || second >= 0xA0u;
    const bool is_surrogate = first == 0xEDu && second >= 0xA0u;
    return follows(1) && follows(2) && is_long && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0u && first <= 0xF4u) {
    const bool is_in_range =
        (first != 0xF0u || second >= 0x90u) && (first != 0xF4u || second < 0x90u);
    return follows(1) && follows(2) && follows(3) && is_in_range ? 4 : 0;
  }
  return 0;
}

std::string the_rest(const DeploymentReport& report) {
  return fmt::format("... the rest is in `pawl show {}`", report.deployment_id);
}

// Bytes that are no UTF-8 become U+FFFD, control characters spaces.
std::string valid_text(std::string_view text) {
  std::string valid;
  for (size_t at = 0; at < text.size();) {
    const size_t length = sequence_at(text, at);
    if (length == 0) {
      valid += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    const char c = text[at];
    const bool is_control = length == 1 && static_cast<unsigned char>(c) < ' ' && c != '\n';
    if (is_control || c == 0x7f)
      valid += ' ';
    else
      valid += text.substr(at, length);
    at += length;
  }
  return valid;
}

// In a table a bar ends the cell, and a line its row.
std::string as_cell(std::string_view text) {
  std::string cell;
  for (const char c : as_prose(text)) {
    if (c == '|')
      cell += "\\|";
    else
      cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

// Within backticks nothing is markup, but another backtick.
std::string as_code(std::string text) {
  std::replace(text.begin(), text.end(), '`', '\'');
  return "`" + text + "`";
}

std::string facts_table(const DeploymentReport& report) {
  std::string table = "| | |\n|---|---|\n";
  const auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) table += fmt::format("| {} | {} |\n", name, as_cell(value));
  };
  row("environment", report.environment);
  row("version", report.version);
  row("commit", report.sha);
  row("outcome", report.outcome);
  row("rollback", is_failure(report) ? rollback_words(report) : "");
  row("deployment", as_code(report.deployment_id));
  row("asked by", report.actor);
  row("url", report.url);
  return table;
}

}  // namespace

std::string cut(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit > 3 ? limit - 3 : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

std::string cut_at_word(std::string text, size_t limit) {
  const auto starts_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  };
  if (static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character)) <= limit)
    return text;
  constexpr size_t kDots = 3;
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end)
    if (starts_character(text[end]) && ++seen > limit - kDots) break;
  // A long word is cut all the same.
  const size_t space = text.rfind(' ', end);
  if (space != std::string::npos && space > end / 2) end = space;
  text.resize(end);
  return text + "...";
}

std::string cut_at_line(std::string text, size_t limit, const std::string& tail) {
  if (text.size() <= limit) return text;
  constexpr std::string_view kFence = "```";
  const size_t room = limit - std::min(limit, tail.size() + kFence.size() + 3);
  std::string kept = cut(text, room);
  // A line that takes up most of it is cut itself.
  const size_t line = text.rfind('\n', room);
  if (line != std::string::npos && line > room / 2) kept = text.substr(0, line);
  size_t fences = 0;
  for (size_t at = kept.find(kFence); at != std::string::npos; at = kept.find(kFence, at + 3))
    ++fences;
  if (fences % 2 == 1) kept += "\n```";
  return kept + "\n\n" + tail;
}

std::string as_prose(std::string_view text) {
  std::string prose;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<') {
      prose += "&lt;";
      continue;
    }
    prose += c;
    const bool is_name = c == '@' && (i == 0 || !is_word(text[i - 1])) && i + 1 < text.size() &&
                         is_word(text[i + 1]);
    if (is_name) prose += "&#8203;";  // a space without width: nobody of that name is called
  }
  return prose;
}

DeploymentReport presentable(DeploymentReport report) {
  for (std::string* text :
       {&report.deployment_id, &report.app, &report.repository, &report.environment, &report.sha,
        &report.version, &report.rollback_status, &report.reason, &report.url,
        &report.details_markdown, &report.actor, &report.release_key, &report.base_sha})
    *text = valid_text(*text);
  return report;
}

bool is_failure(const DeploymentReport& report) {
  return report.outcome == "rolled_back" || report.outcome == "failed";
}

std::string headline(const DeploymentReport& report) {
  const auto& version = report.version;
  const auto& where = report.environment;
  if (report.outcome == "in_progress")
    return fmt::format("{} is being deployed to {}", version, where);
  if (report.outcome == "succeeded") return fmt::format("{} is live in {}", version, where);
  if (report.outcome == "rolled_back")
    return fmt::format("{} failed in {}; {}", version, where, rollback_words(report));
  if (report.outcome == "cancelled")
    return fmt::format("the deployment of {} to {} was cancelled{}", version, where,
                       report.rollback_status == "left" ? ", and left part-way" : "");
  return fmt::format("{} failed in {}, which is not as it was", version, where);
}

std::string short_description(const DeploymentReport& report) {
  return cut_at_word(headline(report), kMaxStatusDescription);
}

std::string check_summary(const DeploymentReport& report) {
  std::string text = facts_table(report);
  if (!report.reason.empty() && report.outcome != "succeeded")
    text += "\n" + as_prose(report.reason) + "\n";
  return cut_at_line(std::move(text), kMaxCheckText, the_rest(report));
}

std::string check_text(const DeploymentReport& report, const Changes& changes) {
  std::string text = report.details_markdown;
  if (const auto brought = changes_markdown(report, changes); !brought.empty())
    text += "\n" + brought;
  return cut_at_line(std::move(text), kMaxCheckText, the_rest(report));
}

std::string changes_markdown(const DeploymentReport& report, const Changes& changes) {
  if (report.base_sha.empty() && changes.commits.empty()) return "";
  std::string text =
      fmt::format("**What it brings:** {}", as_prose(headline(changes, report.base_sha)));
  if (!changes.url.empty()) text += fmt::format(" ([compare]({}))", changes.url);
  text += "\n\n";
  for (const auto& commit : changes.commits)
    text += fmt::format("- {} {}, {}\n", commit.sha, as_code(valid_text(commit.subject)),
                        as_prose(valid_text(commit.author)));
  const auto shown = static_cast<int64_t>(changes.commits.size());
  if (shown > 0 && changes.listed() > shown)
    text += fmt::format("- and {} older ones\n", changes.listed() - shown);
  return text;
}

std::string issue_title(const DeploymentReport& report) {
  return cut(fmt::format("{} {} failed in {}", report.app, report.version, report.environment),
             256);
}

std::string issue_body(const DeploymentReport& report, const Changes& changes) {
  constexpr size_t kMarkers = 1'024;  // what is put behind it
  std::string head = headline(report) + ".\n\n" + facts_table(report);
  if (!report.reason.empty()) head += "\n**Why:** " + as_prose(report.reason) + "\n";
  head = cut_at_line(std::move(head), kMaxIssueBody / 2, the_rest(report));
  const std::string end = fmt::format(
      "\nLook closer with `pawl show {0}` and `pawl logs {0}`. This issue is closed by the next "
      "verified deployment to {1}.\n",
      report.deployment_id, report.environment);
  std::string middle = "\n" + report.details_markdown + "\n" + changes_markdown(report, changes);
  const size_t room = kMaxIssueBody - kMarkers - head.size() - end.size();
  return head + cut_at_line(std::move(middle), room, the_rest(report)) + end;
}

std::string issue_comment(const DeploymentReport& report) {
  std::string text = "Failed again: " + headline(report) + ".\n\n" + facts_table(report);
  if (!report.reason.empty()) text += "\n**Why:** " + as_prose(report.reason) + "\n";
  return cut_at_line(std::move(text), kMaxIssueBody - 512, the_rest(report));
}

std::string closing_comment(const DeploymentReport& report) {
  return fmt::format("{} is live in {} and verified (deployment `{}`).", report.version,
                     report.environment, report.deployment_id);
}

}  // namespace pawl
