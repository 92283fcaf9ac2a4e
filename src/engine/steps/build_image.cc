// Builds the image of the release's commit and pushes it to the source registry. What goes on from
// here is the digest.
#include <fmt/format.h>

#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

std::map<std::string, std::string> texts_of(const json::object& params, std::string_view name) {
  std::map<std::string, std::string> texts;
  if (const json::value* values = find(params, name); values && values->is_object())
    for (const auto& [key, value] : values->get_object())
      if (value.is_string()) texts[std::string(key)] = std::string(value.get_string());
  return texts;
}

std::vector<std::string> list_of(const json::object& params, std::string_view name) {
  std::vector<std::string> texts;
  if (const json::value* list = find(params, name); list && list->is_array())
    for (const auto& text : list->get_array())
      if (text.is_string()) texts.emplace_back(text.get_string());
  return texts;
}

BuildRequest build_request_of(const json::object& params) {
  BuildRequest request;
  request.image = string_or(params, "image");
  request.revision = string_or(params, "revision");
  request.labels = texts_of(params, "labels");
  request.tags = list_of(params, "tags");
  request.layout = string_or(params, "layout");
  BuildSettings& settings = request.settings;
  settings.context = string_or(params, "context", settings.context);
  settings.dockerfile = string_or(params, "dockerfile", settings.dockerfile);
  settings.target = string_or(params, "target");
  settings.platform = string_or(params, "platform", settings.platform);
  settings.builder = string_or(params, "builder", settings.builder);
  settings.args = texts_of(params, "args");
  settings.platforms = list_of(params, "platforms");
  settings.secrets = texts_of(params, "secrets");
  settings.cache_from = list_of(params, "cache_from");
  settings.cache_to = list_of(params, "cache_to");
  settings.provenance = string_or(params, "provenance");
  settings.sbom = string_or(params, "sbom");
  return request;
}

json::object outputs_of(const std::string& image, const std::string& digest) {
  return {{"digest", digest}, {"image", image + "@" + digest}};
}

class BuildImage : public Step {
 public:
  BuildImage(ImageBuilder& builder, ImageRegistry& images) : builder_(builder), images_(images) {}

  // Planned because the image did not exist: one that is there now was pushed by a try that a crash
  // cut off, or by CI meanwhile. A released version is never overwritten.
  Task<Result<Observation>> observe(StepContext& context) override {
    const std::string image = string_or(context.step().params, "image");
    const std::string tagged = image + ":" + string_or(context.step().params, "image_tag");
    PAWL_CO_TRY(const auto reference, ImageReference::parse(tagged));
    auto found = co_await images_.resolve(reference, string_or(context.step().params, "platform"));
    Observation seen;
    if (!found.ok()) {
      if (found.error().kind() != ErrorKind::not_found) co_return std::move(found).error();
      co_return seen;
    }
    context.log(fmt::format("{} is there already", tagged));
    seen.done = outputs_of(image, found->digest.str());
    co_return seen;
  }

  Task<Result<json::object>> perform(StepContext& context) override {
    BuildRequest request = build_request_of(context.step().params);
    const std::string image = request.image;
    PAWL_CO_CHECK(co_await context.before_change());
    LogLine log = [&context](std::string_view line) { context.log(line); };
    PAWL_CO_TRY(const auto digest,
                co_await builder_.build_and_push(std::move(request), std::move(log)));
    co_return outputs_of(image, digest.str());
  }

 private:
  ImageBuilder& builder_;
  ImageRegistry& images_;
};

}  // namespace

std::unique_ptr<Step> make_build_image(const StepPorts& ports) {
  return std::make_unique<BuildImage>(*ports.builder, *ports.images);
}

}  // namespace pawl::steps
