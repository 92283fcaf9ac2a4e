// The answers that the parts of the registry share; internal to this folder.
#pragma once

#include <string>

#include "net/http_server.h"
#include "sandbox/registry/registry.h"

namespace pawl::sandbox {

/// What a path under /v2/ names. `reference`: a tag, a digest or an upload's id.
struct Registry::Route {
  enum class Kind { base, catalog, tags, manifest, blob, upload, referrers } kind = Kind::base;
  std::string repository;
  std::string reference;
};

/// {"errors": [{"code", "message", "detail"}]}
ServerResponse registry_error(const RegistryRefusal& refusal);
ServerResponse registry_error(int status, std::string code, std::string message);

}  // namespace pawl::sandbox
