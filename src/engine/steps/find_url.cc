// Finds the address by which users reach the application.
#include <fmt/format.h>

#include "engine/steps/health.h"
#include "engine/steps/kinds.h"

namespace pawl::steps {
namespace {

class FindUrl : public Step {
 public:
  explicit FindUrl(Endpoints* endpoints) : endpoints_(endpoints) {}

  Task<Result<Observation>> observe(StepContext&) override { co_return Observation{}; }

  Task<Result<json::object>> perform(StepContext& context) override {
    const json::object& params = context.step().params;
    json::object outputs;
    outputs["url"] = string_or(params, "fixed");
    if (!string_or(params, "fixed").empty()) co_return outputs;
    const std::string api = string_or(params, "api");
    if (endpoints_ == nullptr)
      co_return Error(ErrorKind::internal, "there is no access to API Gateway");
    auto url = co_await endpoints_->find_url(api);
    if (!url.ok()) co_return explain_url_error(std::move(url).error(), api);
    context.log(*url);
    outputs["url"] = *url;
    co_return outputs;
  }

 private:
  Endpoints* endpoints_;
};

}  // namespace

std::unique_ptr<Step> make_find_url(const StepPorts& ports) {
  return std::make_unique<FindUrl>(ports.endpoints);
}

}  // namespace pawl::steps
