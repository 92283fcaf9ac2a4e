#include "sandbox/runner/image.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/json.h"
#include "net/loop.h"
#include "sandbox/files.h"
#include "sandbox/runner/background.h"

namespace pawl::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxConfigBytes = 1u << 20;
constexpr size_t kMaxLayers = 127;
constexpr size_t kKeptImages = 12;

std::vector<std::string> strings_at(const json::object& object, std::string_view path) {
  std::vector<std::string> strings;
  const json::value* list = find(object, path);
  if (list == nullptr || !list->is_array()) return strings;
  for (const auto& element : list->get_array())
    if (element.is_string()) strings.emplace_back(element.get_string());
  return strings;
}

struct LayerPlan {
  std::vector<LayerFile> layers;
  std::string config;
};

// What the manifest and the config say, held against each other.
Result<LayerPlan> plan_layers(const RegistryStore& store, const std::string& repository,
                              const Digest& manifest) {
  const auto stored = store.find_manifest(repository, manifest);
  if (!stored)
    return Error(ErrorKind::not_found,
                 fmt::format("the image {}@{} is not in the registry", repository, manifest.str()));
  PAWL_TRY(const auto document, parse_json_object(stored->body, "the manifest"));
  const json::value* layers = document.if_contains("layers");
  if (layers == nullptr || !layers->is_array() || layers->get_array().size() > kMaxLayers)
    return Error(ErrorKind::corrupt, "this is not the manifest of an image");
  PAWL_TRY(const auto config_digest, Digest::parse(string_or(document, "config.digest")));
  LayerPlan plan;
  PAWL_TRY(plan.config, read_whole_file(store.blob_path(config_digest), kMaxConfigBytes));
  PAWL_TRY(const auto config, parse_json_object(plan.config, "the image's config"));
  const auto diff_ids = strings_at(config, "rootfs.diff_ids");
  if (diff_ids.size() != layers->get_array().size())
    return Error(ErrorKind::corrupt, "the image's config names another number of layers");
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    const auto& layer = layers->get_array()[i];
    if (!layer.is_object()) return Error(ErrorKind::corrupt, "a layer is not described");
    PAWL_TRY(const auto digest, Digest::parse(string_or(layer.get_object(), "digest")));
    PAWL_TRY(const auto diff_id, Digest::parse(diff_ids[i]));
    plan.layers.push_back({store.blob_path(digest), digest, diff_id});
  }
  return plan;
}

// Where there is no mount namespace the function sees these; with one, tmpfs lies over them.
void make_device_nodes(const fs::path& dev) {
  struct Node {
    const char* name;
    unsigned minor;
  };
  static constexpr Node kNodes[] = {
      {"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};
  for (const auto& node : kNodes) {
    const fs::path path = dev / node.name;
    if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, node.minor)) == 0)
      ::chmod(path.c_str(), 0666);
  }
}

}  // namespace

Result<ImageRunConfig> parse_image_config(std::string_view text) {
  PAWL_TRY(const auto config, parse_json_object(text, "the image's config"));
  ImageRunConfig run;
  run.entry_point = strings_at(config, "config.Entrypoint");
  run.command = strings_at(config, "config.Cmd");
  run.environment = strings_at(config, "config.Env");
  run.working_directory = string_or(config, "config.WorkingDir");
  const json::value* labels = find(config, "config.Labels");
  run.placeholder =
      labels != nullptr && labels->is_object() && labels->get_object().contains(kPlaceholderLabel);
  return run;
}

Result<void> unpack_image(const RegistryStore& store, const std::string& repository,
                          const Digest& manifest, const fs::path& destination,
                          const UnpackLimits& limits) {
  PAWL_TRY(const auto plan, plan_layers(store, repository, manifest));
  PAWL_TRY(SafeTree tree, SafeTree::open(destination / "root"));
  UnpackUsage usage;
  for (const auto& layer : plan.layers) PAWL_CHECK(unpack_layer(tree, layer, limits, usage));
  PAWL_CHECK(tree.make_directory("", 0755));
  // Real directories, whatever the image had there: they are mounted over.
  PAWL_CHECK(tree.make_directory("tmp", 0777));
  PAWL_CHECK(tree.make_directory("proc", 0755));
  PAWL_CHECK(tree.remove("dev"));
  PAWL_CHECK(tree.make_directory("dev", 0755));
  ::chmod((destination / "root" / "tmp").c_str(), 01777);
  make_device_nodes(destination / "root" / "dev");
  return write_file_atomically(destination / "config.json", plan.config);
}

ImageCache::ImageCache(Loop& loop, const RegistryStore& store, fs::path folder, UnpackLimits limits)
    : loop_(loop), store_(store), folder_(std::move(folder)), limits_(limits) {
  prune();
}

Result<UnpackedImage> ImageCache::load(const Digest& manifest) const {
  const fs::path folder = folder_ / std::string(manifest.hex());
  PAWL_TRY(const auto text, read_whole_file(folder / "config.json", kMaxConfigBytes));
  UnpackedImage image;
  image.root = folder / "root";
  PAWL_TRY(image.config, parse_image_config(text));
  return image;
}

Task<Result<UnpackedImage>> ImageCache::get(std::string repository, Digest manifest) {
  auto there = load(manifest);
  if (there.ok()) co_return there;
  OneShot<Result<void>> done;
  auto& waiting = waiting_[manifest];
  waiting.push_back(done);
  if (waiting.size() == 1) scope_.spawn(unpack(repository, manifest));
  auto unpacked = co_await done.wait();
  if (!unpacked.ok()) co_return std::move(unpacked).error();
  co_return load(manifest);
}

Task<void> ImageCache::unpack(std::string repository, Digest manifest) {
  const fs::path place = folder_ / std::string(manifest.hex());
  const fs::path aside = folder_ / (std::string(manifest.hex()) + ".part");
  std::function<Result<bool>()> work = [this, repository, manifest, place,
                                        aside]() -> Result<bool> {
    std::error_code failure;
    fs::remove_all(aside, failure);
    fs::remove_all(place, failure);
    auto unpacked = unpack_image(store_, repository, manifest, aside, limits_);
    if (unpacked.ok()) {
      fs::rename(aside, place, failure);
      if (!failure) return true;
      unpacked = Error(ErrorKind::storage,
                       fmt::format("rename {}: {}", aside.string(), failure.message()));
    }
    fs::remove_all(aside, failure);
    return std::move(unpacked).error();
  };
  auto done = co_await in_background(loop_, std::move(work));
  const Result<void> result = done.ok() ? ok() : Result<void>(std::move(done).error());
  auto waiting = waiting_.extract(manifest);
  // From the loop: whoever goes on may well end this cache.
  for (const auto& waiter : waiting.mapped()) loop_.post([waiter, result] { waiter.set(result); });
}

// At the start: half-unpacked folders go, and the oldest ones.
void ImageCache::prune() const {
  std::vector<std::pair<fs::file_time_type, fs::path>> images;
  std::error_code failure;
  for (fs::directory_iterator entry(folder_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    std::error_code ignored;
    const auto written = fs::last_write_time(entry->path() / "config.json", ignored);
    images.emplace_back(ignored ? fs::file_time_type::min() : written, entry->path());
  }
  std::sort(images.rbegin(), images.rend());
  for (size_t i = 0; i < images.size(); ++i) {
    std::error_code ignored;
    if (i >= kKeptImages || images[i].first == fs::file_time_type::min())
      fs::remove_all(images[i].second, ignored);
  }
}

}  // namespace pawl::sandbox
