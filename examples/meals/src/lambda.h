// The Lambda side: asks the Runtime API for the next event, has the App answer it, and posts the
// answer, over and over. Events are API Gateway's (HTTP API, payload format 2.0) or, invoked
// directly,
// {"admin_operation": "run_migrations", "idempotency_key": "..."}.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
#pragma once

#include <optional>
#include <string>

#include "app.h"

namespace meals::lambda {

// Serves events until the Runtime API goes away, and gives the exit status. Without an `app` it
// reports `problem` as the reason why this function could not start.
int run(const std::string& runtime_api, std::optional<App> app, const std::string& problem);

}  // namespace meals::lambda
