#include "oci/layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace pawl::oci {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTarBlock = 512;
constexpr size_t kMaxTarEntries = 100'000;
constexpr const char* kRefName = "org.opencontainers.image.ref.name";

class FilePart : public BodySource {
 public:
  FilePart(std::string file, uint64_t offset, uint64_t bytes)
      : file_(std::move(file)), offset_(offset), bytes_(bytes) {}
  FilePart(const FilePart&) = delete;
  FilePart& operator=(const FilePart&) = delete;
  ~FilePart() override {
    if (open_ >= 0) ::close(open_);
  }

  Chunk read(std::span<std::byte> buffer) override {
    if (done_ == bytes_) return {Flow::end, 0};
    if (open_ < 0) open_ = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (open_ < 0) return {Flow::abort, 0};
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), bytes_ - done_));
    const ssize_t got = ::pread(open_, buffer.data(), wanted, static_cast<off_t>(offset_ + done_));
    if (got <= 0) return {Flow::abort, 0};
    done_ += static_cast<uint64_t>(got);
    return {Flow::ready, static_cast<size_t>(got)};
  }
  std::optional<uint64_t> size() const override { return bytes_; }
  bool rewind() override {
    done_ = 0;
    return true;
  }

 private:
  std::string file_;
  uint64_t offset_;
  uint64_t bytes_;
  uint64_t done_ = 0;
  int open_ = -1;
};

Error not_a_layout(const std::string& path, const std::string& why) {
  return Error(ErrorKind::corrupt, fmt::format("{} is no OCI image layout: {}", path, why))
      .with_hint(
          "make one: skopeo copy ... oci:DIR:TAG, buildah push IMAGE oci:DIR:TAG, or docker "
          "buildx build --output type=oci,dest=FILE.tar");
}

// A field of a tar header: octal digits, or, with the first bit set, big-endian bytes (GNU).
std::optional<uint64_t> tar_number(std::string_view field) {
  uint64_t number = 0;
  if (!field.empty() && (static_cast<unsigned char>(field.front()) & 0x80) != 0) {
    for (const char c : field.substr(field.size() - 8))
      number = number << 8 | static_cast<unsigned char>(c);
    return number;
  }
  const size_t first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return 0;
  for (const char c : field.substr(first)) {
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7') return std::nullopt;
    number = number << 3 | static_cast<uint64_t>(c - '0');
  }
  return number;
}

std::string tar_text(std::string_view field) {
  return std::string(field.substr(0, field.find('\0')));
}

}  // namespace

Result<ImageLayout> ImageLayout::open(const std::string& path) {
  ImageLayout layout;
  layout.path_ = path;
  std::error_code failure;
  if (!fs::exists(path, failure))
    return Error(ErrorKind::not_found, fmt::format("there is no OCI layout {}", path))
        .with_hint("image.layout in pawl.yaml is relative to it: a folder, or a tar of one");
  layout.is_tar_ = !fs::is_directory(path, failure);
  if (layout.is_tar_) {
    PAWL_TRY(layout.parts_, parts_of_tar(path));
  }
  constexpr size_t kMaxMarkBytes = 4096;
  auto mark = layout.read("oci-layout", kMaxMarkBytes);
  if (!mark.ok()) return not_a_layout(path, mark.error().what());
  const auto version = parse_json_object(*mark, "oci-layout");
  if (!version.ok() || string_or(*version, "imageLayoutVersion").rfind("1.", 0) != 0)
    return not_a_layout(path, "its file oci-layout names no version 1");
  return layout;
}

Result<std::map<std::string, ImageLayout::Part>> ImageLayout::parts_of_tar(
    const std::string& path) {
  std::map<std::string, Part> parts;
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_a_layout(path, std::strerror(errno));
  std::array<char, kTarBlock> block{};
  uint64_t at = 0;
  for (size_t entries = 0; file.read(block.data(), kTarBlock); ++entries) {
    const std::string_view header(block.data(), kTarBlock);
    if (header.front() == '\0') break;  // the end
    if (header.substr(0, 2) == "\x1f\x8b" || header.substr(0, 4) == "\x28\xb5\x2f\xfd")
      return not_a_layout(path, "it is compressed")
          .with_hint("unpack it first: gzip -d, or zstd -d");
    const auto bytes = tar_number(header.substr(124, 12));
    if (header.substr(257, 5) != "ustar" || !bytes || *bytes > kMaxBlobBytes)
      return not_a_layout(path, "it is no tar archive");
    if (entries == kMaxTarEntries) return not_a_layout(path, "it has too many files");
    std::string name = tar_text(header.substr(0, 100));
    if (const auto prefix = tar_text(header.substr(345, 155)); !prefix.empty())
      name = prefix + "/" + name;
    if (name.rfind("./", 0) == 0) name.erase(0, 2);
    at += kTarBlock;
    const char type = header[156];
    if (type == '0' || type == '\0') parts[name] = {path, at, *bytes};
    at += (*bytes + kTarBlock - 1) / kTarBlock * kTarBlock;
    file.seekg(static_cast<std::streamoff>(at));
  }
  return parts;
}

