// The git work tree, through the git program.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/ports/source_repository.h"
#include "process/child.h"

namespace pawl {

std::unique_ptr<SourceRepository> make_git_repository(Processes& processes, std::string directory);

/// How many commits `newer` has that `older` has not; not_found when git knows one of them not.
Task<Result<int64_t>> count_commits_between(Processes& processes, std::string directory,
                                            std::string older, std::string newer);

/// A remote's URL without user and password, as a link: "https://github.com/o/r" for
/// "git@github.com:o/r.git", too.
std::string public_remote_url(std::string url);

}  // namespace pawl
