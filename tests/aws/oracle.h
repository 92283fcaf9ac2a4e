// Runs one of this folder's Python scripts and reads what it prints.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace pawl::aws::test {

/// Empty when it ends badly: Python, or what the script needs, is not here.
inline std::string oracle_output(const std::string& script, const std::string& arguments = "") {
  const std::string command = "python3 " + std::string(PAWL_SOURCE_DIR) + "/tests/aws/" + script +
                              " " + arguments + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  if (!pipe) return text;
  char buffer[4096];
  while (const size_t length = fread(buffer, 1, sizeof(buffer), pipe.get()))
    text.append(buffer, length);
  return text;
}

}  // namespace pawl::aws::test
