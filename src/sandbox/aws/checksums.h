// The checksums that S3's clients send beside a body: CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::sandbox {

class Checksum {
 public:
  /// "crc32", "crc32c", "crc64nvme", "sha1", "sha256"; anything else: nullptr.
  static std::unique_ptr<Checksum> make(std::string_view algorithm);
  virtual ~Checksum() = default;
  virtual void update(std::string_view bytes) = 0;
  /// Base64 of the big-endian value, as the headers have it. Call once.
  virtual std::string finish() = 0;
};

/// The algorithm out of a header's name ("x-amz-checksum-crc32"), in lower case; nullopt for
/// others.
std::optional<std::string> checksum_in_name(std::string_view header_name);

}  // namespace pawl::sandbox
