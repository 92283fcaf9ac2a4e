#include "sandbox/aws/aws_chunked.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/encoding.h"
#include "sim/cloud/common.h"

namespace pawl::sandbox {

namespace {

constexpr size_t kMaxLineBytes = 8192;
constexpr size_t kMaxTrailers = 16;
constexpr uint64_t kMaxChunkBytes = 5ull << 30;

Error malformed(const char* what) {
  return cloud::aws_error(400, "IncompleteBody",
                          fmt::format("The request body is not well-formed aws-chunked: {}", what));
}

std::string_view bytes_of(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace

AwsChunkedDecoder::AwsChunkedDecoder(std::optional<ChunkSigning> signing, Sink sink)
    : signing_(std::move(signing)), sink_(std::move(sink)) {}

Result<void> AwsChunkedDecoder::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::done) return malformed("bytes after the end");
    if (state_ == State::data) {
      const std::string_view piece = bytes.substr(0, left_);
      if (chunk_hash_) chunk_hash_->update(piece);
      PAWL_CHECK(sink_(piece));
      decoded_bytes_ += piece.size();
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    const size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (line_.size() > kMaxLineBytes) return malformed("a line is too long");
    if (end == std::string_view::npos) return ok();
    bytes.remove_prefix(end + 1);
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    PAWL_CHECK(take_line(std::exchange(line_, {})));
  }
  return ok();
}

Result<void> AwsChunkedDecoder::take_line(std::string line) {
  if (state_ == State::header) return take_header(line);
  if (state_ == State::trailer) return take_trailer(line);
  // The line end after a chunk's data.
  if (!line.empty()) return malformed("a chunk is longer than it says");
  PAWL_CHECK(end_chunk());
  state_ = State::header;
  return ok();
}

Result<void> AwsChunkedDecoder::take_header(std::string_view line) {
  const size_t semicolon = line.find(';');
  const std::string size(line.substr(0, semicolon));
  constexpr size_t kMaxDigits = 12;
  if (size.empty() || size.size() > kMaxDigits ||
      !std::all_of(size.begin(), size.end(), [](unsigned char c) { return std::isxdigit(c); }))
    return malformed("a chunk's size is no number");
  left_ = std::stoull(size, nullptr, 16);
  if (left_ > kMaxChunkBytes) return malformed("a chunk is too large");
  chunk_signature_.clear();
  if (semicolon != std::string_view::npos) {
    constexpr std::string_view kName = "chunk-signature=";
    const std::string_view extension = line.substr(semicolon + 1);
    if (extension.substr(0, kName.size()) == kName)
      chunk_signature_ = extension.substr(kName.size());
  }
  if (signing_) chunk_hash_.emplace();
  last_ = left_ == 0;
  if (!last_) {
    state_ = State::data;
    return ok();
  }
  PAWL_CHECK(end_chunk());
  state_ = State::trailer;
  return ok();
}

Result<void> AwsChunkedDecoder::end_chunk() {
  if (!signing_) return ok();
  const std::string hash = hex_encode(chunk_hash_->finish());
  const std::string expected = sign("AWS4-HMAC-SHA256-PAYLOAD", sha256_hex("") + "\n", hash);
  if (!equal_in_constant_time(expected, chunk_signature_))
    return cloud::aws_error(403, "SignatureDoesNotMatch",
                            "The signature of a chunk does not match what it holds.");
  signing_->seed = expected;
  return ok();
}

Result<void> AwsChunkedDecoder::take_trailer(std::string_view line) {
  if (line.empty()) {
    if (signing_ && !trailers_.empty() && !trailers_proven_)
      return cloud::aws_error(403, "SignatureDoesNotMatch", "The trailers are not signed.");
    state_ = State::done;
    return ok();
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a trailer without a colon");
  if (trailers_.size() >= kMaxTrailers) return malformed("too many trailers");
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (name != "x-amz-trailer-signature") {
    signed_trailers_ += fmt::format("{}:{}\n", name, value);
    trailers_[name] = std::string(value);
    return ok();
  }
  if (!signing_) return ok();
  const std::string expected = sign("AWS4-HMAC-SHA256-TRAILER", "", sha256_hex(signed_trailers_));
  if (!equal_in_constant_time(expected, value))
    return cloud::aws_error(403, "SignatureDoesNotMatch",
                            "The signature of the trailers does not match what they say.");
  trailers_proven_ = true;
  return ok();
}

std::string AwsChunkedDecoder::sign(std::string_view algorithm, std::string_view middle,
                                    const std::string& hash) {
  const Sha256 by_date = hmac_sha256("AWS4" + signing_->secret, signing_->date);
  const Sha256 by_region = hmac_sha256(bytes_of(by_date), signing_->region);
  const Sha256 by_service = hmac_sha256(bytes_of(by_region), "s3");
  const Sha256 key = hmac_sha256(bytes_of(by_service), "aws4_request");
  const std::string text =
      fmt::format("{}\n{}\n{}/{}/s3/aws4_request\n{}\n{}{}", algorithm, signing_->timestamp,
                  signing_->date, signing_->region, signing_->seed, middle, hash);
  return hex_encode(hmac_sha256(bytes_of(key), text));
}

Result<void> AwsChunkedDecoder::finish() const {
  if (state_ != State::done) return malformed("it ends too soon");
  return ok();
}

}  // namespace pawl::sandbox
