// Small in-memory stand-ins for the engine's ports, for tests of steps and of the runner. Time is
// virtual: a sleep moves the clock and returns at once. Every change of the world is written to a
// ledger, and any call can be made to fail, before or after it did its work.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "engine/ports/cdn.h"
#include "engine/ports/concurrency.h"
#include "engine/ports/forge.h"
#include "engine/ports/function_calls.h"
#include "engine/ports/function_versions.h"
#include "engine/ports/functions.h"
#include "engine/ports/health_probe.h"
#include "engine/ports/identity.h"
#include "engine/ports/image_builder.h"
#include "engine/ports/image_registry.h"
#include "engine/ports/infrastructure.h"
#include "engine/ports/object_store.h"
#include "engine/static_site.h"

namespace pawl::fakes {

/// For tasks that never wait for anything outside.
template <class T>
T run(Task<T> task) {
  TaskContext context;
  task.start(&context);
  PAWL_ASSERT(task.done());
  return task.take();
}

/// "sha256:" and the hash of a word: a digest that a test can name.
inline std::string digest(std::string_view word) {
  return Digest::of(word).str();
}

class FakeClock : public Clock {
 public:
  WallTime now() const override { return {1'790'000'000'000 + elapsed_ms}; }
  SteadyTime steady_now() const override { return {elapsed_ms}; }
  Task<Result<void>> sleep_for(std::chrono::milliseconds duration) override {
    const auto stop = co_await current_stop();
    if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "asked to stop");
    elapsed_ms += duration.count();
    sleeps.push_back(duration);
    co_return ok();
  }
  int64_t elapsed_ms = 0;
  std::vector<std::chrono::milliseconds> sleeps;
};

/// Calls that are to fail, by the name of the operation.
class Faults {
 public:
  /// The next call fails and has done nothing.
  void fail(std::string operation, Error error) {
    planned_[operation].push_back({std::move(error), false});
  }
  /// The next call does its work, and its answer is lost.
  void lose_answer(std::string operation) {
    Error error = Error(ErrorKind::timeout, "no answer came").with_outcome_unknown();
    planned_[operation].push_back({std::move(error), true});
  }
  /// Run before the next call, as if somebody else had been quicker.
  void before(std::string operation, std::function<void()> action) {
    actions_[operation].push_back(std::move(action));
  }

  struct Fault {
    Error error;
    bool after_the_work = false;
  };
  std::optional<Fault> next(const std::string& operation) {
    if (auto& actions = actions_[operation]; !actions.empty()) {
      auto action = std::move(actions.front());
      actions.pop_front();
      action();
    }
    auto& planned = planned_[operation];
    if (planned.empty()) return std::nullopt;
    Fault fault = std::move(planned.front());
    planned.pop_front();
    return fault;
  }

 private:
  std::map<std::string, std::deque<Fault>> planned_;
  std::map<std::string, std::deque<std::function<void()>>> actions_;
};

inline Error not_found(std::string what) {
  return Error(ErrorKind::not_found, std::move(what));
}
inline Error precondition_failed() {
  return Error(ErrorKind::conflict, "the RevisionId is not the latest")
      .with_code("PreconditionFailedException");
}
inline Error in_progress() {
  return Error(ErrorKind::conflict, "an update is in progress")
      .with_code("ResourceConflictException");
}

// Does the work, or fails, as the faults say. `work` gives a Result.
#define PAWL_FAKE_CALL(operation, ...)                                      \
  do {                                                                      \
    auto fault = faults.next(operation);                                    \
    if (fault && !fault->after_the_work) co_return std::move(fault->error); \
    auto result = (__VA_ARGS__)();                                          \
    if (fault) co_return std::move(fault->error);                           \
    co_return result;                                                       \
  } while (false)

/// Lambda: RevisionIds that change with every change, updates that take some polls.
class FakeFunctions : public Functions, public FunctionVersions {
 public:
  struct Function {
    FunctionState latest;
    std::vector<FunctionState> versions;
    std::map<std::string, AliasState> aliases;
    int polls_left = 0;  // until an update has ended
    bool fails_update = false;
  };

