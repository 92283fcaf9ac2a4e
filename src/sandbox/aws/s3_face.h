// S3's REST protocol, path style, over the cloud model. Bodies stream between the wire and disk.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
#pragma once

#include <string>

#include "aws/sigv4.h"
#include "sandbox/aws/call.h"
#include "sandbox/aws/disk_blobs.h"
#include "sim/cloud/cloud.h"

namespace pawl::sandbox {

class S3Face {
 public:
  S3Face(cloud::Cloud& cloud, DiskBlobStore& blobs) : cloud_(cloud), blobs_(blobs) {}

  /// From method, path, query and headers.
  static void name(AwsCall& call);
  /// Whether the body is an object's, to be streamed by upload().
  static bool is_upload(const AwsCall& call) {
    return call.operation == "PutObject" || call.operation == "UploadPart";
  }
  Task<Result<ServerResponse>> upload(AwsCall call, ServerRequest& request,
                                      aws::SignatureClaims claims, std::string secret);
  /// Everything else; the body, if any, was read.
  Result<ServerResponse> answer(const AwsCall& call);

 private:
  using Answer = Result<ServerResponse>;
  Answer buckets(const AwsCall& call);
  Answer settings_of_bucket(const AwsCall& call);
  Answer list(const AwsCall& call);
  Answer read_object(const AwsCall& call);
  Answer copy(const AwsCall& call);
  Answer remove(const AwsCall& call);
  Answer remove_many(const AwsCall& call);
  Answer multipart(const AwsCall& call);
  Answer complete(const AwsCall& call);
  Answer list_parts(const AwsCall& call);
  Answer list_uploads(const AwsCall& call);

  cloud::Cloud& cloud_;
  DiskBlobStore& blobs_;
};

}  // namespace pawl::sandbox
