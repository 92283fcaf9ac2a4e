// What capture_live recorded, read back by the steps that change things and by their undos. Its
// form in the journal:
//   {function_exists, nothing_live, url, live_version,
//    latest: {image_uri, digest, code_sha256, revision_id, architecture},
//    alias:  {exists, version, description, revision_id, weights: {version: share}},
//    live:   {image_uri, digest, function_version},
//    pins:   {role, memory_mb, timeout_seconds, environment: {name: hash}},
//    concurrency: {reserved, provisioned, provisioned_for},
//    health_before: {asked, ok, version, result}}
#pragma once

#include <optional>
#include <string>

#include "core/deployment.h"
#include "engine/ports/functions.h"
#include "engine/steps/pins.h"

namespace pawl::steps {

struct CapturedLatest {
  std::string image_uri;  // by digest wherever the service said it
  std::string digest;
  std::string code_sha256;
  std::string revision_id;
  std::string architecture;
};

struct CapturedLive {
  std::string image_uri;
  std::string digest;
  std::string function_version;  // empty: $LATEST
};

struct HealthBefore {
  bool asked = false;
  bool ok = false;
  std::string version;
  std::string result;
};

struct Captured {
  bool function_exists = false;
  bool nothing_live = true;
  std::string url;
  CapturedLatest latest;
  std::optional<AliasState> alias;  // no value: there was none
  CapturedLive live;
  Pins pins;                    // of the live version
  std::optional<int> reserved;  // concurrency of the function
  int provisioned = 0;
  std::string provisioned_for;  // the alias or the live version
  HealthBefore health_before;
};

json::object to_json(const Captured& captured);
/// An Error when the deployment has no such record: then nothing may be changed.
Result<Captured> captured_of(const Deployment& deployment);

}  // namespace pawl::steps
