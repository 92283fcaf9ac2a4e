// All registries that one process speaks to, each made when it is first named.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "oci/certificates.h"
#include "oci/hosts.h"
#include "oci/registry.h"

namespace pawl::oci {

/// Where registries are and who we are to them.
struct RegistryAccess {
  RegistryHosts hosts;
  std::shared_ptr<CredentialSource> credentials;
  CertificateFolders certificates = {};
};

class Registries {
 public:
  Registries(HttpClient& http, Clock& clock, Entropy& entropy, RegistryAccess access)
      : http_(http), clock_(clock), entropy_(entropy), access_(std::move(access)) {}

  /// Lives as long as this object.
  Registry& at(const std::string& host) {
    auto& registry = by_host_[host];
    if (!registry) {
      RegistryOptions options{host, access_.hosts.base_url(host), access_.credentials};
      options.tls = access_.certificates.find(host);
      registry = std::make_unique<Registry>(http_, clock_, entropy_, options);
    }
    return *registry;
  }

 private:
  HttpClient& http_;
  Clock& clock_;
  Entropy& entropy_;
  RegistryAccess access_;
  std::map<std::string, std::unique_ptr<Registry>> by_host_;
};

}  // namespace pawl::oci