Result<ImageLayout::Part> ImageLayout::part(const std::string& name) const {
  const auto missing = [&] {
    return Error(ErrorKind::not_found, fmt::format("{} has no {}", path_, name));
  };
  if (is_tar_) {
    const auto found = parts_.find(name);
    if (found == parts_.end()) return missing();
    return found->second;
  }
  std::error_code failure;
  const std::string file = path_ + "/" + name;
  if (!fs::is_regular_file(file, failure)) return missing();
  const auto bytes = fs::file_size(file, failure);
  if (failure) return missing();
  return Part{file, 0, bytes};
}

Result<std::string> ImageLayout::read(const std::string& name, size_t max_bytes) const {
  PAWL_TRY(const Part where, part(name));
  if (where.bytes > max_bytes)
    return Error(ErrorKind::corrupt, fmt::format("{} of {} has {} bytes, more than {}", name, path_,
                                                 where.bytes, max_bytes));
  std::ifstream file(where.file, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(where.offset));
  std::string text(where.bytes, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())))
    return Error(ErrorKind::storage, fmt::format("cannot read {} of {}", name, path_));
  return text;
}

Result<Descriptor> ImageLayout::image(const std::string& name) const {
  PAWL_TRY(auto text, read("index.json", kMaxManifestBytes));
  PAWL_TRY(const auto index, parse_manifest(text, kOciIndex, path_ + "/index.json"));
  if (index.manifests.size() == 1) return index.manifests.front();
  if (index.manifests.empty()) return not_a_layout(path_, "its index.json names no image");
  PAWL_TRY(const auto object, parse_json_object(text, "index.json"));
  std::string names;
  const auto* entries = object.if_contains("manifests");
  for (size_t i = 0; entries && entries->is_array() && i < index.manifests.size(); ++i) {
    std::string found;
    const auto& entry = entries->get_array()[i];
    if (const auto* notes = find(entry, "annotations"); notes && notes->is_object())
      if (const auto* value = notes->get_object().if_contains(kRefName);
          value && value->is_string())
        found = value->get_string();
    if (found == name) return index.manifests[i];
    if (!found.empty()) names += (names.empty() ? "" : ", ") + found;
  }
  return Error(ErrorKind::not_found,
               fmt::format("{} holds {} images, and none of them is called '{}'{}", path_,
                           index.manifests.size(), name,
                           names.empty() ? "" : "; there are: " + names.substr(0, 500)))
      .with_hint(fmt::format(
          "put one image into it, or give it the name: skopeo copy ... oci:{}:{}", path_, name));
}

Result<std::string> ImageLayout::small_blob(const Descriptor& descriptor, size_t max_bytes) const {
  const std::string name = "blobs/sha256/" + std::string(descriptor.digest.hex());
  PAWL_TRY(auto bytes, read(name, max_bytes));
  if (Digest::of(bytes) != descriptor.digest)
    return Error(ErrorKind::corrupt,
                 fmt::format("{} of {} is not what its name says", name, path_));
  return bytes;
}

Result<Manifest> ImageLayout::manifest(const Descriptor& descriptor) const {
  PAWL_TRY(auto bytes, small_blob(descriptor, kMaxManifestBytes));
  return parse_manifest(std::move(bytes), descriptor.media_type, path_);
}

bool ImageLayout::has(const Digest& digest) const {
  return part("blobs/sha256/" + std::string(digest.hex())).ok();
}

Result<std::shared_ptr<BodySource>> ImageLayout::blob(const Descriptor& descriptor) const {
  const std::string name = "blobs/sha256/" + std::string(descriptor.digest.hex());
  PAWL_TRY(const Part where, part(name));
  if (where.bytes != descriptor.size)
    return Error(ErrorKind::corrupt, fmt::format("{} of {} has {} bytes, and its manifest says {}",
                                                 name, path_, where.bytes, descriptor.size));
  return std::shared_ptr<BodySource>(
      std::make_shared<FilePart>(where.file, where.offset, where.bytes));
}

}  // namespace pawl::oci
