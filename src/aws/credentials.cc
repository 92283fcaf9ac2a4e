#include "aws/credentials.h"

#include <fmt/format.h>

#include "aws/canonical.h"

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

Result<Credentials> parse_shared_credentials(std::string_view text, std::string_view profile) {
  Credentials credentials;
  std::string secret;
  std::string token;
  bool is_ours = false;
  bool found = false;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      std::string_view name = trim(line.substr(1, line.find(']') - 1));
      if (name.rfind("profile ", 0) == 0) name = trim(name.substr(8));
      is_ours = name == profile;
      found = found || is_ours;
      continue;
    }
    const auto equals = line.find('=');
    if (!is_ours || equals == std::string_view::npos) continue;
    const std::string name = lower_case(trim(line.substr(0, equals)));
    const std::string_view value = trim(line.substr(equals + 1));
    if (name == "aws_access_key_id") credentials.access_key_id = value;
    if (name == "aws_secret_access_key") secret = value;
    if (name == "aws_session_token") token = value;
  }
  if (!found) return Error(ErrorKind::not_found, fmt::format("there is no profile [{}]", profile));
  if (credentials.access_key_id.empty() || secret.empty())
    return Error(ErrorKind::denied, fmt::format("profile [{}] has no aws_access_key_id with its "
                                                "aws_secret_access_key",
                                                profile));
  credentials.secret_access_key = Secret(std::move(secret));
  credentials.session_token = Secret(std::move(token));
  return credentials;
}

}  // namespace pawl::aws
