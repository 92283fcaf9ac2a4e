// Why Lambda could not take an image, or start a version: its own words, and what to do about each
// of its reason codes.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
#pragma once

#include "engine/ports/functions.h"

namespace pawl::steps {

/// For a function or version whose State or LastUpdateStatus is Failed.
Error update_failed(const FunctionState& state);

}  // namespace pawl::steps
