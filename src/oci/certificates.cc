#include "oci/certificates.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/log.h"

namespace pawl::oci {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxRootsBytes = 1u << 20;

bool is_host_name(const std::string& host) {
  return !host.empty() && host != "." && host != ".." && host.find('/') == std::string::npos;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failure;
  for (fs::directory_iterator each(folder, failure), end; !failure && each != end;
       each.increment(failure))
    files.push_back(each->path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string read_roots(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxRootsBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (text.empty()) log_debug("{} cannot be read, or holds nothing", file.string());
  return text + "\n";
}

}  // namespace

std::shared_ptr<const TlsFiles> CertificateFolders::find(const std::string& host) const {
  if (!is_host_name(host)) return nullptr;
  for (const std::string& folder : folders_) {
    TlsFiles found;
    for (const fs::path& file : files_in(fs::path(folder) / host)) {
      if (file.extension() == ".crt") found.ca_pem += read_roots(file);
      if (file.extension() != ".cert" || !found.client_cert.empty()) continue;
      fs::path key = file;
      key.replace_extension(".key");
      std::error_code failure;
      if (fs::exists(key, failure)) {
        found.client_cert = file.string();
        found.client_key = key.string();
      } else {
        log_debug("{} has no key beside it ({})", file.string(), key.filename().string());
      }
    }
    if (!found.ca_pem.empty() || !found.client_cert.empty())
      return std::make_shared<const TlsFiles>(std::move(found));
  }
  return nullptr;
}

}  // namespace pawl::oci
