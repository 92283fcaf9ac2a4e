// The account that a deployment runs in.
#pragma once

#include "engine/ports/identity.h"

namespace pawl::fakes {

class FakeIdentity : public Identity {
 public:
  Task<Result<CallerIdentity>> caller() override;
};

}  // namespace pawl::fakes