  Function& add(const std::string& name, const std::string& image_uri) {
    Function& function = functions[name];
    FunctionState& latest = function.latest;
    latest.name = name;
    latest.version = "$LATEST";
    latest.state = "Active";
    latest.last_update_status = "Successful";
    latest.architecture = "x86_64";
    set_image(latest, image_uri);
    return function;
  }
  /// Publishes what the function has and points the alias to it.
  void publish_and_point(const std::string& name, const std::string& alias) {
    Function& function = functions.at(name);
    const auto version = publish(function, "by hand");
    AliasState& state = function.aliases[alias];
    state = {name, alias, version.version, "by hand", revision(), {}};
  }
  void set_image(FunctionState& state, const std::string& image_uri) {
    state.image_uri = state.resolved_image_uri = image_uri;
    const auto at = image_uri.rfind("sha256:");
    state.code_sha256 = at == std::string::npos ? "" : image_uri.substr(at + 7);
    state.revision_id = revision();
  }

  /// What the next reads tell: as it was before a change.
  std::deque<FunctionState> old_reads;
  std::deque<std::optional<AliasState>> old_alias_reads;
  template <class T>
  static T take_first(std::deque<T>& from) {
    T first = std::move(from.front());
    from.pop_front();
    return first;
  }

  Task<Result<FunctionState>> get(std::string name, std::string qualifier) override {
    PAWL_FAKE_CALL("get", [&]() -> Result<FunctionState> {
      const auto found = functions.find(name);
      if (found == functions.end()) return not_found("no function " + name);
      Function& function = found->second;
      if (qualifier.empty() && !old_reads.empty()) return take_first(old_reads);
      if (qualifier.empty()) return poll(function);
      std::string wanted = qualifier;
      if (auto alias = function.aliases.find(qualifier); alias != function.aliases.end())
        wanted = alias->second.version;
      for (auto& version : function.versions)
        if (version.version == wanted) {
          FunctionState seen = version;
          version.state = "Active";  // Pending is seen once
          return seen;
        }
      return not_found("no version " + qualifier);
    });
  }

  Task<Result<FunctionState>> update_code(std::string name, std::string image_uri,
                                          std::string revision_id) override {
    PAWL_FAKE_CALL("update_code", [&]() -> Result<FunctionState> {
      const auto found = functions.find(name);
      if (found == functions.end()) return not_found("no function " + name);
      Function& function = found->second;
      if (function.latest.last_update_status == "InProgress") return in_progress();
      if (!revision_id.empty() && revision_id != function.latest.revision_id)
        return precondition_failed();
      if (missing_images.count(image_uri) > 0) return Error(ErrorKind::failed, "no such image");
      set_image(function.latest, image_uri);
      function.latest.last_update_status = "InProgress";
      function.polls_left = polls_of_an_update;
      ledger.push_back(fmt::format("update_code {}", image_uri));
      return function.latest;
    });
  }

  Task<Result<FunctionState>> publish_version(std::string name, std::string code_sha256,
                                              std::string revision_id,
                                              std::string description) override {
    PAWL_FAKE_CALL("publish_version", [&]() -> Result<FunctionState> {
      const auto found = functions.find(name);
      if (found == functions.end()) return not_found("no function " + name);
      Function& function = found->second;
      if (function.latest.last_update_status == "InProgress") return in_progress();
      if (!revision_id.empty() && revision_id != function.latest.revision_id)
        return precondition_failed();
      if (!code_sha256.empty() && code_sha256 != function.latest.code_sha256)
        return precondition_failed();
      // Unchanged code gives the version that exists.
      if (!function.versions.empty() &&
          function.versions.back().code_sha256 == function.latest.code_sha256)
        return function.versions.back();
      auto version = publish(function, description);
      ledger.push_back("publish_version " + version.version);
      return version;
    });
  }

  Task<Result<std::vector<FunctionState>>> list_versions(std::string name) override {
    PAWL_FAKE_CALL("list_versions", [&]() -> Result<std::vector<FunctionState>> {
      const auto found = functions.find(name);
      if (found == functions.end()) return not_found("no function " + name);
      return found->second.versions;
    });
  }

  Task<Result<std::optional<AliasState>>> get_alias(std::string function,
                                                    std::string alias) override {
    PAWL_FAKE_CALL("get_alias", [&]() -> Result<std::optional<AliasState>> {
      if (!old_alias_reads.empty()) return take_first(old_alias_reads);
      const auto& aliases = functions[function].aliases;
      const auto found = aliases.find(alias);
      if (found == aliases.end()) return std::optional<AliasState>();
      return std::optional<AliasState>(found->second);
    });
  }

  Task<Result<AliasState>> create_alias(AliasState alias) override {
    PAWL_FAKE_CALL("create_alias", [&]() -> Result<AliasState> {
      auto& aliases = functions[alias.function].aliases;
      if (aliases.count(alias.name) > 0)
        return Error(ErrorKind::conflict, "the alias exists")
            .with_code("ResourceConflictException");
      return store(alias, "create_alias");
    });
  }

