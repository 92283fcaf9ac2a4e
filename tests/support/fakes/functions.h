// Lambda in memory, for the ports of functions and of their versions.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/function_versions.h"
#include "engine/ports/functions.h"
#include "support/fakes/faults.h"

namespace pawl::fakes {

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

  Function& add(const std::string& name, const std::string& image_uri);
  /// Publishes what the function has and points the alias to it.
  void publish_and_point(const std::string& name, const std::string& alias);
  void set_image(FunctionState& state, const std::string& image_uri);

  /// What the next reads tell: as it was before a change.
  std::deque<FunctionState> old_reads;
  std::deque<std::optional<AliasState>> old_alias_reads;
  template <class T>
  static T take_first(std::deque<T>& from) {
    T first = std::move(from.front());
    from.pop_front();
    return first;
  }

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

  Task<Result<std::vector<AliasState>>> list_aliases(std::string function) override;
  Task<Result<void>> delete_version(std::string function, std::string version) override;

  std::map<std::string, Function> functions;
  std::vector<std::string> ledger;
  Faults faults;
  int polls_of_an_update = 2;
  std::set<std::string> missing_images;

 private:
  std::string revision();

  /// What Lambda asks of each change: no other one under way, and the revision that was seen.
  Result<Function*> to_change(const std::string& name, const std::string& revision_id);

  FunctionState poll(Function& function);

  FunctionState publish(Function& function, const std::string& description);

  AliasState store(AliasState alias, std::string_view operation);

  int revisions_ = 0;
  int published_ = 0;
};

}  // namespace pawl::fakes
