// AWS Lambda as plain state and transitions: functions made of images, numbered versions that never
// change, aliases with weights, and states that change as time passes. No I/O and no clock: whoever
// calls says what time it is. Modelled from https://docs.aws.amazon.com/lambda/latest/api/ and,
// where that is silent, from what others measured on the service (said beside the code).
//
// What matters most to a deployer and is easily got wrong, so it is modelled strictly:
//   - RevisionId changes with every change, also when an update that was accepted ends;
//   - while an update is in progress calls go to the old code, and another update is a conflict;
//   - a published version starts as Pending;
//   - an image index is refused, an image that is not there as well.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud/common.h"

namespace pawl::cloud {

struct LambdaSettings {
  std::chrono::milliseconds create_duration{2000};   // a new function is Pending so long
  std::chrono::milliseconds update_duration{1500};   // LastUpdateStatus is InProgress so long
  std::chrono::milliseconds publish_duration{1000};  // a new version is Pending so long
  std::chrono::milliseconds provision_duration{3000};
  /// A function that nobody called for so long is Inactive; zero: never.
  std::chrono::milliseconds inactive_after{0};
  int account_concurrency = 1000;
  int min_unreserved_concurrency = 100;
};

/// What the registry says about the image that a URI names.
struct ImageLookup {
  enum class Kind { missing, index, image };
  Kind kind = Kind::missing;
  std::string digest;  // of the manifest (image)
};
using FindImage = std::function<ImageLookup(const std::string& image_uri)>;

/// What a version is made of: copied when it is published, never changed after.
struct FunctionSettings {
  std::string description;
  std::string role;
  std::string image_uri;           // as it was given
  std::string resolved_image_uri;  // repository@sha256:...
  std::string code_sha256;         // the digest's 64 digits, as AWS has it for images
  std::string architecture = "x86_64";
  int timeout_seconds = 3;
  int memory_mb = 128;
  int ephemeral_storage_mb = 512;
  std::map<std::string, std::string> environment;
  std::vector<std::string> entry_point;
  std::vector<std::string> command;
  std::string working_directory;
  bool operator==(const FunctionSettings&) const = default;
};

/// One version as GetFunction shows it; "$LATEST" is the one that changes.
struct FunctionVersion {
  std::string function;
  std::string version;  // "$LATEST" or "7"
  FunctionSettings settings;
  std::string revision_id;
  WallTime last_modified;
  std::string state = "Active";  // Pending, Active, Inactive, Failed
  std::string state_reason;
  std::string state_reason_code;
  WallTime active_at;                             // when Pending ends
  std::string last_update_status = "Successful";  // $LATEST only
  std::string last_update_reason;
  std::string last_update_reason_code;
  WallTime update_done_at;
  WallTime last_invoked;
};

struct Alias {
  std::string function;
  std::string name;
  std::string version;
  std::string description;
  std::string revision_id;
  std::map<std::string, double> weights;  // additional versions, 0..1
};

struct ProvisionedConcurrency {
  std::string function;
  std::string qualifier;  // a version or an alias
  int requested = 0;
  int allocated = 0;
  std::string status;  // IN_PROGRESS, READY, FAILED
  std::string status_reason;
  WallTime last_modified;
  WallTime ready_at;
};

struct CreateFunction {
  std::string name;
  FunctionSettings settings;  // resolved_image_uri and code_sha256 are found out
  std::map<std::string, std::string> tags;
  bool publish = false;
};

struct UpdateCode {
  std::string image_uri;
  std::string architecture;  // empty: as it is
  std::string revision_id;   // empty: not checked
  bool publish = false;
  bool dry_run = false;
};

/// What is absent stays as it is.
struct UpdateSettings {
  std::optional<std::string> description;
  std::optional<std::string> role;
  std::optional<int> timeout_seconds;
  std::optional<int> memory_mb;
  std::optional<int> ephemeral_storage_mb;
  std::optional<std::map<std::string, std::string>> environment;
  std::optional<std::vector<std::string>> entry_point;
  std::optional<std::vector<std::string>> command;
  std::optional<std::string> working_directory;
  std::string revision_id;
};

struct PublishVersion {
  std::string code_sha256;  // preconditions; empty: not checked
  std::string revision_id;
  std::optional<std::string> description;
};

struct UpdateAlias {
  std::string function;
  std::string name;
  std::optional<std::string> version;
  std::optional<std::string> description;
  std::optional<std::map<std::string, double>> weights;
  std::string revision_id;
};

/// Which code a call gets.
struct Invocation {
  FunctionVersion version;  // settings are those that serve now (the old ones during an update)
  std::string executed_version;
  std::string invoked_arn;
};

class Lambda {
 public:
  Lambda(Account account, LambdaSettings settings, IdSource& ids, Ledger& ledger,
         FindImage find_image)
      : account_(std::move(account)),
        settings_(settings),
        ids_(ids),
        ledger_(ledger),
        find_image_(std::move(find_image)) {}

