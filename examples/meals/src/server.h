// The App as a plain HTTP server, for trying it out: no Lambda, no gateway. It also serves the
// static assets from app/static, which in the cloud come from a bucket.
#pragma once

#include "app.h"

namespace meals::server {

// Listens on 127.0.0.1 (on all addresses if HOST=0.0.0.0); port 0 picks a free one. Prints where,
// once it can be reached. Returns, with an exit status, only when it cannot listen.
int run(const App& app, int port);

}  // namespace meals::server
