// Who we are to AWS, in the words of `pawl doctor`.
#pragma once

#include <string>

#include "aws/credentials.h"
#include "engine/ports/identity.h"

namespace pawl {

/// As whom, by which credentials, until when. Names no secret.
std::string identity_words(const CallerIdentity& caller, const aws::Credentials& credentials,
                           WallTime now);

}  // namespace pawl