  Task<Result<AliasState>> update_alias(AliasState alias) override {
    PAWL_FAKE_CALL("update_alias", [&]() -> Result<AliasState> {
      auto& aliases = functions[alias.function].aliases;
      const auto found = aliases.find(alias.name);
      if (found == aliases.end()) return not_found("no alias " + alias.name);
      if (!alias.revision_id.empty() && alias.revision_id != found->second.revision_id)
        return precondition_failed();
      return store(alias, "update_alias");
    });
  }

  Task<Result<void>> delete_alias(std::string function, std::string alias) override {
    PAWL_FAKE_CALL("delete_alias", [&]() -> Result<void> {
      functions[function].aliases.erase(alias);
      ledger.push_back("delete_alias " + alias);
      return ok();
    });
  }

  Task<Result<std::vector<AliasState>>> list_aliases(std::string function) override {
    PAWL_FAKE_CALL("list_aliases", [&]() -> Result<std::vector<AliasState>> {
      std::vector<AliasState> all;
      for (const auto& [name, alias] : functions[function].aliases) all.push_back(alias);
      return all;
    });
  }
  Task<Result<void>> delete_version(std::string function, std::string version) override {
    PAWL_FAKE_CALL("delete_version", [&]() -> Result<void> {
      Function& one = functions[function];
      for (const auto& [name, alias] : one.aliases)
        if (alias.version == version || alias.additional_weights.count(version) > 0)
          return Error(ErrorKind::conflict, "an alias names it");
      std::erase_if(one.versions, [&](const auto& each) { return each.version == version; });
      ledger.push_back("delete_version " + version);
      return ok();
    });
  }

  std::map<std::string, Function> functions;
  std::vector<std::string> ledger;
  Faults faults;
  int polls_of_an_update = 2;
  std::set<std::string> missing_images;

 private:
  std::string revision() { return fmt::format("r{}", ++revisions_); }

  FunctionState poll(Function& function) {
    if (function.latest.last_update_status == "InProgress" && function.polls_left-- <= 0) {
      function.latest.last_update_status = function.fails_update ? "Failed" : "Successful";
      function.latest.last_update_reason = function.fails_update ? "cannot pull the image" : "";
      function.latest.revision_id = revision();
    }
    return function.latest;
  }

  FunctionState publish(Function& function, const std::string& description) {
    FunctionState version = function.latest;
    const int last = function.versions.empty() ? 0 : std::stoi(function.versions.back().version);
    version.version = std::to_string(std::max(last, published_) + 1);
    published_ = std::stoi(version.version);
    version.description = description;
    version.state = "Pending";
    version.revision_id = revision();
    function.versions.push_back(version);
    return version;
  }

  AliasState store(AliasState alias, std::string_view operation) {
    alias.revision_id = revision();
    functions[alias.function].aliases[alias.name] = alias;
    ledger.push_back(fmt::format("{} {} -> {}", operation, alias.name, alias.version));
    return alias;
  }

  int revisions_ = 0;
  int published_ = 0;
};

