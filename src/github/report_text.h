// The words that GitHub is told in, within GitHub's limits.
#pragma once

#include <string>

#include "engine/ports/forge.h"

namespace pawl {

constexpr size_t kMaxStatusDescription = 140;  // characters of a commit or deployment status
constexpr size_t kMaxCheckText = 65'535;       // characters of a check run's summary or text
constexpr size_t kMaxIssueBody = 65'536;

/// "1.4.2 is live in dev" and so on.
std::string headline(const DeploymentReport& report);
/// The headline and the reason, cut to 140 characters.
std::string short_description(const DeploymentReport& report);
std::string check_summary(const DeploymentReport& report);
std::string issue_title(const DeploymentReport& report);
std::string issue_body(const DeploymentReport& report);
/// A further failure of the same release.
std::string issue_comment(const DeploymentReport& report);
std::string closing_comment(const DeploymentReport& report);

bool is_failure(const DeploymentReport& report);  // rolled_back or failed

/// At most `limit` bytes, never within a UTF-8 sequence, "..." at the end when cut.
std::string cut(std::string text, size_t limit);

}  // namespace pawl
