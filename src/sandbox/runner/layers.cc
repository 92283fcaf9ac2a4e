#include "sandbox/runner/layers.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unordered_set>

namespace pawl::sandbox {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kWhiteoutMeta = ".wh..wh.";

struct FreeArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchivePtr = std::unique_ptr<archive, FreeArchive>;

Error archive_error(archive* handle, const char* what) {
  const char* words = archive_error_string(handle);
  return Error(ErrorKind::corrupt,
               fmt::format("{}: {}", what, words == nullptr ? "bad data" : words));
}

// The way of the bytes: file -> hash of the compressed -> decompressor -> hash of the plain -> tar.
// Two archives one behind the other, because libarchive does not let one look between.
struct Pipeline {
  OwnedFd file;
  Sha256Stream compressed_hash;
  Sha256Stream plain_hash;
  ArchivePtr decompressor;
  ArchivePtr tar;
  std::array<char, 128u << 10> file_buffer;
  std::array<char, 128u << 10> plain_buffer;
  uint64_t plain_left = 0;  // what the plain stream may still hold
};

la_ssize_t read_file(archive* handle, void* context, const void** bytes) {
  auto& pipeline = *static_cast<Pipeline*>(context);
  ssize_t count;
  do {
    count = ::read(pipeline.file.get(), pipeline.file_buffer.data(), pipeline.file_buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    archive_set_error(handle, errno, "read: %s", strerror(errno));
    return -1;
  }
  *bytes = pipeline.file_buffer.data();
  pipeline.compressed_hash.update(
      std::string_view(pipeline.file_buffer.data(), static_cast<size_t>(count)));
  return count;
}

la_ssize_t read_plain(archive* handle, void* context, const void** bytes) {
  auto& pipeline = *static_cast<Pipeline*>(context);
  const la_ssize_t count = archive_read_data(
      pipeline.decompressor.get(), pipeline.plain_buffer.data(), pipeline.plain_buffer.size());
  if (count < 0) {
    archive_set_error(handle, EIO, "%s", archive_error_string(pipeline.decompressor.get()));
    return -1;
  }
  if (static_cast<uint64_t>(count) > pipeline.plain_left) {
    archive_set_error(handle, EFBIG, "the layer unpacks to more than the limit");
    return -1;
  }
  pipeline.plain_left -= static_cast<uint64_t>(count);
  *bytes = pipeline.plain_buffer.data();
  pipeline.plain_hash.update(
      std::string_view(pipeline.plain_buffer.data(), static_cast<size_t>(count)));
  return count;
}

Result<void> open_pipeline(Pipeline& pipeline, const LayerFile& layer, uint64_t plain_limit) {
  pipeline.plain_left = plain_limit;
  pipeline.file = OwnedFd(::open(layer.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!pipeline.file.valid())
    return Error(ErrorKind::storage,
                 fmt::format("read {}: {}", layer.path.string(), strerror(errno)));
  pipeline.decompressor = ArchivePtr(archive_read_new());
  archive* raw = pipeline.decompressor.get();
  archive_read_support_filter_gzip(raw);
  archive_read_support_filter_zstd(raw);
  archive_read_support_format_raw(raw);
  archive_read_support_format_empty(raw);
  if (archive_read_open(raw, &pipeline, nullptr, read_file, nullptr) != ARCHIVE_OK)
    return archive_error(raw, "open");
  archive_entry* whole = nullptr;
  const int header = archive_read_next_header(raw, &whole);
  if (header != ARCHIVE_OK && header != ARCHIVE_EOF) return archive_error(raw, "decompress");
  pipeline.tar = ArchivePtr(archive_read_new());
  archive* tar = pipeline.tar.get();
  archive_read_support_format_tar(tar);
  archive_read_support_format_empty(tar);
  if (archive_read_open(tar, &pipeline, nullptr, read_plain, nullptr) != ARCHIVE_OK)
    return archive_error(tar, "open");
  return ok();
}

// Reads on behind the end of the tar, so that both digests are of the whole.
Result<void> drain(Pipeline& pipeline) {
  const void* bytes = nullptr;
  la_ssize_t count;
  while ((count = read_plain(pipeline.tar.get(), &pipeline, &bytes)) > 0) {
  }
  if (count < 0) return archive_error(pipeline.tar.get(), "decompress");
  while ((count = read_file(pipeline.decompressor.get(), &pipeline, &bytes)) > 0) {
  }
  if (count < 0) return archive_error(pipeline.decompressor.get(), "read");
  return ok();
}

// One layer's entries, applied to the tree one after another.
class LayerWriter {
 public:
  LayerWriter(SafeTree& tree, archive* tar, const UnpackLimits& limits, UnpackUsage& usage)
      : tree_(tree), tar_(tar), limits_(limits), usage_(usage) {}

  Result<void> apply(archive_entry* entry) {
    if (++usage_.entries > limits_.max_entries)
      return Error(ErrorKind::corrupt,
                   fmt::format("the image holds more than {} files", limits_.max_entries));
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) return Error(ErrorKind::corrupt, "an entry has no name");
    PAWL_TRY(const std::string path, clean_tree_path(name));
    const auto slash = path.rfind('/');
    const std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
    if (base.starts_with(kWhiteout)) return white_out(path, base);
    PAWL_CHECK(make(entry, path));
    written_.insert(path);
    return ok();
  }

 private:
  // A whiteout speaks of the layers below, never of what this layer brings itself.
  Result<void> white_out(const std::string& path, const std::string& base) {
    const std::string parent =
        path.size() == base.size() ? std::string() : path.substr(0, path.size() - base.size() - 1);
    const auto from_this_layer = [this](const std::string& child) {
      return written_.count(child) > 0;
    };
    if (base == kOpaque) return tree_.empty_directory(parent, from_this_layer);
    if (base.starts_with(kWhiteoutMeta)) return ok();  // bookkeeping of old storage drivers
    const std::string hidden = base.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
      return Error(ErrorKind::corrupt, fmt::format("the whiteout '{}' names nothing", path));
    const std::string victim = parent.empty() ? hidden : parent + "/" + hidden;
    return from_this_layer(victim) ? ok() : tree_.remove(victim);
  }

  Result<void> make(archive_entry* entry, const std::string& path) {
    const char* hard_link = archive_entry_hardlink(entry);
    if (hard_link == nullptr) hard_link = archive_entry_hardlink_utf8(entry);
    if (hard_link != nullptr) {
      PAWL_TRY(const std::string existing, clean_tree_path(hard_link));
      return tree_.make_hard_link(path, existing);
    }
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        return tree_.make_directory(path, archive_entry_perm(entry));
      case AE_IFREG:
        return make_file(entry, path);
      case AE_IFLNK: {
        const char* target = archive_entry_symlink(entry);
        if (target == nullptr) target = archive_entry_symlink_utf8(entry);
        return tree_.make_symlink(path, target == nullptr ? "" : target);
      }
      default:
        // Base images sometimes bring a /dev; a function gets another one anyway.
        if (path.starts_with("dev/")) return ok();
        return Error(
            ErrorKind::corrupt,
            fmt::format("'{}' is a device, a pipe or a socket, which no layer may bring", path));
    }
  }

  Result<void> make_file(archive_entry* entry, const std::string& path) {
    PAWL_TRY(OwnedFd file, tree_.make_file(path));
    std::array<char, 64u << 10> buffer;
    for (;;) {
      const la_ssize_t count = archive_read_data(tar_, buffer.data(), buffer.size());
      if (count < 0) return archive_error(tar_, "unpack");
      if (count == 0) break;
      usage_.bytes += static_cast<uint64_t>(count);
      if (usage_.bytes > limits_.max_bytes)
        return Error(ErrorKind::corrupt,
                     fmt::format("the image unpacks to more than {} bytes", limits_.max_bytes));
      PAWL_CHECK(write_all(file.get(), buffer.data(), static_cast<size_t>(count), path));
    }
    // Times are kept: Python's compiled files are only good while their source's time is the same.
    const timespec stamp{archive_entry_mtime(entry), 0};
    const timespec times[2] = {stamp, stamp};
    if (::futimens(file.get(), times) != 0 ||
        ::fchmod(file.get(), archive_entry_perm(entry) & 0777) != 0)
      return Error(ErrorKind::storage, fmt::format("change '{}': {}", path, strerror(errno)));
    return ok();
  }

  static Result<void> write_all(int file, const char* bytes, size_t size, const std::string& path) {
    while (size > 0) {
      const ssize_t count = ::write(file, bytes, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0)
        return Error(ErrorKind::storage, fmt::format("write '{}': {}", path, strerror(errno)));
      bytes += count;
      size -= static_cast<size_t>(count);
    }
    return ok();
  }

  SafeTree& tree_;
  archive* tar_;
  const UnpackLimits& limits_;
  UnpackUsage& usage_;
  std::unordered_set<std::string> written_;
};

}  // namespace

