#include "aws/cloud_front.h"

#include <fmt/format.h>

#include "aws/xml.h"
#include "base/encoding.h"

namespace pawl::aws {
namespace {

// A service of the whole partition: its requests are signed for the region where that is run from.
std::string home_region(const AwsOptions& options) {
  return options.region.rfind("cn-", 0) == 0 ? "cn-northwest-1" : "us-east-1";
}

Call cloud_front_call(const AwsOptions& options, std::string action, std::string method,
                      const std::string& distribution) {
  Call call;
  call.service = Service::cloud_front;
  call.region = home_region(options);
  call.action = "cloudfront:" + action;
  call.method = std::move(method);
  call.path = "/2020-05-31/distribution/" + url_encode(distribution) + "/invalidation";
  return call;
}

std::string batch(const std::vector<std::string>& paths, const std::string& reference) {
  std::string items;
  for (const auto& path : paths) items += "<Path>" + xml_escape(path) + "</Path>";
  return fmt::format(
      "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">"
      "<Paths><Quantity>{}</Quantity><Items>{}</Items></Paths>"
      "<CallerReference>{}</CallerReference></InvalidationBatch>",
      paths.size(), items, xml_escape(reference));
}

Error explain(Error error, const std::string& distribution) {
  if (error.code() == "NoSuchDistribution")
    return std::move(error).with_hint(fmt::format(
        "correct static.cloudfront.distribution in pawl.yaml: {} is none of this account's",
        distribution));
  return error;
}

}  // namespace

// Repeated as it likes: with the same reference CloudFront makes no second one.
Task<Result<std::string>> CloudFront::invalidate(std::string distribution,
                                                 std::vector<std::string> paths,
                                                 std::string reference) {
  Call call = cloud_front_call(client_.options(), "CreateInvalidation", "POST", distribution);
  call.headers.set("Content-Type", "application/xml");
  call.body = batch(paths, reference);
  auto response = co_await client_.send(std::move(call));
  if (!response.ok()) co_return explain(std::move(response).error(), distribution);
  PAWL_CO_TRY(auto answer,
              parse_xml(response->body, "the answer of cloudfront:CreateInvalidation"));
  std::string id = answer.text_of("Id");
  if (id.empty())
    co_return Error(ErrorKind::corrupt, "CloudFront gave no Id of the invalidation it made");
  co_return id;
}

Task<Result<bool>> CloudFront::is_done(std::string distribution, std::string id) {
  Call call = cloud_front_call(client_.options(), "GetInvalidation", "GET", distribution);
  call.path += "/" + url_encode(id);
  auto response = co_await client_.send(std::move(call));
  if (!response.ok()) co_return explain(std::move(response).error(), distribution);
  PAWL_CO_TRY(auto answer, parse_xml(response->body, "the answer of cloudfront:GetInvalidation"));
  co_return answer.text_of("Status") != "InProgress";
}

}  // namespace pawl::aws
