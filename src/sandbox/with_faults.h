// Lets a request go wrong as the fault rules say, in the words of the face it came to.
#pragma once

#include <functional>

#include "base/clock.h"
#include "net/http_server.h"
#include "sandbox/faults.h"

namespace pawl::sandbox {

/// `refuse` says a throttling (action.throttle) or an error (action.status) as the service would.
Task<ServerResponse> with_faults(Clock& clock, FaultAction action,
                                 std::function<ServerResponse(const FaultAction&)> refuse,
                                 std::function<Task<ServerResponse>()> work);

ServerResponse refuse_as_registry(const FaultAction& action);
ServerResponse refuse_as_github(const FaultAction& action);
ServerResponse refuse_as_gateway(const FaultAction& action);

}  // namespace pawl::sandbox