Result<void> unpack_layer(SafeTree& tree, const LayerFile& layer, const UnpackLimits& limits,
                          UnpackUsage& usage) {
  auto pipeline = std::make_unique<Pipeline>();
  // Headers and padding take room in the stream too: 2 KiB an entry at most.
  const uint64_t room =
      limits.max_bytes - std::min(limits.max_bytes, usage.bytes) + limits.max_entries * 2048;
  PAWL_CHECK(open_pipeline(*pipeline, layer, room));
  LayerWriter writer(tree, pipeline->tar.get(), limits, usage);
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(pipeline->tar.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      return archive_error(pipeline->tar.get(), "unpack")
          .while_doing(fmt::format("unpacking layer {}", layer.digest.short_form()));
    auto applied = writer.apply(entry);
    if (!applied.ok())
      return std::move(applied).error().while_doing(
          fmt::format("unpacking layer {}", layer.digest.short_form()));
  }
  PAWL_CHECK(drain(*pipeline));
  if (Digest::from(pipeline->compressed_hash.finish()) != layer.digest)
    return Error(ErrorKind::corrupt,
                 fmt::format("layer {} does not have its digest", layer.digest.short_form()));
  if (Digest::from(pipeline->plain_hash.finish()) != layer.diff_id)
    return Error(ErrorKind::corrupt,
                 fmt::format("layer {} does not unpack to its diff-id {}",
                             layer.digest.short_form(), layer.diff_id.short_form()));
  return ok();
}

}  // namespace pawl::sandbox