/// Functions that are called: answers in the order given, and what they were called with.
class FakeCalls : public FunctionCalls {
 public:
  Task<Result<FunctionAnswer>> call(FunctionCall call) override {
    calls.push_back(call);
    if (on_call) on_call();
    if (answers.empty()) co_return FunctionAnswer{"{\"done\": true}", "", call.qualifier, ""};
    auto answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
  std::deque<Result<FunctionAnswer>> answers;
  std::vector<FunctionCall> calls;
  std::function<void()> on_call;
};

/// What is set aside, by "function:qualifier"; it is ready after some looks.
class FakeConcurrency : public Concurrency {
 public:
  Task<Result<std::optional<ProvisionedConcurrency>>> provisioned(std::string function,
                                                                  std::string qualifier) override {
    PAWL_FAKE_CALL("provisioned", [&]() -> Result<std::optional<ProvisionedConcurrency>> {
      const auto found = set_aside.find(function + ":" + qualifier);
      if (found == set_aside.end()) return std::optional<ProvisionedConcurrency>();
      ProvisionedConcurrency& one = found->second;
      if (one.status == "IN_PROGRESS" && looks_left-- <= 0) {
        one.status = fails ? "FAILED" : "READY";
        one.status_reason = fails ? "the image cannot be started" : "";
        one.available = fails ? 0 : one.requested;
      }
      return std::optional<ProvisionedConcurrency>(one);
    });
  }
  Task<Result<ProvisionedConcurrency>> provision(std::string function, std::string qualifier,
                                                 int executions) override {
    PAWL_FAKE_CALL("provision", [&]() -> Result<ProvisionedConcurrency> {
      looks_left = 2;
      ledger.push_back(fmt::format("provision {} {}", qualifier, executions));
      return set_aside[function + ":" + qualifier] = {executions, 0, "IN_PROGRESS", ""};
    });
  }
  Task<Result<void>> unprovision(std::string function, std::string qualifier) override {
    PAWL_FAKE_CALL("unprovision", [&]() -> Result<void> {
      ledger.push_back("unprovision " + qualifier);
      set_aside.erase(function + ":" + qualifier);
      return ok();
    });
  }
  Task<Result<std::optional<int>>> reserved(std::string) override {
    PAWL_FAKE_CALL("reserved", [&]() -> Result<std::optional<int>> { return reserved_for_it; });
  }
  std::map<std::string, ProvisionedConcurrency> set_aside;
  std::optional<int> reserved_for_it;
  bool fails = false;
  int looks_left = 0;
  std::vector<std::string> ledger;
  Faults faults;
};

/// Registries: names to what they name. Copying takes no time.
class FakeImages : public ImageRegistry, public ImageRepositories {
 public:
  void add(const std::string& name, const std::string& digest_text,
           const std::string& architecture = "amd64") {
    images.insert_or_assign(name, info(digest_text, digest_text, architecture));
    const auto reference = *ImageReference::parse(name);
    images.insert_or_assign(reference.name() + "@" + digest_text,
                            info(digest_text, digest_text, architecture));
  }
  static ImageInfo info(const std::string& index, const std::string& platform,
                        const std::string& architecture) {
    return {*Digest::parse(index), *Digest::parse(platform), architecture, "linux", {}};
  }

  Task<Result<ImageInfo>> resolve(ImageReference image, std::string) override {
    PAWL_FAKE_CALL("resolve", [&]() -> Result<ImageInfo> {
      const auto found = images.find(image.str());
      if (found == images.end()) return not_found("no image " + image.str());
      return found->second;
    });
  }

  Task<Result<CopyResult>> copy(ImageReference source, ImageReference target, std::string,
                                CopyProgress progress) override {
    PAWL_FAKE_CALL("copy", [&]() -> Result<CopyResult> {
      const auto found = images.find(source.str());
      if (found == images.end()) return not_found("no image " + source.str());
      if (progress) progress(10, 10);
      const ImageInfo image = found->second;
      images.insert_or_assign(target.str(), image);
      for (const auto& each : {image.digest, image.platform_digest})
        images.insert_or_assign(target.with_digest(each).str(), image);
      ledger.push_back(fmt::format("copy {} -> {}", source.str(), target.str()));
      return CopyResult{image, 10, 1, 0};
    });
  }

  Task<Result<std::string>> find_uri(std::string repository_name) override {
    PAWL_FAKE_CALL("find_uri", [&]() -> Result<std::string> {
      const auto found = repositories.find(repository_name);
      if (found == repositories.end()) return not_found("no repository " + repository_name);
      return found->second;
    });
  }

