// The body of a fake port's call: the faults that are planned for it come before or after its work.
#pragma once

#include <utility>

#include "support/fakes/errors.h"
#include "support/fakes/faults.h"

// Does the work, or fails, as the faults say. `work` gives a Result.
#define PAWL_FAKE_CALL(operation, ...)                                      \
  do {                                                                      \
    auto fault = faults.next(operation);                                    \
    if (fault && !fault->after_the_work) co_return std::move(fault->error); \
    auto result = (__VA_ARGS__)();                                          \
    if (fault) co_return std::move(fault->error);                           \
    co_return result;                                                       \
  } while (false)
