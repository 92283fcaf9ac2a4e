#include "oci/referrers.h"

namespace pawl::oci {
namespace {

json::object describe(const Manifest& referrer) {
  json::object entry{{"mediaType", referrer.media_type},
                     {"digest", referrer.digest.str()},
                     {"size", referrer.bytes.size()}};
  std::string type = referrer.artifact_type;
  if (type.empty() && referrer.kind == ManifestKind::image && !referrer.blobs.empty())
    type = referrer.blobs.front().media_type;
  if (!type.empty()) entry["artifactType"] = type;
  if (!referrer.annotations.empty()) entry["annotations"] = referrer.annotations;
  return entry;
}

}  // namespace

Result<std::string> with_referrer(std::string_view list, const Manifest& referrer) {
  json::object index{{"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", json::array()}};
  if (!list.empty()) {
    PAWL_TRY(index, parse_json_object(list, "the list of referrers"));
  }
  json::value& manifests = index["manifests"];
  if (!manifests.is_array()) manifests = json::array();
  for (const json::value& entry : manifests.get_array())
    if (entry.is_object() && string_or(entry.get_object(), "digest") == referrer.digest.str())
      return std::string(list);
  manifests.get_array().push_back(describe(referrer));
  return json::serialize(index);
}

Task<Result<void>> note_referrer(Repository& repository, Digest subject, Manifest referrer) {
  const std::string tag = referrers_tag(subject);
  auto known = co_await repository.get_manifest(tag);
  if (!known.ok() && known.error().kind() != ErrorKind::not_found)
    co_return std::move(known).error();
  const std::string before = known.ok() ? known->bytes : std::string();
  PAWL_CO_TRY(std::string after, with_referrer(before, referrer));
  if (after == before) co_return Result<void>();
  PAWL_CO_TRY(const Manifest index, parse_manifest(std::move(after), kOciIndex, tag));
  PAWL_CO_CHECK(co_await repository.put_manifest(index, tag));
  co_return Result<void>();
}

}  // namespace pawl::oci