  std::map<std::string, ImageInfo> images;
  std::map<std::string, std::string> repositories;
  std::vector<std::string> ledger;
  Faults faults;
};

class FakeObjects : public ObjectStore {
 public:
  Task<Result<std::vector<ObjectInfo>>> list(std::string bucket, std::string prefix,
                                             size_t at_most) override {
    PAWL_FAKE_CALL("list", [&]() -> Result<std::vector<ObjectInfo>> {
      std::vector<ObjectInfo> found;
      for (const auto& [key, object] : buckets[bucket])
        if (key.rfind(prefix, 0) == 0 && found.size() < at_most) found.push_back(object.info);
      return found;
    });
  }
  Task<Result<std::optional<ObjectInfo>>> head(std::string bucket, std::string key) override {
    PAWL_FAKE_CALL("head", [&]() -> Result<std::optional<ObjectInfo>> {
      const auto found = buckets[bucket].find(key);
      if (found == buckets[bucket].end()) return std::optional<ObjectInfo>();
      return std::optional<ObjectInfo>(found->second.info);
    });
  }
  Task<Result<std::optional<StoredObject>>> get(std::string bucket, std::string key) override {
    PAWL_FAKE_CALL("get", [&]() -> Result<std::optional<StoredObject>> {
      const auto found = buckets[bucket].find(key);
      if (found == buckets[bucket].end()) return std::optional<StoredObject>();
      return std::optional<StoredObject>(found->second);
    });
  }
  Task<Result<ObjectInfo>> put(PutRequest request) override {
    PAWL_FAKE_CALL("put", [&]() -> Result<ObjectInfo> {
      auto& bucket = buckets[request.bucket];
      const auto found = bucket.find(request.key);
      const bool exists = found != bucket.end();
      if (request.if_none_match && exists) return Error(ErrorKind::conflict, "it exists");
      if (!request.if_match.empty() && (!exists || found->second.info.etag != request.if_match))
        return Error(ErrorKind::conflict, "another etag");
      StoredObject object;
      if (const auto* text = std::get_if<std::string>(&request.body))
        object.body = *text;
      else
        object.body = files[std::get<FileOnDisk>(request.body).path];
      object.info = {request.key,
                     object.body.size(),
                     sha256_hex(object.body).substr(0, 32),
                     request.content_type,
                     request.cache_control,
                     request.sha256,
                     request.content_encoding};
      bucket[request.key] = object;
      ledger.push_back("put " + request.key);
      return object.info;
    });
  }
  Task<Result<void>> remove(std::string bucket, std::string key, std::string if_match) override {
    PAWL_FAKE_CALL("remove", [&]() -> Result<void> {
      if (before_removal) before_removal(bucket, key);
      const auto found = buckets[bucket].find(key);
      if (found == buckets[bucket].end()) return ok();
      if (!if_match.empty() && found->second.info.etag != if_match)
        return Error(ErrorKind::conflict, "another etag");
      buckets[bucket].erase(key);
      ledger.push_back("remove " + key);
      return ok();
    });
  }
  Task<Result<void>> check_bucket(std::string) override { co_return ok(); }

  std::map<std::string, std::map<std::string, StoredObject>> buckets;
  std::map<std::string, std::string> files;  // what FileOnDisk paths hold
  std::function<void(const std::string& bucket, const std::string& key)> before_removal;
  std::vector<std::string> ledger;
  Faults faults;
};

/// Keeps what it was told: "E1 /index.html,/style.css".
class FakeCdn : public Cdn {
 public:
  Task<Result<std::string>> invalidate(std::string distribution, std::vector<std::string> paths,
                                       std::string reference) override {
    PAWL_FAKE_CALL("invalidate", [&]() -> Result<std::string> {
      std::string entry = distribution;
      for (const auto& path : paths) entry += (&path == &paths.front() ? " " : ",") + path;
      const auto [known, is_new] = references.emplace(reference, entry);
      if (known->second != entry) return Error(ErrorKind::conflict, "the reference is taken");
      if (is_new) told.push_back(entry);
      return "I" + std::to_string(told.size());
    });
  }
  Task<Result<bool>> is_done(std::string, std::string) override {
    PAWL_FAKE_CALL("is_done", [&]() -> Result<bool> { return --looks_until_done <= 0; });
  }
  std::vector<std::string> told;
  std::map<std::string, std::string> references;
  int looks_until_done = 1;
  Faults faults;
};

/// A directory of assets in memory: path -> content. Its bodies are put into FakeObjects::files.
class FakeStaticFiles : public StaticFiles {
 public:
  explicit FakeStaticFiles(FakeObjects& objects) : objects_(objects) {}
  Task<Result<StaticManifest>> scan(std::string directory, StaticRules rules) override {
    StaticManifest manifest;
    const auto add = [&](const std::string& path, const std::string& encoding,
                         const std::string& body) {
      StaticFile file;
      file.path = path;
      file.size = body.size();
      file.sha256 = sha256_hex(body);
      file.content_encoding = encoding;
      apply_rules(rules, file);
      manifest.files.push_back(file);
      objects_.files[directory + "/" + path] = body;
    };
    for (const auto& [path, body] : content) {
      add(path, "", body);
      for (const auto& encoding : rules.compress)
        add(variant_path(path, encoding), encoding, pressed + encoding + " of " + body);
    }
    std::sort(manifest.files.begin(), manifest.files.end(),
              [](const StaticFile& a, const StaticFile& b) { return a.path < b.path; });
    co_return manifest;
  }
  std::string path_of(const std::string& directory, const StaticFile& file) const override {
    return directory + "/" + file.path;
  }
  std::map<std::string, std::string> content;
  std::string pressed;  // what variants begin with: another version of the library

