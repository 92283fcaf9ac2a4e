#include "aws/compressed_files.h"

#include <brotli/encode.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace pawl {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = 64u << 20;
// The best quality takes a second for a megabyte; the next best, a tenth of it, loses 3 to 5 %.
constexpr uint64_t kBestUpToBytes = 1u << 20;
constexpr int kGoodQuality = 9;
constexpr size_t kSliceBytes = 32u << 10;
constexpr std::chrono::hours kKeptFor{30 * 24};

// One direction, one form: bytes in, bytes out.
class Compressor {
 public:
  virtual ~Compressor() = default;
  /// Appends to `out`; `is_last` with the last slice. False: the library failed.
  virtual bool add(std::string_view slice, bool is_last, std::string& out) = 0;
};

class Brotli : public Compressor {
 public:
  explicit Brotli(uint64_t size) : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) return;
    const uint32_t quality = size <= kBestUpToBytes ? BROTLI_MAX_QUALITY : kGoodQuality;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, quality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_MODE, BROTLI_MODE_GENERIC);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_SIZE_HINT, static_cast<uint32_t>(size));
  }
  ~Brotli() override {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
  }
  Brotli(const Brotli&) = delete;
  Brotli& operator=(const Brotli&) = delete;

  bool add(std::string_view slice, bool is_last, std::string& out) override {
    if (state_ == nullptr) return false;
    size_t in_left = slice.size();
    const auto* in = reinterpret_cast<const uint8_t*>(slice.data());
    const auto operation = is_last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;
    do {
      size_t out_left = 0;
      if (BrotliEncoderCompressStream(state_, operation, &in_left, &in, &out_left, nullptr,
                                      nullptr) != BROTLI_TRUE)
        return false;
      size_t size = 0;
      const uint8_t* made = BrotliEncoderTakeOutput(state_, &size);
      out.append(reinterpret_cast<const char*>(made), size);
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
    return !is_last || BrotliEncoderIsFinished(state_) == BROTLI_TRUE;
  }

 private:
  BrotliEncoderState* state_;
};

class Gzip : public Compressor {
 public:
  Gzip() {
    constexpr int kWindowAndGzipHeader = 15 + 16;
    constexpr int kMemory = 9;
    is_open_ = deflateInit2(&stream_, Z_BEST_COMPRESSION, Z_DEFLATED, kWindowAndGzipHeader, kMemory,
                            Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() override {
    if (is_open_) deflateEnd(&stream_);
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  bool add(std::string_view slice, bool is_last, std::string& out) override {
    if (!is_open_) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(slice.data()));
    stream_.avail_in = static_cast<uInt>(slice.size());
    std::array<char, kSliceBytes> buffer;
    int state = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      state = deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
      if (state == Z_STREAM_ERROR) return false;
      out.append(buffer.data(), buffer.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return !is_last || state == Z_STREAM_END;
  }

 private:
  z_stream stream_{};
  bool is_open_ = false;
};

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

Error cannot(const char* verb, const std::string& path, const std::string& why) {
  return Error(ErrorKind::storage, fmt::format("cannot {} {}: {}", verb, path, why));
}
Error cannot(const char* verb, const std::string& path) {
  return cannot(verb, path, std::strerror(errno));
}

Result<void> write_whole(const std::string& path, std::string_view bytes) {
  // Two processes may make the same at the same time: each its own, then in its place at once.
  const std::string draft = fmt::format("{}.{}", path, ::getpid());
  const File file(std::fopen(draft.c_str(), "wbe"));
  if (!file) return cannot("write", draft);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                       std::fflush(file.get()) == 0 && ::fsync(::fileno(file.get())) == 0;
  if (!written) {
    Error error = cannot("write", draft);
    std::error_code ignored;
    fs::remove(draft, ignored);
    return error;
  }
  std::error_code failure;
  fs::rename(draft, path, failure);
  if (failure) return cannot("write", path, failure.message());
  return ok();
}

}  // namespace

bool has_variants(std::string_view content_type, uint64_t size) {
  if (size > kMostBytes) return false;
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  const auto ends_with = [type](std::string_view end) {
    return type.size() >= end.size() && type.substr(type.size() - end.size()) == end;
  };
  if (type.substr(0, 5) == "text/" || ends_with("+json") || ends_with("+xml")) return true;
  for (const char* each :
       {"application/json", "application/xml", "application/wasm", "application/vnd.ms-fontobject",
        "font/ttf", "font/otf", "image/x-icon", "image/bmp"})
    if (type == each) return true;
  return false;
}

Task<Result<std::optional<std::string>>> CompressedFiles::make(std::string on_disk, StaticFile of,
                                                               std::string encoding) {
  if (!has_variants(of.content_type, of.size)) co_return std::optional<std::string>();
  std::string place = fmt::format("{}/{}", folder_, variant_path(of.sha256, encoding));
  std::error_code failure;
  if (fs::is_regular_file(place, failure)) {
    fs::last_write_time(place, fs::file_time_type::clock::now(), failure);
    co_return std::optional<std::string>(std::move(place));
  }
  fs::create_directories(folder_, failure);
  if (failure) co_return cannot("make", folder_, failure.message());
  const File file(std::fopen(on_disk.c_str(), "rbe"));
  if (!file) co_return cannot("read", on_disk);
  std::unique_ptr<Compressor> compressor;
  if (encoding == "br") {
    compressor = std::make_unique<Brotli>(of.size);
  } else {
    compressor = std::make_unique<Gzip>();
  }
  std::string made;
  std::string slice(kSliceBytes, '\0');
  uint64_t done = 0;
  for (bool is_last = false; !is_last;) {
    const size_t got = std::fread(slice.data(), 1, slice.size(), file.get());
    if (std::ferror(file.get()) != 0) co_return cannot("read", on_disk);
    done += got;
    is_last = got < slice.size();
    if (!compressor->add(std::string_view(slice).substr(0, got), is_last, made))
      co_return Error(ErrorKind::internal, fmt::format("{} cannot be compressed", on_disk));
    // The loop has leases to renew meanwhile.
    if (clock_ != nullptr) PAWL_CO_CHECK(co_await clock_->sleep_for(std::chrono::milliseconds(0)));
  }
  if (done != of.size)
    co_return Error(ErrorKind::conflict, fmt::format("{} was changed while it was read", on_disk));
  PAWL_CO_CHECK(write_whole(place, made));
  co_return std::optional<std::string>(std::move(place));
}

void CompressedFiles::drop_old() const {
  std::error_code failure;
  const auto oldest = fs::file_time_type::clock::now() - kKeptFor;
  for (fs::directory_iterator each(folder_, failure), end; !failure && each != end;
       each.increment(failure)) {
    std::error_code ignored;
    if (fs::last_write_time(each->path(), ignored) < oldest && !ignored)
      fs::remove(each->path(), ignored);
  }
}

}  // namespace pawl
