#include "sandbox/aws/cloudfront_face.h"

#include <fmt/format.h>

#include "aws/xml.h"

namespace pawl::sandbox {

namespace {

constexpr const char* kCloudFrontNamespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

std::string segment(const AwsCall& call, size_t index) {
  return index < call.path.size() ? call.path[index] : "";
}

std::string summary(const cloud::Invalidation& invalidation, WallTime now) {
  return fmt::format("<Id>{}</Id><Status>{}</Status><CreateTime>{}</CreateTime>", invalidation.id,
                     cloud::CloudFront::is_done(invalidation, now) ? "Completed" : "InProgress",
                     to_iso8601(invalidation.created));
}

std::string shown(const cloud::Invalidation& invalidation, WallTime now) {
  std::string items;
  for (const auto& path : invalidation.paths) items += "<Path>" + aws::xml_escape(path) + "</Path>";
  return fmt::format(
      "<Invalidation xmlns=\"{}\">{}<InvalidationBatch><Paths><Quantity>{}</Quantity>"
      "<Items>{}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>"
      "</Invalidation>",
      kCloudFrontNamespace, summary(invalidation, now), invalidation.paths.size(), items,
      aws::xml_escape(invalidation.reference));
}

}  // namespace

// /2020-05-31/distribution[/ID[/invalidation[/ID]]]
void CloudFrontFace::name(AwsCall& call) {
  call.protocol = AwsProtocol::query;  // for its errors
  call.resource = segment(call, 2);
  if (segment(call, 1) != "distribution") return;
  const size_t depth = call.path.size();
  if (depth == 2 && call.method == "GET") call.operation = "ListDistributions";
  if (depth < 4 || segment(call, 3) != "invalidation") return;
  if (depth == 4 && call.method == "POST") call.operation = "CreateInvalidation";
  if (depth == 4 && call.method == "GET") call.operation = "ListInvalidations";
  if (depth == 5 && call.method == "GET") call.operation = "GetInvalidation";
}

ServerResponse CloudFrontFace::answer(const AwsCall& call) {
  Answer answer = work(call);
  return answer.ok() ? *std::move(answer) : error_answer(call, answer.error());
}

CloudFrontFace::Answer CloudFrontFace::work(const AwsCall& call) {
  if (call.operation == "CreateInvalidation") return invalidate(call);
  if (call.operation == "GetInvalidation") {
    PAWL_TRY(const auto found,
             cloud_.cloudfront.find_invalidation(call.resource, segment(call, 4)));
    return xml_answer(call, 200, shown(found, call.now));
  }
  if (call.operation == "ListInvalidations") {
    PAWL_TRY(const auto all, cloud_.cloudfront.invalidations(call.resource));
    std::string items;
    for (const auto& each : all)
      items += "<InvalidationSummary>" + summary(each, call.now) + "</InvalidationSummary>";
    return xml_answer(call, 200,
                      fmt::format("<InvalidationList xmlns=\"{}\"><Marker></Marker><MaxItems>100"
                                  "</MaxItems><IsTruncated>false</IsTruncated><Quantity>{}"
                                  "</Quantity><Items>{}</Items></InvalidationList>",
                                  kCloudFrontNamespace, all.size(), items));
  }
  std::string items;
  const auto all = cloud_.cloudfront.list();
  for (const auto& each : all)
    items += fmt::format(
        "<DistributionSummary><Id>{}</Id><Comment>{}</Comment>"
        "<Status>Deployed</Status></DistributionSummary>",
        each.id, aws::xml_escape(each.comment));
  return xml_answer(call, 200,
                    fmt::format("<DistributionList xmlns=\"{}\"><Marker></Marker><MaxItems>100"
                                "</MaxItems><IsTruncated>false</IsTruncated><Quantity>{}"
                                "</Quantity><Items>{}</Items></DistributionList>",
                                kCloudFrontNamespace, all.size(), items));
}

CloudFrontFace::Answer CloudFrontFace::invalidate(const AwsCall& call) {
  auto document = aws::parse_xml(call.body, "the request");
  if (!document.ok() || document->name != "InvalidationBatch")
    return cloud::aws_error(400, "MalformedXML", "The request is not a valid InvalidationBatch.");
  std::vector<std::string> paths;
  const aws::XmlElement* items = document->find("Paths/Items");
  if (items != nullptr)
    for (const aws::XmlElement* path : items->all("Path")) paths.push_back(path->text);
  if (document->text_of("Paths/Quantity") != std::to_string(paths.size()))
    return cloud::aws_error(400, "InconsistentQuantities",
                            "The value of Quantity and the size of Items do not match.");
  PAWL_TRY(const auto made,
           cloud_.cloudfront.invalidate(call.resource, std::move(paths),
                                        document->text_of("CallerReference"), call.now));
  ServerResponse response = xml_answer(call, 201, shown(made, call.now));
  response.headers.set("Location", fmt::format("https://cloudfront.amazonaws.com/2020-05-31/"
                                               "distribution/{}/invalidation/{}",
                                               call.resource, made.id));
  return response;
}

}  // namespace pawl::sandbox
