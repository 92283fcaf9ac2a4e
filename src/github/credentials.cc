#include "github/credentials.h"

namespace pawl {
namespace {

class FixedToken : public GitHubCredentials {
 public:
  explicit FixedToken(Secret token) : token_(std::move(token)) {}
  Task<Result<Secret>> token() override { co_return token_; }
  bool renew(const Secret&, std::string_view) override { return false; }
  std::string description() const override { return "the token"; }

 private:
  Secret token_;
};

}  // namespace

std::shared_ptr<GitHubCredentials> fixed_token(Secret token) {
  return std::make_shared<FixedToken>(std::move(token));
}

}  // namespace pawl
