// meals: a small web application. Where AWS_LAMBDA_RUNTIME_API is set it is a Lambda function,
// elsewhere a plain HTTP server on $PORT (8080 when unset).
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "app.h"
#include "lambda.h"
#include "server.h"
#include "storage.h"

int main() {
  // The first process of a container is not ended by a signal that it does not handle.
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { ::_exit(0); });
  }

  auto app = meals::App::from_environment();
  const char* problem = "the list of static assets (MEALS_ASSETS) cannot be read";
  if (!app) std::fprintf(stderr, "meals: %s\n", problem);

  const std::string runtime_api = meals::environment("AWS_LAMBDA_RUNTIME_API", "");
  if (!runtime_api.empty()) return meals::lambda::run(runtime_api, std::move(app), problem);
  return app ? meals::server::run(*app, std::atoi(meals::environment("PORT", "8080").c_str())) : 1;
}
