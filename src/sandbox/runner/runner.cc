#include "sandbox/runner/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace pawl::sandbox {
namespace {

constexpr std::chrono::seconds kReapEvery{2};

// What the sandbox's own image answers, without any process.
InvokeResult nothing_deployed() {
  InvokeResult result;
  const json::object headers{{"Content-Type", "application/json"}, {"X-Pawl-Placeholder", "true"}};
  result.payload = json::serialize(json::object{{"statusCode", 503},
                                                {"headers", headers},
                                                {"body", R"({"message":"nothing deployed yet"})"}});
  return result;
}

}  // namespace

ImageRunner::ImageRunner(Loop& loop, const RegistryStore& store, FunctionLogs& logs,
                         Isolation isolation, std::filesystem::path folder, RunnerSettings settings)
    : loop_(loop),
      logs_(logs),
      isolation_(std::move(isolation)),
      settings_(std::move(settings)),
      images_(loop, store, std::move(folder), settings_.unpack) {
  scope_.spawn(reap_idle());
}

ImageRunner::~ImageRunner() {
  *alive_ = false;
}

Task<Result<UnpackedImage>> ImageRunner::image_of(const FunctionCode& code) {
  auto digest = Digest::parse(code.image_digest);
  if (!digest.ok()) co_return std::move(digest).error();
  auto image = co_await images_.get(code.repository, *digest);
  co_return std::move(image).while_doing(
      fmt::format("preparing the image of {} version {}", code.function, code.version));
}

Task<Result<InvokeResult>> ImageRunner::invoke(InvokeRequest request) {
  if (stopped_) co_return Error(ErrorKind::unavailable, "the sandbox is ending");
  if (request.payload.size() > kMaxInvokePayloadBytes)
    co_return Error(ErrorKind::usage, "the payload is larger than 6 MB");
  const FunctionCode code = request.code;
  PAWL_CO_TRY(const UnpackedImage image, co_await image_of(code));
  if (image.config.placeholder) co_return nothing_deployed();
  PAWL_CO_TRY(const std::shared_ptr<Instance> instance, claim(code, image));
  InvokeResult result = co_await instance->invoke(std::move(request));
  if (instance->is_dead() || instance->is_retired()) bury_later();
  co_return result;
}

Result<std::shared_ptr<Instance>> ImageRunner::claim(const FunctionCode& code,
                                                     const UnpackedImage& image) {
  Pool& pool = pools_[key_of(code)];
  for (const auto& instance : pool) {
    if (!instance->is_idle() || instance->is_retired()) continue;
    instance->claim();
    return instance;
  }
  const auto alive = static_cast<size_t>(std::count_if(
      pool.begin(), pool.end(), [](const auto& instance) { return !instance->is_dead(); }));
  if (alive >= settings_.max_instances_of_version || !make_room())
    return Error(ErrorKind::throttled, "Rate Exceeded.").with_code("TooManyRequestsException");
  const std::string id = fmt::format("{}[{}]{:032x}", to_iso8601(loop_.clock().now()).substr(0, 10),
                                     code.version, next_id_++);
  pool.push_back(std::make_shared<Instance>(
      Instance::Parts{loop_, logs_, settings_, isolation_, id}, code, image));
  pool.back()->claim();
  return pool.back();
}

size_t ImageRunner::count_all() const {
  size_t count = 0;
  for (const auto& [key, pool] : pools_)
    for (const auto& instance : pool) count += instance->is_dead() ? 0 : 1;
  return count;
}

// The instance that was idle longest goes when all places are taken.
bool ImageRunner::make_room() {
  if (count_all() < settings_.max_instances) return true;
  std::shared_ptr<Instance> oldest;
  for (const auto& [key, pool] : pools_) {
    for (const auto& instance : pool) {
      if (instance->is_idle() && (!oldest || instance->idle_since() < oldest->idle_since()))
        oldest = instance;
    }
  }
  if (!oldest) return false;
  oldest->retire();
  bury_later();
  return true;
}

void ImageRunner::keep_warm(FunctionCode code, int instances) {
  const Key key = key_of(code);
  if (instances <= 0) {
    warm_.erase(key);
    return;
  }
  warm_[key] = std::min(instances, static_cast<int>(settings_.max_instances_of_version));
  if (!stopped_) scope_.spawn(warm_up(std::move(code), warm_[key]));
}

Task<void> ImageRunner::warm_up(FunctionCode code, int instances) {
  auto image = co_await image_of(code);
  if (!image.ok() || image->config.placeholder) co_return;
  const Key key = key_of(code);
  while (!stopped_ && static_cast<int>(pools_[key].size()) < instances) {
    auto instance = claim(code, *image);
    if (!instance.ok()) co_return;
    const std::shared_ptr<Instance> started = *instance;
    auto result = co_await started->start();
    if (!result.ok()) {
      logs_.add(code.function, code.version, result.error().message());
      bury_later();
      co_return;
    }
    started->release();
  }
}

void ImageRunner::retire(std::string function, std::string version) {
  for (auto& [key, pool] : pools_) {
    if (key.function != function || (!version.empty() && key.version != version)) continue;
    warm_.erase(key);
    for (const auto& instance : pool) instance->retire();
  }
  bury_later();
}

Task<void> ImageRunner::reap_idle() {
  for (;;) {
    auto slept = co_await loop_.clock().sleep_for(kReapEvery);
    if (!slept.ok()) co_return;
    const SteadyTime now = loop_.clock().steady_now();
    for (auto& [key, pool] : pools_) {
      const auto warm = warm_.find(key);
      size_t kept = warm == warm_.end() ? 0 : static_cast<size_t>(warm->second);
      for (const auto& instance : pool) {
        if (!instance->is_idle()) continue;
        if (kept > 0) {
          --kept;
        } else if (now - instance->idle_since() > settings_.keep_idle) {
          instance->retire();
        }
      }
    }
    bury_later();
  }
}

// Never from inside an instance's own task: burying ends those.
void ImageRunner::bury_later() {
  loop_.post([this, alive = alive_] {
    if (*alive) bury();
  });
}

void ImageRunner::bury() {
  for (auto pool = pools_.begin(); pool != pools_.end();) {
    std::erase_if(pool->second, [](const std::shared_ptr<Instance>& instance) {
      // A call that still looks at its instance holds it too.
      return instance.use_count() == 1 &&
             (instance->is_dead() || (instance->is_retired() && instance->is_idle()));
    });
    pool = pool->second.empty() ? pools_.erase(pool) : std::next(pool);
  }
}

Task<void> ImageRunner::stop() {
  stopped_ = true;
  for (const auto& [key, pool] : pools_)
    for (const auto& instance : pool) instance->kill();
  // Calls that are under way end with their instances; none of this takes longer than a kill.
  for (int round = 0; round < 200 && !pools_.empty(); ++round) {
    bury();
    if (pools_.empty()) break;
    auto slept = co_await with_stop(std::stop_token(),
                                    loop_.clock().sleep_for(std::chrono::milliseconds(10)));
    if (!slept.ok()) break;
  }
}

std::vector<ImageRunner::Count> ImageRunner::counts() const {
  std::vector<Count> counts;
  for (const auto& [key, pool] : pools_) {
    Count count{key.function, key.version, 0, 0};
    for (const auto& instance : pool) {
      if (instance->is_dead()) continue;
      ++count.instances;
      if (!instance->is_idle()) ++count.busy;
    }
    counts.push_back(count);
  }
  return counts;
}

}  // namespace pawl::sandbox
