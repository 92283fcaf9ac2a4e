// Takes the body of an upload from the wire to disk, and holds it against everything that the
// client said of it: length, SHA-256, MD5, checksums, signatures of chunks.
#pragma once

#include <map>
#include <string>

#include "aws/sigv4.h"
#include "sandbox/aws/call.h"
#include "sandbox/aws/disk_blobs.h"

namespace pawl::sandbox {

/// The most that S3 takes in one piece.
constexpr uint64_t kMaxUploadBytes = 5ull << 30;

struct ReceivedBody {
  cloud::Blob blob;                              // on disk, not yet an object's
  std::map<std::string, std::string> checksums;  // "crc32" -> base64, verified
};

/// `claims` of the request, whose signature was checked, and the secret that it was made with.
Task<Result<ReceivedBody>> receive_body(ServerRequest& request, const AwsCall& call,
                                        const aws::SignatureClaims& claims, std::string secret,
                                        DiskBlobStore& blobs);

}  // namespace pawl::sandbox
