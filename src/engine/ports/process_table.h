// Who runs a deployment, and whether that process is still there. An owner is a text that names a
// process for people ("ana@laptop pid 4711") and, in brackets behind it, well enough for another
// process on the same machine to tell whether it has gone.
#pragma once

#include <string>
#include <string_view>

namespace pawl {

class ProcessTable {
 public:
  virtual ~ProcessTable() = default;
  /// This process, as the owner of what it runs.
  virtual std::string describe_this_process() const = 0;
  /// True only when it is certain: it ran on this machine, and does so no more. An owner on another
  /// machine, or one that cannot be read, is never known to be gone; its lease runs out instead.
  virtual bool is_gone(const std::string& owner) const = 0;
};

/// The owner without the brackets: "ana@laptop pid 4711".
inline std::string owner_for_people(std::string_view owner) {
  return std::string(owner.substr(0, owner.find(" [")));
}

}  // namespace pawl
