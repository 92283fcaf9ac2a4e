// AWS STS: who we are, and becoming a role. https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once

#include <string>

#include "aws/client.h"
#include "engine/ports/identity.h"

namespace pawl::aws {

class Sts : public Identity {
 public:
  explicit Sts(Client& client) : client_(client) {}
  /// Needs no permission at all: it tells whether the credentials are any good.
  Task<Result<CallerIdentity>> caller() override;

 private:
  Client& client_;
};

struct AssumeRequest {
  std::string role_arn;
  std::string session_name;
  Secret token;  // the identity provider's
  std::chrono::seconds duration{3600};
};
/// AssumeRoleWithWebIdentity: not signed, the token is what counts.
Task<Result<Credentials>> assume_role_with_web_identity(Client& client, AssumeRequest request);

struct ChainedRole {
  std::string role_arn;
  std::string session_name;
  std::string external_id;  // empty: none
  std::chrono::seconds duration{3600};
};
/// AssumeRole, signed with the client's credentials.
Task<Result<Credentials>> assume_role(Client& client, ChainedRole role);

/// What STS allows in a session's name ([\w+=,.@-], 2 to 64 characters); anything else becomes "-".
std::string session_name_from(std::string_view text);

}  // namespace pawl::aws
