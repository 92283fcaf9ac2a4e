#include "oci/layout_pusher.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "core/image_reference.h"
#include "engine/parallel.h"
#include "oci/layout.h"
#include "oci/repository.h"

namespace pawl::oci {
namespace {

constexpr size_t kMaxConfigBytes = 4u << 20;
constexpr size_t kBlobsAtOnce = 4;
constexpr int kTries = 4;
constexpr std::chrono::milliseconds kFirstPause{500};
// Between two looks at the rest of the world while a large blob is hashed.
constexpr size_t kHashSliceBytes = 16u << 20;
constexpr int kMaxNesting = 4;  // of indexes in indexes
constexpr const char* kRevision = "org.opencontainers.image.revision";

struct Pushed {
  size_t sent = 0;
  size_t present = 0;
  uint64_t bytes = 0;
};

class LayoutPusher : public ImageBuilder {
 public:
  LayoutPusher(HttpClient& http, Clock& clock, Entropy& entropy, RegistryAccess access,
               std::string directory)
      : clock_(clock),
        registries_(http, clock, entropy, std::move(access)),
        directory_(std::move(directory)) {}

  Task<Result<std::string>> available(BuildSettings) override {
    co_return std::string("Pawl itself");
  }

  Task<Result<Digest>> build_and_push(BuildRequest request, LogLine log) override {
    if (request.tags.empty())
      co_return Error(ErrorKind::internal, "an image is to be pushed, and no tag is given");
    PAWL_CO_TRY(const auto layout, ImageLayout::open(path_of(request.layout)));
    PAWL_CO_TRY(const auto descriptor, layout.image(request.tags.front()));
    PAWL_CO_TRY(const auto image, layout.manifest(descriptor));
    if (log) log(fmt::format("{} holds {}: pushed as it is", layout.path(), image.digest.str()));
    PAWL_CO_CHECK(check_revision(layout, image, request.revision, log));
    PAWL_CO_TRY(const auto target, ImageReference::parse(request.image));
    Repository repository(registries_.at(target.host), target.repository, true);
    Pushed pushed;
    PAWL_CO_CHECK(co_await push_parts(repository, layout, image, pushed, 0));
    for (const auto& tag : request.tags) {
      auto put = co_await repository.put_manifest(image, tag);
      if (!put.ok())
        co_return std::move(put).error().while_doing(
            fmt::format("pushing {}:{}", request.image, tag));
      if (log) log(fmt::format("{}:{}", request.image, tag));
    }
    if (log)
      log(fmt::format("{} blobs pushed ({} bytes), {} were there", pushed.sent, pushed.bytes,
                      pushed.present));
    co_return image.digest;
  }

 private:
  std::string path_of(const std::string& layout) const {
    return layout.front() == '/' || directory_.empty() ? layout : directory_ + "/" + layout;
  }

  // What goes live must be of the commit that is said to go live.
  static Result<void> check_revision(const ImageLayout& layout, const Manifest& image,
                                     const std::string& revision, const LogLine& log) {
    if (image.kind == ManifestKind::index) {
      for (const auto& each : image.manifests) {
        if (!each.platform || each.platform->os == "unknown" || !layout.has(each.digest)) continue;
        PAWL_TRY(const auto one, layout.manifest(each));
        PAWL_CHECK(check_revision(layout, one, revision, log));
      }
      return ok();
    }
    if (image.kind != ManifestKind::image || image.blobs.empty() || revision.empty()) return ok();
    PAWL_TRY(const auto text, layout.small_blob(image.blobs.front(), kMaxConfigBytes));
    PAWL_TRY(const auto config, parse_json_object(text, "the image's config"));
    std::string said;
    if (const auto* labels = find(config, "config.Labels"); labels && labels->is_object())
      if (const auto* value = labels->get_object().if_contains(kRevision);
          value && value->is_string())
        said = value->get_string();
    if (said.empty() && log)
      log(fmt::format("the image does not say which commit it was made of (label {})", kRevision));
    if (said.empty() || said == revision) return ok();
    return Error(ErrorKind::refused,
                 fmt::format("{} was made of commit {}, and {} is to be deployed", layout.path(),
                             said.substr(0, 40), revision))
        .with_hint("build the layout again from this commit, or deploy the other one");
  }

