#include "store/process_owner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/hash.h"

namespace pawl {
namespace {

struct OwnerIdentity {
  long pid = 0;
  std::string boot;
  std::string name_space;
  std::string start;
  std::string machine;
};

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string boot_id() {
  return first_line("/proc/sys/kernel/random/boot_id").substr(0, 18);
}

std::string machine_id() {
  const std::string id = first_line("/etc/machine-id");
  return id.empty() ? "-" : sha256_hex("pawl " + id).substr(0, 12);
}

std::string pid_namespace() {
  std::array<char, 64> target{};
  const auto size = readlink("/proc/self/ns/pid", target.data(), target.size());
  if (size <= 0) return "-";
  std::string text(target.data(), static_cast<size_t>(size));  // "pid:[4026531836]"
  const auto open = text.find('[');
  if (open == std::string::npos) return "-";
  return text.substr(open + 1, text.find(']') - open - 1);
}

// Field 22 of /proc/<pid>/stat. The second field is the program's name in parentheses and may hold
// anything, so fields are counted from the last ')'. A zombie runs nothing any more.
std::optional<std::string> start_time(long pid) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", pid));
  const auto close = line.rfind(')');
  if (close == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(close + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int number = 4; number <= 22; ++number) fields >> field;
  return field;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::optional<OwnerIdentity> parse_owner(const std::string& owner) {
  const auto open = owner.rfind(" [");
  const auto pid_at = owner.rfind(" pid ", open);
  if (open == std::string::npos || pid_at == std::string::npos || owner.back() != ']') return {};
  OwnerIdentity identity;
  std::istringstream pid(owner.substr(pid_at + 5, open - pid_at - 5));
  std::istringstream rest(owner.substr(open + 2, owner.size() - open - 3));
  if (!(pid >> identity.pid)) return {};
  if (!(rest >> identity.boot >> identity.name_space >> identity.start >> identity.machine))
    return {};
  return identity;
}

class LinuxProcessTable : public ProcessTable {
 public:
  explicit LinuxProcessTable(std::string user) : user_(std::move(user)) {}

  std::string describe_this_process() const override {
    const long pid = getpid();
    return fmt::format("{}@{} pid {} [{} {} {} {}]", user_, host_name(), pid, boot_id(),
                       pid_namespace(), start_time(pid).value_or("-"), machine_id());
  }

  bool is_gone(const std::string& owner) const override {
    const auto identity = parse_owner(owner);
    if (!identity || identity->boot.empty()) return false;
    if (identity->boot != boot_id())
      return identity->machine != "-" && identity->machine == machine_id();
    if (identity->name_space == "-" || identity->name_space != pid_namespace()) return false;
    return start_time(identity->pid) != identity->start;
  }

 private:
  std::string user_;
};

}  // namespace

std::unique_ptr<ProcessTable> make_process_table(std::string user) {
  return std::make_unique<LinuxProcessTable>(user.empty() ? "somebody" : std::move(user));
}

}  // namespace pawl
