#include "sandbox/aws/disk_blobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace pawl::sandbox {

namespace fs = std::filesystem;

namespace {

constexpr size_t kPieceBytes = 256u << 10;

Error storage(const fs::path& path, const char* what, int code) {
  return Error(ErrorKind::storage,
               fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(code)));
}

Result<void> make_folder_of(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) return storage(path.parent_path(), "make the folder", failed.value());
  return ok();
}

}  // namespace

Result<std::unique_ptr<DiskBlobStore>> DiskBlobStore::open(fs::path root, Entropy& entropy) {
  std::unique_ptr<DiskBlobStore> store(new DiskBlobStore(std::move(root), entropy));
  std::error_code ignored;
  fs::remove_all(store->root_ / "new", ignored);
  PAWL_CHECK(make_folder_of(store->new_path("x")));
  return store;
}

std::string DiskBlobStore::new_id() {
  return fmt::format("{:016x}{:016x}", entropy_.next(), entropy_.next());
}

fs::path DiskBlobStore::final_path(const std::string& id) const {
  return root_ / id.substr(0, 2) / id;
}

fs::path DiskBlobStore::new_path(const std::string& id) const {
  return root_ / "new" / id;
}

fs::path DiskBlobStore::path(const cloud::Blob& blob) const {
  return final_path(blob.id);
}

DiskBlobStore::Writer::Writer(DiskBlobStore& store, std::string id, int file)
    : store_(&store), id_(std::move(id)), file_(file) {}

DiskBlobStore::Writer::Writer(Writer&& other) noexcept
    : store_(other.store_),
      id_(std::move(other.id_)),
      file_(std::exchange(other.file_, -1)),
      size_(other.size_),
      md5_(std::move(other.md5_)) {}

DiskBlobStore::Writer::~Writer() {
  if (file_ < 0) return;
  close(file_);
  unlink(store_->new_path(id_).c_str());
}

Result<void> DiskBlobStore::Writer::write(std::string_view bytes) {
  md5_.update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return storage(store_->new_path(id_), "write", errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return ok();
}

Result<cloud::Blob> DiskBlobStore::Writer::finish() {
  const fs::path from = store_->new_path(id_);
  const fs::path to = store_->final_path(id_);
  close(std::exchange(file_, -1));
  if (auto made = make_folder_of(to); !made.ok()) {
    unlink(from.c_str());
    return std::move(made).error();
  }
  if (rename(from.c_str(), to.c_str()) != 0) {
    const int code = errno;
    unlink(from.c_str());
    return storage(to, "rename to", code);
  }
  return cloud::Blob{id_, size_, cloud::hex_of(md5_.finish())};
}

Result<DiskBlobStore::Writer> DiskBlobStore::begin() {
  std::string id = new_id();
  const fs::path path = new_path(id);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return storage(path, "create", errno);
  return Writer(*this, std::move(id), file);
}

Result<cloud::Blob> DiskBlobStore::put(std::string_view bytes) {
  PAWL_TRY(Writer writer, begin());
  PAWL_CHECK(writer.write(bytes));
  return writer.finish();
}

Result<std::string> DiskBlobStore::read(const cloud::Blob& blob, uint64_t offset,
                                        uint64_t length) const {
  const fs::path from = path(blob);
  const int file = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return storage(from, "open", errno);
  length = offset < blob.size ? std::min(length, blob.size - offset) : 0;
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < length) {
    const ssize_t count =
        pread(file, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int code = count < 0 ? errno : EIO;
      close(file);
      return storage(from, "read", code);
    }
    done += static_cast<size_t>(count);
  }
  close(file);
  return bytes;
}

Result<cloud::Blob> DiskBlobStore::join(const std::vector<cloud::Blob>& parts) {
  PAWL_TRY(Writer writer, begin());
  for (const cloud::Blob& part : parts) {
    for (uint64_t at = 0; at < part.size; at += kPieceBytes) {
      PAWL_TRY(const std::string piece, read(part, at, kPieceBytes));
      PAWL_CHECK(writer.write(piece));
    }
  }
  return writer.finish();
}

Result<cloud::Blob> DiskBlobStore::duplicate(const cloud::Blob& blob) {
  cloud::Blob copy = blob;
  copy.id = new_id();
  PAWL_CHECK(make_folder_of(path(copy)));
  // Bodies never change, so two names for one file are two objects.
  if (link(path(blob).c_str(), path(copy).c_str()) != 0) return storage(path(copy), "link", errno);
  return copy;
}

void DiskBlobStore::remove(const cloud::Blob& blob) {
  if (!blob.id.empty()) unlink(path(blob).c_str());
}

void DiskBlobStore::sweep(const std::set<std::string>& used) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator it(root_, ignored), end; it != end; it.increment(ignored)) {
    if (ignored) return;
    if (it->is_regular_file(ignored) && !used.contains(it->path().filename().string()))
      unlink(it->path().c_str());
  }
}

}  // namespace pawl::sandbox
