// The steps of static files: new ones go up before the traffic moves; those with fixed names are
// switched after it, and put back by the undo; a content delivery network is told both times. How
// that is done is the affair of engine/static_site.h and engine/static_cdn.h.
#include <fmt/format.h>

#include "engine/static_cdn.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

StaticTarget target_of(const json::object& params) {
  return {string_or(params, "bucket"), string_or(params, "prefix")};
}

BeforeChange before_change_of(StepContext& context) {
  return [&context]() { return context.before_change(); };
}

Error explain_bucket_error(Error error, const std::string& bucket) {
  if (error.kind() != ErrorKind::not_found) return error;
  return std::move(error).with_hint(fmt::format(
      "create the bucket {} with Terraform first, or correct static.bucket in pawl.yaml", bucket));
}

class UploadStatic : public Step {
 public:
  UploadStatic(ObjectStore& objects, StaticFiles& files) : objects_(objects), files_(files) {}

  // The upload looks itself at what is there.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    PAWL_CO_TRY(const auto manifest, co_await scan(context));
    co_return co_await upload(context, manifest);
  }

 protected:
  Task<Result<StaticManifest>> scan(StepContext& context) {
    const json::object& params = context.step().params;
    auto rules = static_rules_from(params);
    co_return co_await files_.scan(string_or(params, "dir"), std::move(rules));
  }

  Task<Result<json::object>> upload(StepContext& context, StaticManifest manifest) {
    const json::object& params = context.step().params;
    const std::string directory = string_or(params, "dir");
    const StaticTarget target = target_of(params);
    SyncProgress progress = [&context](uint64_t done, uint64_t total) {
      context.progress(done, total, "bytes");
    };
    BeforeChange before_change = before_change_of(context);
    auto uploaded = co_await upload_new_files(objects_, files_, target, directory, manifest,
                                              std::move(before_change), std::move(progress));
    if (!uploaded.ok()) co_return explain_bucket_error(std::move(uploaded).error(), target.bucket);
    for (const auto& note : uploaded->notes) context.log(note);
    json::object outputs;
    outputs["manifest_digest"] = manifest.digest();
    outputs["files"] = manifest.files.size();
    outputs["uploaded"] = uploaded->uploaded;
    outputs["unchanged"] = uploaded->unchanged;
    outputs["bytes"] = uploaded->bytes;
    co_return outputs;
  }

  ObjectStore& objects_;
  StaticFiles& files_;
};

// The upload ran beside Terraform, which may have replaced the bucket: then all goes up again.
class ConfirmStatic : public UploadStatic {
 public:
  using UploadStatic::UploadStatic;

  Task<Result<Observation>> observe(StepContext& context) override {
    const StaticTarget target = target_of(context.step().params);
    const std::string digest = uploaded_digest(context);
    auto manifest = co_await read_release_manifest(objects_, target, digest);
    if (!manifest.ok() && manifest.error().kind() == ErrorKind::not_found) co_return Observation{};
    if (!manifest.ok()) co_return std::move(manifest).error();
    PAWL_CO_TRY(const bool there, co_await is_in_place(objects_, target, *manifest, false));
    Observation seen;
    if (there) seen.done = json::object{{"manifest_digest", digest}};
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    PAWL_CO_TRY(const auto manifest, co_await scan(context));
    if (manifest.digest() != uploaded_digest(context))
      co_return Error(ErrorKind::conflict,
                      fmt::format("the files of {} were changed while they were being deployed",
                                  string_or(context.step().params, "dir")))
          .with_hint("deploy again when they are as they should be");
    co_return co_await upload(context, manifest);
  }

 private:
  static std::string uploaded_digest(StepContext& context) {
    return context.deployment().output("upload_static", "manifest_digest");
  }
};

class SwitchStatic : public Step {
 public:
  SwitchStatic(ObjectStore& objects, Cdn* cdn) : objects_(objects), cdn_(cdn) {}

  // The switch looks itself at each file.
  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const StaticTarget target = target_of(context.step().params);
    std::string digest = context.deployment().output("upload_static", "manifest_digest");
    if (digest.empty()) digest = string_or(context.step().params, "manifest_digest");
    auto manifest = co_await read_release_manifest(objects_, target, digest);
    if (!manifest.ok()) {
      if (manifest.error().kind() != ErrorKind::not_found) co_return std::move(manifest).error();
      co_return Error(ErrorKind::not_found,
                      fmt::format("s3://{}/{} has no record of that release's static files",
                                  target.bucket, target.prefix))
          .with_hint("deploy that release again, which uploads them");
    }
    BeforeChange before_change = before_change_of(context);
    PAWL_CO_TRY(const auto switched,
                co_await switch_mutable_files(objects_, target, *manifest, context.deployment().id,
                                              std::move(before_change)));
    json::object outputs;
    outputs["manifest_digest"] = digest;
    outputs["switched"] = switched.uploaded;
    outputs["unchanged"] = switched.unchanged;
    PAWL_CO_TRY(const auto invalidation, co_await tell_cdn(context, "switch"));
    if (!invalidation.empty()) outputs["invalidation"] = invalidation;
    co_return outputs;
  }

  Task<Result<json::object>> undo(StepContext& context) override {
    const StaticTarget target = target_of(context.step().params);
    BeforeChange before_change = before_change_of(context);
    auto restored = co_await restore_mutable_files(objects_, target, context.deployment().id,
                                                   std::move(before_change));
    // Also when some could not be put back: the others were.
    auto told = co_await tell_cdn(context, "undo");
    if (!restored.ok()) co_return std::move(restored).error();
    if (!told.ok()) co_return std::move(told).error();
    json::object outputs;
    if (restored->uploaded > 0) outputs["restored"] = restored->uploaded;
    if (!told->empty()) outputs["invalidation"] = *told;
    co_return outputs;
  }

 private:
  // All that this deployment has switched, as its backups have it: a try that went on after a crash
  // finds nothing to switch any more, and the network must be told all the same.
  Task<Result<std::string>> tell_cdn(StepContext& context, const char* purpose) {
    const json::value* settings = find(context.step().params, "cloudfront");
    if (settings == nullptr || !settings->is_object()) co_return std::string();
    const CdnTarget cdn = cdn_target_from(settings->get_object());
    if (cdn_ == nullptr)
      co_return Error(ErrorKind::internal, "there is nothing here that speaks to CloudFront");
    const StaticTarget target = target_of(context.step().params);
    PAWL_CO_TRY(auto paths, co_await switched_paths(objects_, target, context.deployment().id));
    if (paths.empty()) co_return std::string();
    PAWL_CO_CHECK(co_await context.before_change());
    const std::string key = fmt::format("{}-{}", purpose, context.key());
    PAWL_CO_TRY(auto id, co_await invalidate(*cdn_, context.clock(), cdn, std::move(paths), key));
    context.log(fmt::format("CloudFront's distribution {} was told: invalidation {}",
                            cdn.distribution, id));
    co_return id;
  }

  ObjectStore& objects_;
  Cdn* cdn_;
};

}  // namespace

std::unique_ptr<Step> make_upload_static(const StepPorts& ports) {
  return std::make_unique<UploadStatic>(*ports.objects, *ports.static_files);
}

std::unique_ptr<Step> make_confirm_static(const StepPorts& ports) {
  return std::make_unique<ConfirmStatic>(*ports.objects, *ports.static_files);
}

std::unique_ptr<Step> make_switch_static(const StepPorts& ports) {
  return std::make_unique<SwitchStatic>(*ports.objects, ports.cdn);
}

}  // namespace pawl::steps
