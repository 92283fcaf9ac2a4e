// The words that GitHub is told in, within GitHub's limits. What came from elsewhere (errors,
// commit messages, names) is shown as text: it makes no markup and calls nobody.
#pragma once

#include <string>

#include "engine/ports/forge.h"
#include "github/changes.h"

namespace pawl {

constexpr size_t kMaxStatusDescription = 140;  // characters of a commit or deployment status
constexpr size_t kMaxCheckText = 65'535;       // characters of a check run's summary or text
constexpr size_t kMaxIssueBody = 65'536;

/// The report with every text in valid UTF-8 and without control characters: GitHub refuses a body
/// that is not.
DeploymentReport presentable(DeploymentReport report);

/// "1.4.2 is live in dev" and so on.
std::string headline(const DeploymentReport& report);
/// The headline, cut to 140 characters between two words.
std::string short_description(const DeploymentReport& report);
std::string check_summary(const DeploymentReport& report);
/// The step table, then the commits; cut between two lines.
std::string check_text(const DeploymentReport& report, const Changes& changes);
std::string issue_title(const DeploymentReport& report);
std::string issue_body(const DeploymentReport& report, const Changes& changes);
/// A further failure of the same release.
std::string issue_comment(const DeploymentReport& report);
std::string closing_comment(const DeploymentReport& report);
/// The commits as a list, newest first; a sentence when there is none to show.
std::string changes_markdown(const DeploymentReport& report, const Changes& changes);

bool is_failure(const DeploymentReport& report);  // rolled_back or failed

/// At most `limit` bytes, never within a UTF-8 sequence, "..." at the end when cut.
std::string cut(std::string text, size_t limit);
/// At most `limit` characters, between two words where there are some, "..." at the end when cut.
std::string cut_at_word(std::string text, size_t limit);
/// At most `limit` bytes: whole lines, with a code block closed, then `tail` on lines of its own.
std::string cut_at_line(std::string text, size_t limit, const std::string& tail);
/// Not markup, and nobody's name.
std::string as_prose(std::string_view text);

}  // namespace pawl
