// Docker's folders of certificates: certs.d/HOST[:PORT]/ with *.crt for the roots of a private CA,
// and NAME.cert with NAME.key for who we are to a registry that asks for a client's certificate.
// https://docs.docker.com/engine/security/certificates/
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http_client.h"

namespace pawl::oci {

class CertificateFolders {
 public:
  CertificateFolders() = default;
  /// The first folder that has anything for a host is the one that counts.
  explicit CertificateFolders(std::vector<std::string> folders) : folders_(std::move(folders)) {}

  /// nullptr: there is nothing for that host. What cannot be read is left out, which --verbose
  /// tells: the connection says then what it lacks.
  std::shared_ptr<const TlsFiles> find(const std::string& host) const;

 private:
  std::vector<std::string> folders_;
};

}  // namespace pawl::oci
