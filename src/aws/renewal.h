// Credentials that end, renewed ahead of their end: never in the middle of a rollback, and once for
// all requests that run side by side.
#pragma once

#include <memory>

#include "aws/client.h"

namespace pawl::aws {

/// Gives credentials anew each time; what is asked for them is behind it.
class CredentialIssuer {
 public:
  virtual ~CredentialIssuer() = default;
  virtual Task<Result<Credentials>> issue() = 0;
  /// What was given is refused as expired; so may be what stands behind it.
  virtual void forget() {}
};

/// So long before their end credentials are renewed, or a quarter of their life when that is less.
/// When it fails and the old ones still serve, these are given, and it is tried again after
/// kRenewPause.
constexpr std::chrono::minutes kRenewAhead{5};
constexpr std::chrono::seconds kRenewPause{30};

/// Credentials without an end are kept until AWS refuses them.
std::unique_ptr<CredentialSource> renewed_ahead(ClientPorts ports,
                                                std::unique_ptr<CredentialIssuer> issuer);

}  // namespace pawl::aws
