// Errors as the adapters give them for what the fake ports do not have or do not do now.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace pawl::fakes {

inline Error not_found(std::string what) {
  return Error(ErrorKind::not_found, std::move(what));
}
inline Error precondition_failed() {
  return Error(ErrorKind::conflict, "the RevisionId is not the latest")
      .with_code("PreconditionFailedException");
}
inline Error in_progress() {
  return Error(ErrorKind::conflict, "an update is in progress")
      .with_code("ResourceConflictException");
}

}  // namespace pawl::fakes