  Result<FunctionVersion> create(CreateFunction request, WallTime now);
  /// `qualifier`: a version, an alias, or empty for $LATEST.
  Result<FunctionVersion> get(const std::string& name, const std::string& qualifier, WallTime now);
  /// The same without a copy; valid until the next change.
  Result<const FunctionVersion*> look_up(const std::string& name, const std::string& qualifier,
                                         WallTime now);
  /// The published ones by number; valid until the next change.
  Result<const std::map<int, FunctionVersion>*> versions(const std::string& name, WallTime now);
  Result<FunctionVersion> update_code(const std::string& name, UpdateCode request, WallTime now);
  Result<FunctionVersion> update_settings(const std::string& name, UpdateSettings request,
                                          WallTime now);
  Result<FunctionVersion> publish(const std::string& name, PublishVersion request, WallTime now);
  /// $LATEST first, then by number. `max_items` 1 to 50; `marker` from the page before.
  Result<Page<FunctionVersion>> list_versions(const std::string& name, const std::string& marker,
                                              size_t max_items, WallTime now);
  Page<FunctionVersion> list(const std::string& marker, size_t max_items, WallTime now);
  /// Empty qualifier: the whole function. A version that is not there is no error (as measured).
  Result<void> remove(const std::string& name, const std::string& qualifier, WallTime now);

  Result<Alias> create_alias(Alias alias, WallTime now);
  Result<Alias> get_alias(const std::string& function, const std::string& name, WallTime now) const;
  Result<Alias> update_alias(UpdateAlias request, WallTime now);
  Result<void> delete_alias(const std::string& function, const std::string& name, WallTime now);
  Result<Page<Alias>> list_aliases(const std::string& function, const std::string& only_version,
                                   const std::string& marker, size_t max_items) const;

  Result<int> put_reserved_concurrency(const std::string& name, int executions, WallTime now);
  Result<std::optional<int>> reserved_concurrency(const std::string& name) const;
  Result<void> delete_reserved_concurrency(const std::string& name, WallTime now);
  Result<ProvisionedConcurrency> put_provisioned(const std::string& name,
                                                 const std::string& qualifier, int executions,
                                                 WallTime now);
  Result<ProvisionedConcurrency> get_provisioned(const std::string& name,
                                                 const std::string& qualifier, WallTime now);
  Result<std::vector<ProvisionedConcurrency>> list_provisioned(const std::string& name,
                                                               WallTime now);
  Result<void> delete_provisioned(const std::string& name, const std::string& qualifier,
                                  WallTime now);

  Result<std::map<std::string, std::string>> tags(const std::string& name) const;
  Result<void> tag(const std::string& name, const std::map<std::string, std::string>& tags,
                   WallTime now);
  Result<void> untag(const std::string& name, const std::vector<std::string>& keys, WallTime now);

  /// Decides which version a call gets: `draw` in [0, 1) settles an alias's weights. Refuses what
  /// is Pending; a function that is Inactive refuses the call and wakes.
  Result<Invocation> route(const std::string& name, const std::string& qualifier, double draw,
                           WallTime now);

  /// The next update of this function's code or settings is accepted and then fails.
  void fail_next_update(const std::string& name, std::string reason_code, std::string reason);

  std::string function_arn(std::string_view name, std::string_view qualifier = "") const;
  /// A name out of what callers may give: "name", "name:qualifier", a partial or a whole ARN.
  struct Name {
    std::string name;
    std::string qualifier;
  };
  static Name parse_name(std::string_view text);

  const LambdaSettings& settings() const { return settings_; }
  const Account& account() const { return account_; }
  json::object to_json() const;
  /// Replaces all functions.
  Result<void> load(const json::object& object);

 private:
  struct Function {
    FunctionVersion latest;
    /// What serves while an update is in progress, and after one that failed.
    std::optional<FunctionSettings> serving;
    std::map<int, FunctionVersion> versions;
    std::map<std::string, Alias> aliases;
    std::map<std::string, std::string> tags;
    std::optional<int> reserved_concurrency;
    std::map<std::string, ProvisionedConcurrency> provisioned;
    int next_version = 1;
    /// Counts accepted changes of code or settings; a version remembers the count it was made of.
    int64_t change = 1;
    int64_t published_change = 0;
    std::string planned_failure_code;
    std::string planned_failure;
    bool failure_under_way = false;
  };

  Result<Function*> find_function(const std::string& name, const std::string& qualifier = "");
  Result<const Function*> find_function(const std::string& name) const;
  Result<FunctionVersion*> find_version(Function& function, const std::string& qualifier);
  Error not_found(const std::string& name, const std::string& qualifier) const;
  Result<void> resolve_image(FunctionSettings& settings) const;
  Result<void> check_alias(const Function& function, const Alias& alias) const;
  Result<void> may_change(const Function& function, const std::string& revision_id) const;
  void begin_update(Function& function, FunctionSettings settings, WallTime now);
  FunctionVersion do_publish(Function& function, const std::optional<std::string>& description,
                             WallTime now);
  void advance(Function& function, WallTime now);
  void advance_version(FunctionVersion& version, WallTime now) const;

  Account account_;
  LambdaSettings settings_;
  IdSource& ids_;
  Ledger& ledger_;
  FindImage find_image_;
  std::map<std::string, Function> functions_;
};

}  // namespace pawl::cloud
