#include "oci/blob_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <stop_token>

#include "base/log.h"

namespace pawl::oci {
namespace {

/// `length` bytes of a stream that goes on after them.
class Slice : public BodySource {
 public:
  Slice(std::shared_ptr<BodySource> whole, uint64_t length)
      : whole_(std::move(whole)), length_(length), left_(length) {}
  Chunk read(std::span<std::byte> buffer) override {
    if (left_ == 0) return {Flow::end, 0};
    const auto most = static_cast<size_t>(std::min<uint64_t>(left_, buffer.size()));
    const Chunk chunk = whole_->read(buffer.first(most));
    left_ -= chunk.bytes;
    return chunk;
  }
  void on_ready(std::function<void()> waker) override { whole_->on_ready(std::move(waker)); }
  std::optional<uint64_t> size() const override { return length_; }

 private:
  std::shared_ptr<BodySource> whole_;
  uint64_t length_;
  uint64_t left_;
};

/// Hashes what comes, up to `limit` bytes.
class HashSink : public BodySink {
 public:
  HashSink(Sha256Stream& hash, uint64_t limit) : hash_(hash), left_(limit) {}
  Flow write(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_) bytes = bytes.first(static_cast<size_t>(left_));
    hash_.update(bytes);
    left_ -= bytes.size();
    return left_ == 0 ? Flow::abort : Flow::ready;
  }
  uint64_t left() const { return left_; }

 private:
  Sha256Stream& hash_;
  uint64_t left_;
};

// An upload that the registry has lost is begun again as after a failure of the network.
Error as_transient(const Error& error) {
  return is_transient(error.kind()) ? error : Error(error).as(ErrorKind::unavailable);
}

bool refuses_one_piece(const Error& error) {
  return error.http_status() == 413 || error.http_status() == 405 || error.http_status() == 501;
}

}  // namespace

BlobTransfer::BlobTransfer(Repository& source, Repository& target, Descriptor blob,
                           std::optional<Upload> begun, TransferOptions options,
                           OnProgress on_progress)
    : source_(source),
      target_(target),
      blob_(std::move(blob)),
      options_(options),
      on_progress_(std::move(on_progress)),
      upload_(std::move(begun)) {}

Task<Result<void>> BlobTransfer::run() {
  uint64_t best = 0;
  int failures = 0;
  for (;;) {
    auto streamed = co_await stream();
    if (streamed.ok()) co_return streamed;
    const Error error = std::move(streamed).error();
    const Remedy remedy = remedy_for(error);
    if (remedy == Remedy::none) co_return error;
    if (remedy == Remedy::whole) {
      restart();
      continue;
    }
    failures = kept_ > best ? 1 : failures + 1;
    best = std::max(best, kept_);
    const bool in_pieces = remedy == Remedy::in_chunks;
    if (!in_pieces && !target_.registry().is_tried_again(as_transient(error), failures))
      co_return error;
    on_progress_(kept_, true);
    if (remedy == Remedy::in_chunks) in_chunks_ = true;
    if (remedy != Remedy::in_chunks) PAWL_CO_CHECK(co_await pause(error, failures));
    // A 5xx mostly means that the request was not even looked at: the same once more, and only then
    // the questions. (Asking each time, one never gets past a server that fails every second call.)
    if (error.http_status() >= 500 && failures % 2 == 1) {
      go_back_to(kept_);
      was_resumed_ = true;
      continue;
    }
    PAWL_CO_TRY(const bool present, co_await find_position());
    if (present) co_return Result<void>();
  }
}

BlobTransfer::Remedy BlobTransfer::remedy_for(const Error& error) {
  const bool damaged_on_the_way =
      verdict_ == Verdict::wrong || (!source_failed_ && error.code() == "DIGEST_INVALID");
  if (damaged_on_the_way) {
    // A source that ignores Range, replicas that differ: once more, in one go.
    if (!was_resumed_ || !may_resume_) return Remedy::none;
    may_resume_ = false;
    return Remedy::whole;
  }
  if (source_failed_) return Remedy::none;
  if (refuses_one_piece(error) && !in_chunks_) return Remedy::in_chunks;
  const bool lost = (error.http_status() == 404 && error.code() != "NAME_UNKNOWN") ||
                    error.http_status() == 416 || error.code() == "BLOB_UPLOAD_INVALID";
  return lost || is_transient(error.kind()) ? Remedy::resume : Remedy::none;
}

