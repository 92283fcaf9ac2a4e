// The engine's ports over the cloud model: what aws/, oci/ and github/ are over HTTP.
#pragma once

#include "engine/ports/forge.h"
#include "engine/ports/function_calls.h"
#include "engine/ports/functions.h"
#include "engine/ports/health_probe.h"
#include "engine/ports/image_registry.h"
#include "engine/ports/object_store.h"
#include "engine/static_site.h"
#include "sim/world/call.h"

namespace pawl::sim {

class SimFunctions : public Functions {
 public:
  explicit SimFunctions(Gate& gate) : gate_(gate) {}
  Task<Result<FunctionState>> get(std::string name, std::string qualifier) override;
  Task<Result<FunctionState>> update_code(std::string name, std::string image_uri,
                                          std::string revision_id) override;
  Task<Result<FunctionState>> publish_version(std::string name, std::string code_sha256,
                                              std::string revision_id,
                                              std::string description) override;
  Task<Result<std::vector<FunctionState>>> list_versions(std::string name) override;
  Task<Result<std::optional<AliasState>>> get_alias(std::string function,
                                                    std::string alias) override;
  Task<Result<AliasState>> create_alias(AliasState alias) override;
  Task<Result<AliasState>> update_alias(AliasState alias) override;
  Task<Result<void>> delete_alias(std::string function, std::string alias) override;

 private:
  Gate& gate_;
};

class SimCalls : public FunctionCalls {
 public:
  explicit SimCalls(Gate& gate) : gate_(gate) {}
  Task<Result<FunctionAnswer>> call(FunctionCall wanted) override;

 private:
  Gate& gate_;
};

class SimImages : public ImageRegistry, public ImageRepositories {
 public:
  explicit SimImages(Gate& gate) : gate_(gate) {}
  Task<Result<ImageInfo>> resolve(ImageReference image, std::string platform) override;
  Task<Result<CopyResult>> copy(ImageReference source, ImageReference target, std::string platform,
                                CopyProgress progress) override;
  Task<Result<std::string>> find_uri(std::string repository_name) override;

 private:
  Gate& gate_;
};

class SimObjects : public ObjectStore {
 public:
  explicit SimObjects(Gate& gate) : gate_(gate) {}
  Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                             size_t at_most) override;
  Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) override;
  Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) override;
  Task<Result<ObjectInfo>> put(PutRequest request) override;
  Task<Result<ObjectInfo>> copy(CopyRequest request) override;
  Task<Result<void>> remove(std::string bucket, std::string key, std::string if_match) override;
  Task<Result<void>> check_bucket(std::string bucket) override;

 private:
  Gate& gate_;
};

/// The assets of each release lie in a folder of their own in the world's work tree.
class SimFiles : public StaticFiles {
 public:
  explicit SimFiles(World& world) : world_(world) {}
  Task<Result<StaticManifest>> scan(std::string directory, StaticRules rules) override;
  std::string path_of(const std::string& directory, const StaticFile& file) const override {
    return directory + "/" + file.path;
  }

 private:
  World& world_;
};

/// The application as its users reach it: which code answers is Lambda's affair.
class SimApplication : public HealthProbe, public Endpoints {
 public:
  explicit SimApplication(Gate& gate) : gate_(gate) {}
  Task<Result<ProbeAnswer>> ask(std::string url, std::string version_header,
                                std::chrono::milliseconds timeout) override;
  Task<Result<std::string>> find_url(std::string api_name) override;

 private:
  Gate& gate_;
};

class SimForge : public Forge {
 public:
  explicit SimForge(Gate& gate) : gate_(gate) {}
  Task<Result<ReportResult>> report_started(DeploymentReport report) override;
  Task<Result<ReportResult>> report_finished(DeploymentReport report) override;
  Task<Result<std::string>> check_access(std::string) override { co_return std::string("all"); }

 private:
  Task<Result<ReportResult>> report(DeploymentReport report);
  Gate& gate_;
};

}  // namespace pawl::sim