  // Children before what names them.
  Task<Result<void>> push_parts(Repository& repository, const ImageLayout& layout,
                                Manifest manifest, Pushed& pushed, int depth) {
    if (depth > kMaxNesting)
      co_return Error(ErrorKind::corrupt, layout.path() + " nests indexes too deeply");
    for (const auto& child : manifest.manifests) {
      PAWL_CO_TRY(const auto inner, layout.manifest(child));
      PAWL_CO_CHECK(co_await push_parts(repository, layout, inner, pushed, depth + 1));
      PAWL_CO_CHECK(co_await repository.put_manifest(inner, inner.digest.str()));
    }
    co_return co_await for_each_index(
        manifest.blobs.size(), kBlobsAtOnce, [&](size_t i) -> Task<Result<void>> {
          return push_blob(repository, layout, manifest.blobs[i], pushed);
        });
  }

  Task<Result<void>> push_blob(Repository& repository, const ImageLayout& layout, Descriptor blob,
                               Pushed& pushed) {
    if (blob.is_foreign) co_return ok();
    std::chrono::milliseconds pause = kFirstPause;
    for (int tries = 1;; ++tries, pause *= 2) {
      auto done = co_await push_once(repository, layout, blob, pushed);
      if (done.ok()) co_return ok();
      if (tries == kTries || !is_transient(done.error().kind()))
        co_return std::move(done).error().while_doing(
            fmt::format("pushing {} of {}", blob.digest.short_form(), layout.path()));
      PAWL_CO_CHECK(co_await clock_.sleep_for(pause));
    }
  }

  Task<Result<void>> push_once(Repository& repository, const ImageLayout& layout,
                               const Descriptor& blob, Pushed& pushed) {
    PAWL_CO_TRY(const auto there, co_await repository.head_blob(blob.digest));
    if (there) {
      ++pushed.present;
      co_return ok();
    }
    PAWL_CO_TRY(auto source, layout.blob(blob));
    PAWL_CO_CHECK(co_await check_content(*source, layout, blob));
    PAWL_CO_TRY(auto upload, co_await repository.start_upload());
    PAWL_CO_CHECK(co_await repository.finish_upload(std::move(upload), blob.digest, source));
    ++pushed.sent;
    pushed.bytes += blob.size;
    co_return ok();
  }

  // A file that is damaged must never be sent under a right name, whatever the registry checks.
  Task<Result<void>> check_content(BodySource& source, const ImageLayout& layout,
                                   const Descriptor& blob) {
    Sha256Stream hash;
    std::vector<std::byte> buffer(256u << 10);
    size_t since_a_look = 0;
    for (;;) {
      const auto chunk = source.read(buffer);
      if (chunk.flow == Flow::abort)
        co_return Error(ErrorKind::storage,
                        fmt::format("cannot read {} of {}", blob.digest.str(), layout.path()));
      if (chunk.flow == Flow::end) break;
      hash.update(std::span<const std::byte>(buffer.data(), chunk.bytes));
      since_a_look += chunk.bytes;
      if (since_a_look < kHashSliceBytes) continue;
      since_a_look = 0;
      PAWL_CO_CHECK(co_await clock_.sleep_for(std::chrono::milliseconds(0)));
    }
    if (Digest::from(hash.finish()) != blob.digest)
      co_return Error(ErrorKind::corrupt,
                      fmt::format("the blob {} of {} is damaged: its content has another digest",
                                  blob.digest.str(), layout.path()))
          .with_hint("build the layout again");
    source.rewind();
    co_return ok();
  }

  Clock& clock_;
  Registries registries_;
  std::string directory_;
};

}  // namespace

std::unique_ptr<ImageBuilder> make_layout_pusher(HttpClient& http, Clock& clock, Entropy& entropy,
                                                 RegistryAccess access, std::string directory) {
  return std::make_unique<LayoutPusher>(http, clock, entropy, std::move(access),
                                        std::move(directory));
}

}  // namespace pawl::oci
