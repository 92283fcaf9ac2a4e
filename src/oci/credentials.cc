#include "oci/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"

namespace pawl::oci {
namespace {

constexpr size_t kMaxConfigBytes = 1u << 20;
constexpr size_t kMaxHelperReplyBytes = 64u << 10;
constexpr std::chrono::milliseconds kTokenMargin{60'000};
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kDockerHubServer = "https://index.docker.io/v1/";

bool is_helper_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<Credentials> read_auth(const json::object& entry, std::string_view host,
                              std::string_view what) {
  Credentials credentials{string_or(entry, "username"), Secret(string_or(entry, "password")),
                          Secret(string_or(entry, "identitytoken"))};
  const std::string encoded = string_or(entry, "auth");
  if (encoded.empty()) return credentials;
  register_for_redaction(encoded);
  auto decoded = base64_decode(encoded);
  const size_t colon = decoded.ok() ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return Error(ErrorKind::config,
                 fmt::format("{}: 'auth' of {} is not base64 of user:password", what, host))
        .with_hint(fmt::format("docker login {}", host));
  credentials.user = decoded->substr(0, colon);
  std::string password = decoded->substr(colon + 1);
  // docker pads it with zero bytes in old files.
  password.erase(password.find_last_not_of('\0') + 1);
  if (!password.empty()) credentials.password = Secret(std::move(password));
  return credentials;
}

Result<std::string> read_helper(const json::value& value, std::string_view what) {
  const std::string name = value.is_string() ? std::string(value.get_string()) : std::string();
  if (name.empty() || is_helper_name(name)) return name;
  return Error(ErrorKind::config, fmt::format("{}: '{}' is not the name of a credential helper",
                                              what, name.substr(0, 100)));
}

class First : public CredentialSource {
 public:
  explicit First(std::vector<std::shared_ptr<CredentialSource>> sources)
      : sources_(std::move(sources)) {}
  Task<Result<std::optional<Credentials>>> find(std::string host) override {
    for (const auto& source : sources_) {
      auto found = co_await source->find(host);
      if (!found.ok() || found->has_value()) co_return found;
    }
    co_return std::optional<Credentials>();
  }
  void forget(const std::string& host) override {
    for (const auto& source : sources_) source->forget(host);
  }

 private:
  std::vector<std::shared_ptr<CredentialSource>> sources_;
};

class Fixed : public CredentialSource {
 public:
  explicit Fixed(std::map<std::string, Credentials> by_host) : by_host_(std::move(by_host)) {}
  Task<Result<std::optional<Credentials>>> find(std::string host) override {
    const auto found = by_host_.find(normalise_registry_host(host));
    if (found == by_host_.end()) co_return std::optional<Credentials>();
    co_return std::optional(found->second);
  }

 private:
  std::map<std::string, Credentials> by_host_;
};

class Docker : public CredentialSource {
 public:
  Docker(DockerConfig config, std::shared_ptr<CredentialHelpers> helpers)
      : config_(std::move(config)), helpers_(std::move(helpers)) {}

  Task<Result<std::optional<Credentials>>> find(std::string host) override {
    host = normalise_registry_host(host);
    const auto own = config_.helpers.find(host);
    const std::string helper = own != config_.helpers.end() ? own->second : config_.store;
    if (!helper.empty()) {
      auto found = co_await ask(helper, host);
      if (!found.ok() || found->has_value()) co_return found;
    }
    const auto entry = config_.auths.find(host);
    if (entry == config_.auths.end()) co_return std::optional<Credentials>();
    const Credentials& known = entry->second;
    // With a store, docker leaves an empty entry behind as a mark.
    if (known.password.empty() && known.identity_token.empty())
      co_return std::optional<Credentials>();
    co_return std::optional(known);
  }

 private:
  Task<Result<std::optional<Credentials>>> ask(std::string helper, std::string host) {
    if (helpers_ == nullptr)
      co_return Error(ErrorKind::config,
                      fmt::format("credentials for {} are kept by the helper "
                                  "docker-credential-{}, which cannot be run here",
                                  host, helper));
    auto found = co_await helpers_->get(helper, helper_server_name(host));
    co_return std::move(found).while_doing(
        fmt::format("asking docker-credential-{} for {}", helper, host));
  }

  DockerConfig config_;
  std::shared_ptr<CredentialHelpers> helpers_;
};

class Ecr : public CredentialSource {
 public:
  Ecr(std::shared_ptr<EcrTokens> tokens, Clock& clock,
      std::function<bool(const std::string&)> is_ecr)
      : tokens_(std::move(tokens)), clock_(clock), is_ecr_(std::move(is_ecr)) {}

  Task<Result<std::optional<Credentials>>> find(std::string host) override {
    if (!is_ecr_(host)) co_return std::optional<Credentials>();
    const auto known = known_.find(host);
    if (known != known_.end() && clock_.steady_now() < known->second.until)
      co_return std::optional(known->second.credentials);
    auto token = co_await tokens_->authorization_token(host);
    if (!token.ok())
      co_return std::move(token).error().while_doing("asking ECR for a token to " + host);
    if (!token->has_value()) co_return std::optional<Credentials>();
    Known fresh{{"AWS", (*token)->password, Secret()},
                clock_.steady_now() + ((*token)->valid_for - kTokenMargin)};
    known_.insert_or_assign(host, fresh);
    co_return std::optional(fresh.credentials);
  }
  void forget(const std::string& host) override { known_.erase(host); }

 private:
  struct Known {
    Credentials credentials;
    SteadyTime until;
  };
  std::shared_ptr<EcrTokens> tokens_;
  Clock& clock_;
  std::function<bool(const std::string&)> is_ecr_;
  std::map<std::string, Known> known_;
};

}  // namespace

Result<DockerConfig> DockerConfig::parse(std::string_view text, std::string_view what) {
  if (text.size() > kMaxConfigBytes)
    return Error(ErrorKind::config,
                 fmt::format("{} is larger than {} bytes", what, kMaxConfigBytes));
  auto parsed = parse_json_object(text, what);
  if (!parsed.ok()) return std::move(parsed).error().as(ErrorKind::config);
  DockerConfig config;
  if (const json::value* auths = parsed->if_contains("auths"); auths && auths->is_object()) {
    for (const auto& [key, value] : auths->get_object()) {
      if (!value.is_object()) continue;
      const std::string host = normalise_registry_host(key);
      PAWL_TRY(auto credentials, read_auth(value.get_object(), host, what));
      config.auths.insert_or_assign(host, std::move(credentials));
    }
  }
  if (const json::value* helpers = parsed->if_contains("credHelpers");
      helpers && helpers->is_object()) {
    for (const auto& [key, value] : helpers->get_object()) {
      PAWL_TRY(config.helpers[normalise_registry_host(key)], read_helper(value, what));
    }
  }
  if (const json::value* store = parsed->if_contains("credsStore")) {
    PAWL_TRY(config.store, read_helper(*store, what));
  }
  return config;
}

Result<std::optional<Credentials>> parse_helper_reply(int exit_code, std::string_view output,
                                                      std::string_view helper) {
  const std::string program = fmt::format("docker-credential-{}", helper);
  if (exit_code != 0) {
    // The helpers' protocol tells "none stored" by this sentence alone.
    if (output.find("credentials not found") != std::string_view::npos)
      return std::optional<Credentials>();
    return Error(ErrorKind::denied,
                 fmt::format("{} ended with {}: {}", program, exit_code, output.substr(0, 200)));
  }
  if (output.size() > kMaxHelperReplyBytes)
    return Error(ErrorKind::corrupt, program + " printed too much");
  PAWL_TRY(const auto reply, parse_json_object(output, "the reply of " + program));
  PAWL_TRY(auto user, require_string(reply, "Username", "the reply of " + program));
  PAWL_TRY(auto secret, require_string(reply, "Secret", "the reply of " + program));
  if (user == "<token>") return std::optional(Credentials{"", Secret(), Secret(std::move(secret))});
  return std::optional(Credentials{std::move(user), Secret(std::move(secret)), Secret()});
}

std::string normalise_registry_host(std::string_view key) {
  std::string host(key);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const std::string_view scheme : {"https://", "http://"})
    if (host.starts_with(scheme)) host.erase(0, scheme.size());
  host.erase(std::min(host.find('/'), host.size()));
  if (host == "index.docker.io" || host == "registry-1.docker.io") return std::string(kDockerHub);
  return host;
}

std::string helper_server_name(std::string_view host) {
  return std::string(host == kDockerHub ? kDockerHubServer : host);
}

std::shared_ptr<CredentialSource> first_of(std::vector<std::shared_ptr<CredentialSource>> sources) {
  return std::make_shared<First>(std::move(sources));
}

std::shared_ptr<CredentialSource> fixed_credentials(std::map<std::string, Credentials> by_host) {
  return std::make_shared<Fixed>(std::move(by_host));
}

std::shared_ptr<CredentialSource> docker_credentials(DockerConfig config,
                                                     std::shared_ptr<CredentialHelpers> helpers) {
  return std::make_shared<Docker>(std::move(config), std::move(helpers));
}

std::shared_ptr<CredentialSource> ecr_credentials(std::shared_ptr<EcrTokens> tokens, Clock& clock,
                                                  std::function<bool(const std::string&)> is_ecr) {
  return std::make_shared<Ecr>(std::move(tokens), clock, std::move(is_ecr));
}

namespace {

// Tokens are sent there: each suffix is AWS's own, for one partition on IPv4 or on both stacks.
struct EcrHostForm {
  std::string_view service;
  std::string_view suffix;
};
constexpr std::string_view kPlain[] = {".dkr.ecr.", ".dkr.ecr-fips."};
constexpr std::string_view kDual[] = {".dkr-ecr.", ".dkr-ecr-fips."};
constexpr EcrHostForm kEcrHosts[] = {
    {kPlain[0], ".amazonaws.com"},
    {kPlain[1], ".amazonaws.com"},
    {kPlain[0], ".amazonaws.com.cn"},
    {kPlain[1], ".amazonaws.com.cn"},
    {kPlain[0], ".c2s.ic.gov"},
    {kPlain[0], ".sc2s.sgov.gov"},
    {kPlain[0], ".cloud.adc-e.uk"},
    {kPlain[0], ".csp.hci.ic.gov"},
    {kPlain[0], ".amazonaws.eu"},
    {kPlain[1], ".amazonaws.eu"},
    {kDual[0], ".on.aws"},
    {kDual[1], ".on.aws"},
    {kDual[0], ".on.amazonwebservices.com.cn"},
};

}  // namespace

std::string_view ecr_region(std::string_view host) {
  constexpr size_t kAccountDigits = 12;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto account = host.substr(0, kAccountDigits);
  if (account.size() < kAccountDigits || !std::all_of(account.begin(), account.end(), is_digit))
    return {};
  for (const auto& form : kEcrHosts) {
    std::string_view rest = host.substr(kAccountDigits);
    if (!rest.starts_with(form.service) || !rest.ends_with(form.suffix)) continue;
    rest.remove_prefix(form.service.size());
    if (rest.size() <= form.suffix.size()) continue;
    rest.remove_suffix(form.suffix.size());
    if (rest.find('.') == std::string_view::npos) return rest;
  }
  return {};
}

bool is_ecr_host(std::string_view host) {
  return !ecr_region(host).empty();
}

}  // namespace pawl::oci