Task<Result<void>> BlobTransfer::stream() {
  PAWL_CO_CHECK(co_await catch_up());
  verdict_ = Verdict::open;
  source_failed_ = false;
  if (position_ == blob_.size && !take({})) co_return mismatch();
  kept_ = position_;
  BytePipe pipe(buffer_bytes(), blob_.size - position_);
  pipe.on_bytes([this](std::span<const std::byte> bytes) { return take(bytes); });
  const std::stop_token inherited = co_await current_stop();
  std::stop_source stop;
  std::stop_callback forward(inherited, [&stop] { stop.request_stop(); });
  TaskContext context{stop.get_token()};
  Result<void> downloaded;
  Scope scope(&context);
  // The source is asked while the target still opens the upload: what comes early waits in the
  // pipe.
  scope.spawn(download(pipe, &downloaded));
  Result<void> sent = co_await send(pipe);
  stop.request_stop();
  co_await scope.join();
  if (verdict_ == Verdict::wrong) co_return mismatch();
  if (sent.ok()) co_return sent;
  // When the source failed, the upload was ended by us and its error says nothing.
  source_failed_ = !downloaded.ok() && downloaded.error().kind() != ErrorKind::interrupted;
  if (!source_failed_)
    co_return std::move(sent).error().while_doing("writing to " + target_.full_name());
  co_return std::move(downloaded).error().while_doing("reading from " + source_.full_name());
}

Task<Result<void>> BlobTransfer::send(BytePipe& pipe) {
  if (!upload_) {
    PAWL_CO_TRY(upload_, co_await target_.start_upload());
  }
  auto source = pipe.source();
  const bool nothing_left = kept_ == blob_.size;
  if (!in_chunks_) {
    const auto rest = nothing_left ? nullptr : source;
    co_return co_await target_.finish_upload(*upload_, blob_.digest, rest, buffer_bytes());
  }
  while (kept_ < blob_.size) {
    const uint64_t most = std::max(options_.chunk_bytes, upload_->min_chunk_bytes);
    const uint64_t length = std::min(most, blob_.size - kept_);
    auto chunk = std::make_shared<Slice>(source, length);
    const Upload current = *upload_;
    PAWL_CO_TRY(upload_, co_await target_.send_chunk(current, kept_, chunk));
    kept_ += length;
  }
  if (verdict_ != Verdict::right && blob_.size > 0) co_return mismatch();
  co_return co_await target_.finish_upload(*upload_, blob_.digest, nullptr);
}

Task<void> BlobTransfer::download(BytePipe& pipe, Result<void>* outcome) {
  int failures = 0;
  while (position_ < blob_.size) {
    const uint64_t before = position_;
    auto read = co_await source_.read_blob(blob_.digest, position_, pipe.sink(), buffer_bytes());
    if (position_ == blob_.size || verdict_ == Verdict::wrong) break;
    Error error = read.ok() ? Error(ErrorKind::corrupt,
                                    fmt::format("{} sent {} of {} bytes of {}", source_.full_name(),
                                                position_, blob_.size, blob_.digest.str()))
                            : std::move(read).error();
    failures = position_ > before ? 1 : failures + 1;
    const bool may_go_on = position_ == 0 || may_resume_;
    Result<void> paused = error;
    if (source_.registry().is_tried_again(error, failures) && may_go_on) {
      was_resumed_ = was_resumed_ || position_ > 0;
      on_progress_(position_, true);
      paused = co_await pause(error, failures);
    }
    if (paused.ok()) continue;
    *outcome = std::move(paused).error();
    pipe.fail();
    co_return;
  }
  if (verdict_ == Verdict::wrong) {
    pipe.fail();
    co_return;
  }
  pipe.close();
}

