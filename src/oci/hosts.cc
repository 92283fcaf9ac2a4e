#include "oci/hosts.h"

#include <fmt/format.h>

#include "net/http.h"

namespace pawl::oci {

Result<RegistryHosts> RegistryHosts::parse(std::string_view overrides) {
  RegistryHosts hosts;
  while (!overrides.empty()) {
    const size_t comma = std::min(overrides.find(','), overrides.size());
    std::string_view entry = overrides.substr(0, comma);
    overrides.remove_prefix(std::min(comma + 1, overrides.size()));
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry.empty()) continue;
    const size_t equals = entry.find('=');
    const auto url =
        equals == std::string_view::npos ? std::nullopt : split_url(entry.substr(equals + 1));
    const bool plain_address = url && url->path == "/" && url->query.empty();
    if (equals == 0 || !plain_address)
      return Error(ErrorKind::usage,
                   fmt::format("PAWL_REGISTRIES: '{}' is not HOST=URL", entry.substr(0, 200)))
          .with_hint(
              "write for example ghcr.io=http://127.0.0.1:4512, with commas between several");
    hosts.add(std::string(entry.substr(0, equals)), url->origin());
  }
  return hosts;
}

void RegistryHosts::add(std::string host, std::string base_url) {
  while (base_url.ends_with('/')) base_url.pop_back();
  overrides_.insert_or_assign(std::move(host), std::move(base_url));
}

std::string RegistryHosts::base_url(std::string_view host) const {
  if (const auto found = overrides_.find(host); found != overrides_.end()) return found->second;
  if (host == "docker.io") return "https://registry-1.docker.io";
  const auto parts = split_url(fmt::format("http://{}/", host));
  const bool plain = plain_.contains(host) || (parts && is_loopback_host(parts->host));
  return fmt::format("{}://{}", plain ? "http" : "https", host);
}

std::string repository_path(std::string_view host, std::string_view repository) {
  const bool official = host == "docker.io" && repository.find('/') == std::string_view::npos;
  return official ? fmt::format("library/{}", repository) : std::string(repository);
}

}  // namespace pawl::oci
