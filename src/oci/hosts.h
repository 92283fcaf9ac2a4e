// From the host in an image's name to the URL that is really spoken to: https, plain HTTP on
// loopback, Docker Hub's other name, and the overrides of PAWL_REGISTRIES.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pawl::oci {

class RegistryHosts {
 public:
  RegistryHosts() = default;
  /// "ghcr.io=http://127.0.0.1:4512,other.example=https://mirror.example": the syntax of
  /// PAWL_REGISTRIES. Empty text is no override.
  static Result<RegistryHosts> parse(std::string_view overrides);

  void add(std::string host, std::string base_url);
  /// Hosts that are to be spoken to without TLS although they are not on loopback.
  void allow_plain_http(std::string host) { plain_.insert(std::move(host)); }

  /// "https://ghcr.io", without a slash at the end.
  std::string base_url(std::string_view host) const;

 private:
  std::map<std::string, std::string, std::less<>> overrides_;
  std::set<std::string, std::less<>> plain_;
};

/// Docker Hub keeps one-word names under "library/".
std::string repository_path(std::string_view host, std::string_view repository);

}  // namespace pawl::oci