 private:
  FakeObjects& objects_;
};

/// Gives the answers in order, the last one again and again.
class FakeHealth : public HealthProbe, public Endpoints {
 public:
  Task<Result<ProbeAnswer>> ask(std::string url, std::string, std::chrono::milliseconds) override {
    asked.push_back(url);
    PAWL_FAKE_CALL("ask", [&]() -> Result<ProbeAnswer> {
      if (answer_with) return answer_with();
      if (answers.empty()) return Error(ErrorKind::unavailable, "connection refused");
      ProbeAnswer answer = answers.front();
      if (answers.size() > 1) answers.pop_front();
      return answer;
    });
  }
  Task<Result<std::string>> find_url(std::string api_name) override {
    PAWL_FAKE_CALL("find_url", [&]() -> Result<std::string> {
      const auto found = urls.find(api_name);
      if (found == urls.end()) return not_found("no API " + api_name);
      return found->second;
    });
  }
  std::deque<ProbeAnswer> answers;
  std::function<Result<ProbeAnswer>()> answer_with;  // wins over `answers`
  std::map<std::string, std::string> urls;
  std::vector<std::string> asked;
  Faults faults;
};

class FakeBuilder : public ImageBuilder {
 public:
  explicit FakeBuilder(FakeImages& images) : images_(images) {}
  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    PAWL_FAKE_CALL("build_and_push", [&]() -> Result<Digest> {
      if (log) log("building");
      const std::string built = digest("image of " + request.revision);
      for (const auto& tag : request.tags) images_.add(request.image + ":" + tag, built);
      requests.push_back(request);
      return *Digest::parse(built);
    });
  }
  Task<Result<std::string>> available(BuildSettings) override {
    co_return std::string("fake builder 1");
  }
  std::vector<BuildRequest> requests;
  Faults faults;

 private:
  FakeImages& images_;
};

class FakeInfrastructure : public Infrastructure {
 public:
  Task<Result<std::string>> available(TerraformSettings) override {
    PAWL_FAKE_CALL("available", [&]() -> Result<std::string> { return std::string("fake 1"); });
  }
  void discard(const std::string& plan_file) override { ledger.push_back("discard " + plan_file); }
  Task<Result<InfrastructurePlan>> plan(InfrastructureRequest request, LogLine) override {
    PAWL_FAKE_CALL("plan", [&]() -> Result<InfrastructurePlan> {
      requests.push_back(request);
      InfrastructurePlan made;
      made.has_changes = changes > 0;
      made.to_add = changes;
      made.plan_sha256 = digest("plan");
      return made;
    });
  }
  Task<Result<void>> apply(InfrastructureRequest request, std::string plan_sha256,
                           LogLine) override {
    PAWL_FAKE_CALL("apply", [&]() -> Result<void> {
      if (plan_sha256 != digest("plan")) return Error(ErrorKind::refused, "another plan");
      changes = 0;
      ledger.push_back("apply " + request.plan_file);
      if (on_apply) on_apply();
      return ok();
    });
  }
  Task<Result<json::object>> outputs(InfrastructureRequest) override {
    json::object values{{"url", "https://meals.example"}};
    co_return values;
  }
  int changes = 1;
  std::function<void()> on_apply;
  std::vector<InfrastructureRequest> requests;
  std::vector<std::string> ledger;
  Faults faults;
};

class FakeIdentity : public Identity {
 public:
  Task<Result<CallerIdentity>> caller() override {
    co_return CallerIdentity{"000000000000", "arn:aws:iam::000000000000:user/test"};
  }
};

class FakeForge : public Forge {
 public:
  Task<Result<ReportResult>> report_started(DeploymentReport report) override {
    PAWL_FAKE_CALL("report_started", [&]() -> Result<ReportResult> {
      started.push_back(report);
      ReportResult told;
      told.check_run = "https://github.example/check/1";
      told.deployment = "https://github.example/deployment/1";
      told.cut_off = cut_off;
      return told;
    });
  }
  Task<Result<ReportResult>> report_finished(DeploymentReport report) override {
    PAWL_FAKE_CALL("report_finished", [&]() -> Result<ReportResult> {
      finished.push_back(report);
      return ReportResult{};
    });
  }
  Task<Result<std::string>> check_access(std::string) override { co_return std::string("all"); }
  std::vector<DeploymentReport> started;
  std::vector<DeploymentReport> finished;
  std::vector<std::string> cut_off;  // of the start
  Faults faults;
};

}  // namespace pawl::fakes
