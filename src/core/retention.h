// Which published versions of a function may go. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace pawl {

/// Those of `versions` (numbers) that are neither among the newest `keep` nor in use, oldest first.
/// What is no number is never among them.
std::vector<std::string> versions_to_delete(const std::vector<std::string>& versions, int keep,
                                            const std::set<std::string>& in_use);

}  // namespace pawl
