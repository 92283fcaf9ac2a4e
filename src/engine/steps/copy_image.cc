// Copies the image from the source registry to the one that the function takes it from: the whole
// of it, by digest. The tag is resolved once, here or by the build, and never again.
#include <fmt/format.h>

#include "core/architecture.h"
#include "engine/steps/captured.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

struct CopyJob {
  ImageReference source;  // by digest
  ImageReference target;  // with the release's tag
  Digest digest;
  std::string platform;
};

Error explain_missing_image(Error error, const std::string& image) {
  if (error.kind() != ErrorKind::not_found) return error;
  return Error(ErrorKind::not_found, fmt::format("there is no image {}", image))
      .with_hint("check the tag, or build and push it first");
}

class CopyImage : public Step {
 public:
  CopyImage(ImageRegistry& images, ImageRepositories* repositories)
      : images_(images), repositories_(repositories) {}

  Task<Result<Observation>> observe(StepContext& context) override {
    Observation seen;
    auto prepared = co_await prepare(context);
    PAWL_CO_TRY(const auto job, std::move(prepared));
    auto there = co_await images_.resolve(job.target, job.platform);
    if (!there.ok()) {
      if (there.error().kind() != ErrorKind::not_found) co_return std::move(there).error();
      co_return seen;
    }
    if (there->digest != job.digest)
      co_return Error(
          ErrorKind::refused,
          fmt::format("{} is there already and is another image ({}, not {}): a released "
                      "version is never overwritten",
                      job.target.str(), there->digest.short_form(), job.digest.short_form()))
          .with_hint("release it under a new version, or delete that tag if it was never live");
    PAWL_CO_CHECK(check_architecture(context, there->architecture));
    seen.done = outputs_of(job, *there);
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    auto prepared = co_await prepare(context);
    PAWL_CO_TRY(const auto job, std::move(prepared));
    auto source = co_await images_.resolve(job.source, job.platform);
    if (!source.ok()) co_return explain_missing_image(std::move(source).error(), job.source.str());
    PAWL_CO_CHECK(check_architecture(context, source->architecture));
    PAWL_CO_CHECK(check_lambda_image(source->facts(), "", job.source.str()));
    PAWL_CO_CHECK(co_await context.before_change());
    CopyProgress progress = [&context](uint64_t done, uint64_t total) {
      context.progress(done, total, "bytes");
    };
    PAWL_CO_TRY(const auto copied,
                co_await images_.copy(job.source, job.target, job.platform, std::move(progress)));
    if (copied.image.digest != job.digest)
      co_return Error(ErrorKind::corrupt, fmt::format("the copy has digest {} instead of {}",
                                                      copied.image.digest.str(), job.digest.str()));
    json::object outputs = outputs_of(job, copied.image);
    outputs["bytes"] = copied.bytes_copied;
    outputs["blobs_copied"] = copied.blobs_copied;
    outputs["blobs_present"] = copied.blobs_present;
    co_return outputs;
  }

 private:
  Task<Result<CopyJob>> prepare(StepContext& context) {
    const json::object& params = context.step().params;
    const std::string platform = platform_of(context);
    PAWL_CO_TRY(auto source, ImageReference::parse(string_or(params, "source")));
    const std::string tag = string_or(params, "image_tag");
    std::string known = context.deployment().output("build_image", "digest");
    if (known.empty()) known = string_or(params, "digest");
    if (known.empty()) {
      const auto tagged = source.with_tag(tag);
      auto resolved = co_await images_.resolve(tagged, platform);
      if (!resolved.ok())
        co_return explain_missing_image(std::move(resolved).error(), tagged.str());
      known = resolved->digest.str();
    }
    PAWL_CO_TRY(auto digest, Digest::parse(known));
    std::string uri = string_or(params, "repository_uri");
    if (uri.empty()) {
      PAWL_CO_TRY(uri, co_await find_repository(string_or(params, "repository")));
    }
    PAWL_CO_TRY(const auto target, ImageReference::parse(uri));
    co_return CopyJob{source.with_digest(digest), target.with_tag(tag), digest, platform};
  }

  Task<Result<std::string>> find_repository(std::string name) {
    if (repositories_ == nullptr)
      co_return Error(ErrorKind::internal, "there is no access to the image repositories");
    auto uri = co_await repositories_->find_uri(name);
    if (!uri.ok() && uri.error().kind() == ErrorKind::not_found)
      co_return Error(ErrorKind::not_found, fmt::format("there is no repository {}", name))
          .with_hint("create it with Terraform first, or correct function.repository in pawl.yaml");
    co_return uri;
  }

  // The configured one, else the one that the function runs on.
  static std::string platform_of(StepContext& context) {
    if (auto platform = string_or(context.step().params, "platform"); !platform.empty())
      return platform;
    const auto captured = captured_of(context.deployment());
    const bool is_arm = captured.ok() && captured->latest.architecture == "arm64";
    return is_arm ? "linux/arm64" : "linux/amd64";
  }

  static Result<void> check_architecture(StepContext& context, const std::string& of_image) {
    const auto captured = captured_of(context.deployment());
    return pawl::check_architecture(of_image, captured.ok() ? captured->latest.architecture : "",
                                    string_or(context.step().params, "function"));
  }

  static json::object outputs_of(const CopyJob& job, const ImageInfo& image) {
    // Lambda takes no index: the function is given the manifest of its platform.
    const std::string image_uri = job.target.with_digest(image.platform_digest).str();
    return {{"digest", image.digest.str()},
            {"platform_digest", image.platform_digest.str()},
            {"image_uri", image_uri},
            {"platform", job.platform},
            {"architecture", image.architecture}};
  }

  ImageRegistry& images_;
  ImageRepositories* repositories_;
};

}  // namespace

std::unique_ptr<Step> make_copy_image(const StepPorts& ports) {
  return std::make_unique<CopyImage>(*ports.images, ports.repositories);
}

}  // namespace pawl::steps
