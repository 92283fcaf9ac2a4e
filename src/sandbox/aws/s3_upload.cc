#include "sandbox/aws/s3_upload.h"

#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"
#include "sandbox/aws/aws_chunked.h"
#include "sandbox/aws/checksums.h"

namespace pawl::sandbox {

namespace {

constexpr size_t kReadBytes = 128u << 10;

Error refused(int status, const char* code, std::string message) {
  return cloud::aws_error(status, code, std::move(message));
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view word = list.substr(0, comma);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    if (!word.empty()) words.emplace_back(word);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return words;
}

/// One body on its way: what is computed of it while it is written.
class Intake {
 public:
  Intake(const AwsCall& call, const aws::SignatureClaims& claims, DiskBlobStore::Writer writer)
      : headers_(call.headers), claims_(claims), writer_(std::move(writer)) {
    for (const auto& [name, value] : headers_.fields())
      if (const auto algorithm = checksum_in_name(name)) want(*algorithm, value);
    for (const std::string& name : words_of(headers_.get_or("x-amz-trailer", "")))
      if (const auto algorithm = checksum_in_name(name)) want(*algorithm, "");
  }

  Result<void> take(std::string_view bytes) {
    if (writer_.size() + bytes.size() > kMaxUploadBytes)
      return refused(400, "EntityTooLarge",
                     "Your proposed upload exceeds the maximum allowed object size.");
    sha256_.update(bytes);
    for (auto& [algorithm, wanted] : wanted_) wanted.sum->update(bytes);
    return writer_.write(bytes);
  }

  void trailer(const std::string& name, const std::string& value) {
    if (const auto algorithm = checksum_in_name(name)) {
      auto found = wanted_.find(*algorithm);
      if (found != wanted_.end()) found->second.expected = value;
    }
  }

  Result<ReceivedBody> finish(bool chunked) {
    const std::string length = headers_.get_or("x-amz-decoded-content-length", "");
    if (chunked && length != std::to_string(writer_.size()))
      return refused(400, "IncompleteBody",
                     "You did not provide the number of bytes specified by the "
                     "x-amz-decoded-content-length HTTP header");
    const std::string hash = hex_encode(sha256_.finish());
    const std::string& claimed = claims_.payload_hash;
    constexpr size_t kHexSha256 = 64;
    if (!chunked && claimed.size() == kHexSha256 && claimed != hash)
      return refused(
          400, "XAmzContentSHA256Mismatch",
          "The provided 'x-amz-content-sha256' header does not match what was computed.");
    ReceivedBody received;
    for (auto& [algorithm, wanted] : wanted_) {
      const std::string sum = wanted.sum->finish();
      if (wanted.expected != sum)
        return refused(
            400, "BadDigest",
            fmt::format("The {} you specified did not match the calculated checksum.", algorithm));
      received.checksums[algorithm] = sum;
    }
    PAWL_TRY(received.blob, writer_.finish());
    return received;
  }

 private:
  struct Wanted {
    std::unique_ptr<Checksum> sum;
    std::string expected;
  };
  void want(const std::string& algorithm, const std::string& expected) {
    wanted_[algorithm] = {Checksum::make(algorithm), expected};
  }

  const Headers& headers_;
  const aws::SignatureClaims& claims_;
  DiskBlobStore::Writer writer_;
  Sha256Stream sha256_;
  std::map<std::string, Wanted> wanted_;
};

/// The MD5 that the client sent, as hexadecimal; nullopt when it sent none.
Result<std::optional<std::string>> claimed_md5(const Headers& headers) {
  const auto header = headers.get("Content-MD5");
  if (!header) return std::optional<std::string>();
  constexpr size_t kMd5Bytes = 16;
  auto bytes = base64_decode(*header);
  if (!bytes.ok() || bytes->size() != kMd5Bytes)
    return refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  return std::optional<std::string>(cloud::hex_of(*bytes));
}

}  // namespace

Task<Result<ReceivedBody>> receive_body(ServerRequest& request, const AwsCall& call,
                                        const aws::SignatureClaims& claims, std::string secret,
                                        DiskBlobStore& blobs) {
  PAWL_CO_TRY(const auto md5, claimed_md5(call.headers));
  PAWL_CO_TRY(DiskBlobStore::Writer writer, blobs.begin());
  Intake intake(call, claims, std::move(writer));
  const bool chunked = claims.payload_hash.rfind("STREAMING-", 0) == 0;
  std::optional<AwsChunkedDecoder> decoder;
  if (chunked) {
    std::optional<ChunkSigning> signing;
    if (claims.payload_hash.find("UNSIGNED") == std::string::npos)
      signing = ChunkSigning{secret, claims.date, claims.timestamp, claims.scope.region,
                             claims.signature};
    decoder.emplace(std::move(signing),
                    [&intake](std::string_view bytes) { return intake.take(bytes); });
  }
  std::vector<std::byte> buffer(kReadBytes);
  while (true) {
    PAWL_CO_TRY(const size_t count, co_await request.read_some(buffer));
    if (count == 0) break;
    const std::string_view bytes(reinterpret_cast<const char*>(buffer.data()), count);
    auto taken = decoder ? decoder->feed(bytes) : intake.take(bytes);
    if (!taken.ok()) co_return std::move(taken).error();
  }
  if (decoder) {
    PAWL_CO_CHECK(decoder->finish());
    for (const auto& [name, value] : decoder->trailers()) intake.trailer(name, value);
  }
  PAWL_CO_TRY(ReceivedBody received, intake.finish(chunked));
  if (md5 && *md5 != received.blob.md5) {
    blobs.remove(received.blob);
    co_return refused(400, "BadDigest",
                      "The Content-MD5 you specified did not match what we received.");
  }
  co_return received;
}

}  // namespace pawl::sandbox
