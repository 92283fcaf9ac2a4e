#include "aws/credentials.h"

namespace pawl::aws {
namespace {

class StaticSource : public CredentialSource {
 public:
  explicit StaticSource(Credentials credentials) : credentials_(std::move(credentials)) {}
  Task<Result<Credentials>> get() override { co_return credentials_; }

 private:
  Credentials credentials_;
};

class NoSource : public CredentialSource {
 public:
  explicit NoSource(Error error) : error_(std::move(error)) {}
  Task<Result<Credentials>> get() override { co_return error_; }

 private:
  Error error_;
};

}  // namespace

std::unique_ptr<CredentialSource> static_credentials(Credentials credentials) {
  return std::make_unique<StaticSource>(std::move(credentials));
}

std::unique_ptr<CredentialSource> no_credentials(Error error) {
  return std::make_unique<NoSource>(std::move(error));
}

}  // namespace pawl::aws
