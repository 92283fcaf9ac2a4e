// Writes tar files byte by byte, hostile ones included, which no library would write.
#pragma once

#include <cstdio>
#include <cstring>
#include <string>

namespace pawl::test {

class Tar {
 public:
  Tar& file(const std::string& name, const std::string& content, unsigned mode = 0644) {
    return entry(name, '0', "", content, mode);
  }
  Tar& directory(const std::string& name, unsigned mode = 0755) {
    return entry(name, '5', "", "", mode);
  }
  Tar& symlink(const std::string& name, const std::string& target) {
    return entry(name, '2', target, "", 0777);
  }
  Tar& hard_link(const std::string& name, const std::string& target) {
    return entry(name, '1', target, "", 0644);
  }
  Tar& device(const std::string& name) { return entry(name, '3', "", "", 0666); }
  Tar& fifo(const std::string& name) { return entry(name, '6', "", "", 0666); }

  Tar& entry(const std::string& name, char type, const std::string& target,
             const std::string& content, unsigned mode) {
    char header[512] = {};
    std::snprintf(header, 100, "%s", name.c_str());
    std::snprintf(header + 100, 8, "%07o", mode & 07777u);
    std::snprintf(header + 108, 8, "%07o", 0u);
    std::snprintf(header + 116, 8, "%07o", 0u);
    std::snprintf(header + 124, 12, "%011zo", content.size());
    std::snprintf(header + 136, 12, "%011o", 1700000000u);
    header[156] = type;
    std::snprintf(header + 157, 100, "%s", target.c_str());
    std::memcpy(header + 257, "ustar\00000", 8);
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header + 148, 8, "%06o", sum);
    bytes_.append(header, sizeof header);
    bytes_ += content;
    bytes_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }

  std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

}  // namespace pawl::test
