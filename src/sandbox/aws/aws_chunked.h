// S3's own chunking of uploads (Content-Encoding: aws-chunked), with or without a signature on each
// chunk, and with checksums after the last one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"

namespace pawl::sandbox {

/// What chunk signatures are made with; each builds on the one before, the first on the request's.
struct ChunkSigning {
  std::string secret;
  std::string date;       // "20260101"
  std::string timestamp;  // "20260101T000000Z"
  std::string region;
  std::string seed;  // the signature of the request
};

class AwsChunkedDecoder {
 public:
  using Sink = std::function<Result<void>(std::string_view bytes)>;
  /// Without `signing`, signatures of chunks are not looked at.
  AwsChunkedDecoder(std::optional<ChunkSigning> signing, Sink sink);

  /// Errors: SignatureDoesNotMatch (403), IncompleteBody (400).
  Result<void> feed(std::string_view bytes);
  /// The body has ended: it must be whole.
  Result<void> finish() const;
  /// Names in lower case.
  const std::map<std::string, std::string>& trailers() const { return trailers_; }
  uint64_t decoded_bytes() const { return decoded_bytes_; }

 private:
  enum class State { header, data, data_end, trailer, done };
  Result<void> take_line(std::string line);
  Result<void> take_header(std::string_view line);
  Result<void> take_trailer(std::string_view line);
  Result<void> end_chunk();
  std::string sign(std::string_view algorithm, std::string_view middle, const std::string& hash);

  std::optional<ChunkSigning> signing_;
  Sink sink_;
  State state_ = State::header;
  std::string line_;
  uint64_t left_ = 0;
  bool last_ = false;
  std::string chunk_signature_;
  std::string signed_trailers_;
  bool trailers_proven_ = false;
  std::optional<Sha256Stream> chunk_hash_;
  std::map<std::string, std::string> trailers_;
  uint64_t decoded_bytes_ = 0;
};

}  // namespace pawl::sandbox
