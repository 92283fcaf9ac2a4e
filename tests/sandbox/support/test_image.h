// Images for the tests, put straight into a registry's files: the test function in one layer, or
// whatever a test wants.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/json.h"
#include "sandbox/files.h"
#include "sandbox/registry/store.h"
#include "sandbox/support/tar.h"
#include "support/temp_folder.h"

namespace pawl::test {

/// The test function as a static program, compiled once; nullopt when there is no compiler.
inline const std::optional<std::string>& function_binary() {
  static const std::optional<std::string> binary = []() -> std::optional<std::string> {
    const TempFolder folder;
    const std::string source =
        std::string(PAWL_SOURCE_DIR) + "/tests/sandbox/support/function.cc.txt";
    const std::string out = folder / "function";
    const std::string command =
        "c++ -x c++ -std=c++17 -O1 -static -s -o " + out + " " + source + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) return std::nullopt;
    std::ifstream file(out, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }();
  return binary;
}

inline Digest store_blob(sandbox::RegistryStore& store, const std::string& repository,
                         const std::string& bytes) {
  const Digest digest = Digest::of(bytes);
  EXPECT_TRUE(sandbox::write_file_atomically(store.upload_path("test"), bytes).ok());
  EXPECT_TRUE(store.finish_upload("test", repository, digest).ok());
  return digest;
}

/// `config`: the "config" object of the image's config. Gives the manifest's digest.
inline Digest store_image(sandbox::RegistryStore& store, const std::string& repository,
                          const std::string& layer, json::object config) {
  json::array diff_ids;
  diff_ids.emplace_back(Digest::of(layer).str());
  const json::object rootfs{{"type", "layers"}, {"diff_ids", std::move(diff_ids)}};
  const std::string config_text = json::serialize(json::object{{"architecture", "amd64"},
                                                               {"os", "linux"},
                                                               {"config", std::move(config)},
                                                               {"rootfs", rootfs}});
  const auto descriptor = [&](const char* type, const std::string& bytes) {
    return json::object{{"mediaType", type},
                        {"digest", store_blob(store, repository, bytes).str()},
                        {"size", bytes.size()}};
  };
  json::array layers;
  layers.push_back(descriptor("application/vnd.oci.image.layer.v1.tar", layer));
  const std::string type = "application/vnd.oci.image.manifest.v1+json";
  const std::string manifest = json::serialize(
      json::object{{"schemaVersion", 2},
                   {"mediaType", type},
                   {"config", descriptor("application/vnd.oci.image.config.v1+json", config_text)},
                   {"layers", std::move(layers)}});
  EXPECT_TRUE(
      store.put_manifest(repository, {Digest::of(manifest), type, manifest}, std::nullopt).ok());
  return Digest::of(manifest);
}

}  // namespace pawl::test
