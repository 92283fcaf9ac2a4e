// Runs functions for real: finds an idle instance of the version that is called, or starts one (a
// cold start), keeps it for the next call, and ends what was idle for long. One instance handles
// one event at a time, as on Lambda.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/function_runner.h"
#include "sandbox/runner/instance.h"

namespace pawl::sandbox {

class ImageRunner : public FunctionRunner {
 public:
  ImageRunner(Loop& loop, const RegistryStore& store, FunctionLogs& logs, Isolation isolation,
              std::filesystem::path folder, RunnerSettings settings);
  ~ImageRunner() override;

  Task<Result<InvokeResult>> invoke(InvokeRequest request) override;
  void keep_warm(FunctionCode code, int instances) override;
  void retire(std::string function, std::string version) override;
  Task<void> stop() override;

  struct Count {
    std::string function;
    std::string version;
    size_t instances = 0;
    size_t busy = 0;
  };
  std::vector<Count> counts() const;
  const Isolation& isolation() const { return isolation_; }

 private:
  // What instances must have in common to take each other's calls.
  struct Key {
    std::string function, version, revision;
    auto operator<=>(const Key&) const = default;
  };
  static Key key_of(const FunctionCode& code) {
    return {code.function, code.version, code.revision};
  }
  using Pool = std::vector<std::shared_ptr<Instance>>;

  Task<Result<UnpackedImage>> image_of(const FunctionCode& code);
  Result<std::shared_ptr<Instance>> claim(const FunctionCode& code, const UnpackedImage& image);
  bool make_room();
  size_t count_all() const;
  Task<void> warm_up(FunctionCode code, int instances);
  Task<void> reap_idle();
  void bury_later();
  void bury();

  Loop& loop_;
  FunctionLogs& logs_;
  Isolation isolation_;
  RunnerSettings settings_;
  ImageCache images_;
  std::map<Key, Pool> pools_;
  std::map<Key, int> warm_;
  bool stopped_ = false;
  uint64_t next_id_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Scope scope_;
};

}  // namespace pawl::sandbox