// Many small ones are on their way at a time, and none of them for long.
size_t BlobTransfer::buffer_bytes() const {
  constexpr uint64_t kParts = 8;
  constexpr uint64_t kLeast = 32u << 10;
  const auto of_size = static_cast<size_t>(std::max(blob_.size / kParts, kLeast));
  return std::min(options_.buffer_bytes, of_size);
}

// Sees each byte before the upload does. The end of the blob passes only with the right hash.
bool BlobTransfer::take(std::span<const std::byte> bytes) {
  if (bytes.size() > blob_.size - position_) {
    verdict_ = Verdict::wrong;
    return false;
  }
  hash_.update(bytes);
  position_ += bytes.size();
  bytes_sent_ += bytes.size();
  if (position_ == blob_.size) {
    verdict_ = Digest::from(hash_.peek()) == blob_.digest ? Verdict::right : Verdict::wrong;
    if (verdict_ == Verdict::wrong) return false;
  } else if (position_ - (checkpoints_.empty() ? 0 : checkpoints_.back().offset) >=
             options_.checkpoint_bytes) {
    checkpoints_.push_back({position_, hash_.clone()});
  }
  on_progress_(position_, false);
  return true;
}

// After go_back_to() the hash stands at a checkpoint, somewhat before what the target has: the
// piece between is read once more, for the hash alone.
Task<Result<void>> BlobTransfer::catch_up() {
  if (position_ >= kept_) co_return Result<void>();
  const auto sink = std::make_shared<HashSink>(hash_, kept_ - position_);
  auto read = co_await source_.read_blob(blob_.digest, position_, sink);
  if (sink->left() > 0) {
    Error error = read.ok() ? Error(ErrorKind::unavailable, "the source ended early")
                            : std::move(read).error();
    co_return std::move(error).while_doing("reading from " + source_.full_name());
  }
  position_ = kept_;
  co_return Result<void>();
}

// Asks the target where it stands after a failure. True: it has the whole blob after all.
Task<Result<bool>> BlobTransfer::find_position() {
  PAWL_CO_TRY(const auto size, co_await target_.head_blob(blob_.digest));
  if (size) co_return true;
  uint64_t kept = 0;
  if (upload_ && may_resume_) {
    auto status = co_await target_.upload_status(*upload_);
    if (!status.ok() && status.error().kind() == ErrorKind::interrupted)
      co_return std::move(status).error();
    if (status.ok() && status->received <= blob_.size) {
      kept = status->received;
      upload_ = status->upload;
    } else {
      upload_.reset();
    }
  } else {
    upload_.reset();
  }
  log_debug("{} has {} of {} bytes of {}", target_.full_name(), kept, blob_.size,
            blob_.digest.short_form());
  go_back_to(kept);
  co_return false;
}

void BlobTransfer::go_back_to(uint64_t offset) {
  was_resumed_ = was_resumed_ || offset > 0;
  while (!checkpoints_.empty() && checkpoints_.back().offset > offset) checkpoints_.pop_back();
  position_ = checkpoints_.empty() ? 0 : checkpoints_.back().offset;
  hash_ = checkpoints_.empty() ? Sha256Stream() : checkpoints_.back().hash.clone();
  kept_ = offset;
}

void BlobTransfer::restart() {
  upload_.reset();
  was_resumed_ = false;
  go_back_to(0);
}

Task<Result<void>> BlobTransfer::pause(const Error& error, int failures) {
  const auto wait =
      retry_wait(source_.registry().retry(), failures, error, source_.registry().entropy());
  log_debug("{}: {}; again in {} ms", blob_.digest.short_form(), error.message(), wait.count());
  return source_.registry().clock().sleep_for(wait);
}

Error BlobTransfer::mismatch() const {
  return Error(
             ErrorKind::corrupt,
             fmt::format("the bytes that {} sent are not those of {} ({} bytes); nothing was "
                         "stored at {}",
                         source_.full_name(), blob_.digest.str(), blob_.size, target_.full_name()))
      .with_hint(
          "the source registry's storage or a proxy on the way is damaged; push the image again");
}

}  // namespace pawl::oci
