#include "aws/chained_role.h"

#include <fmt/format.h>

namespace pawl::aws {
namespace {

class ChainedRoleIssuer : public CredentialIssuer {
 public:
  ChainedRoleIssuer(ClientPorts ports, AwsOptions options, ChainedRole role,
                    std::shared_ptr<CredentialSource> from)
      : client_(std::move(ports), std::move(options), from),
        role_(std::move(role)),
        from_(std::move(from)) {}

  Task<Result<Credentials>> issue() override {
    ChainedRole role = role_;
    PAWL_CO_TRY(auto given, co_await assume_role(client_, std::move(role)));
    const auto signer = co_await from_->get();
    given.source = fmt::format("{}, then the role {}", signer.ok() ? signer->source : "others",
                               role_.role_arn);
    co_return given;
  }
  void forget() override { from_->forget(); }

 private:
  Client client_;
  ChainedRole role_;
  std::shared_ptr<CredentialSource> from_;
};

}  // namespace

std::unique_ptr<CredentialSource> chained_role_credentials(ClientPorts ports, AwsOptions options,
                                                           ChainedRole role,
                                                           std::shared_ptr<CredentialSource> from) {
  auto issuer = std::make_unique<ChainedRoleIssuer>(ports, std::move(options), std::move(role),
                                                    std::move(from));
  return renewed_ahead(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
