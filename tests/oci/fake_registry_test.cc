#include "oci/fake_registry.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "oci/repository.h"

namespace pawl::oci {
namespace {

constexpr size_t kPieceBytes = 16u << 10;

HttpResponse plain(int status, std::string body = "") {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse refusal(int status, std::string_view code) {
  return plain(status,
               fmt::format(R"({{"errors":[{{"code":"{}","message":"said the fake"}}]}})", code));
}

Error lost(std::string_view what) {
  return Error(ErrorKind::unavailable, std::string(what)).with_outcome_unknown();
}

std::string query_value(const UrlParts& url, std::string_view name) {
  std::string_view rest = url.query;
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.substr(0, pair.find('=')) == name)
      return url_decode(pair.substr(name.size() + 1)).value();
  }
  return "";
}

/// A waiting end of a body is resumed from the queue, never from within the other end.
class Waker {
 public:
  explicit Waker(TurnQueue& turns) : turns_(turns), shot_(std::make_shared<OneShot<bool>>()) {}
  std::function<void()> function() {
    return
        [&turns = turns_, shot = shot_] { turns.post([current = *shot] { current.set(true); }); };
  }
  Task<void> wait() {
    const std::stop_token stop = co_await current_stop();
    const auto wake = function();
    std::stop_callback on_stop(stop, [wake] { wake(); });
    co_await shot_->wait();
    *shot_ = OneShot<bool>();
  }

 private:
  TurnQueue& turns_;
  std::shared_ptr<OneShot<bool>> shot_;
};

}  // namespace

int FakeRegistry::count(std::string_view prefix) const {
  return static_cast<int>(std::count_if(
      log.begin(), log.end(), [&](const std::string& line) { return line.starts_with(prefix); }));
}

Task<void> FakeHttp::next_turn() {
  OneShot<bool> turn;
  turns_.post([turn] { turn.set(true); });
  co_await turn.wait();
}

Task<Result<std::string>> FakeHttp::read_body(HttpRequest& request, std::optional<uint64_t> cut) {
  if (!request.source) co_return request.body;
  Waker waker(turns_);
  request.source->on_ready(waker.function());
  const std::stop_token stop = co_await current_stop();
  std::string body;
  std::vector<std::byte> buffer(kPieceBytes);
  for (;;) {
    if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "stopped");
    const auto chunk = request.source->read(buffer);
    if (chunk.flow == Flow::abort) co_return Error(ErrorKind::failed, "the body was aborted");
    body.append(reinterpret_cast<const char*>(buffer.data()), chunk.bytes);
    if (cut && body.size() >= *cut) co_return body.substr(0, *cut);
    if (chunk.flow == Flow::end) break;
    if (request.source->size() && body.size() == *request.source->size()) break;
    if (chunk.flow == Flow::would_block)
      co_await waker.wait();
    else
      co_await next_turn();
  }
  if (request.source->size() && body.size() != *request.source->size())
    co_return Error(ErrorKind::internal, "the body is not as long as it said");
  co_return body;
}

Task<Result<HttpResponse>> FakeHttp::deliver(HttpRequest& request, HttpResponse response,
                                             std::optional<uint64_t> cut) {
  if (!request.sink || !response.is_success()) {
    if (cut) co_return lost("the connection was reset");
    co_return response;
  }
  Waker waker(turns_);
  request.sink->on_ready(waker.function());
  const std::stop_token stop = co_await current_stop();
  std::string_view rest = response.body;
  if (cut) rest = rest.substr(0, *cut);
  while (!rest.empty()) {
    if (stop.stop_requested()) co_return Error(ErrorKind::interrupted, "stopped");
    const auto piece = rest.substr(0, kPieceBytes);
    const Flow flow = request.sink->write(std::as_bytes(std::span(piece.data(), piece.size())));
    if (flow == Flow::abort) co_return Error(ErrorKind::failed, "the receiver wanted no more");
    if (flow == Flow::would_block) {
      co_await waker.wait();
      continue;
    }
    rest.remove_prefix(piece.size());
    co_await next_turn();
  }
  if (cut) co_return lost("the connection was reset");
  response.body.clear();
  co_return response;
}

Task<Result<HttpResponse>> FakeHttp::send(HttpRequest request) {
  co_await next_turn();
  if ((co_await current_stop()).stop_requested())
    co_return Error(ErrorKind::interrupted, "stopped");
  const auto url = split_url(request.url);
  PAWL_ASSERT(url.has_value());
  const auto found = registries_.find(url->authority());
  if (found == registries_.end())
    co_return Error(ErrorKind::unavailable, "nobody answers at " + url->authority());
  FakeRegistry& registry = *found->second;
  registry.log.push_back(request.method + " " + url->path);
  const Fault fault = registry.fault ? registry.fault(request) : Fault{};
  std::optional<HttpResponse> response = fault.answer;
  if (!response && url->path == "/token") response = give_token(registry, request, *url);
  if (!response) response = challenge(registry, request);
  if (!response) {
    const auto size = request.source ? request.source->size().value_or(0) : 0;
    if (registry.max_request_bytes > 0 && size > registry.max_request_bytes)
      response = plain(413, "too large");
  }
  if (!response) {
    const auto cut = fault.cut_request_after ? fault.cut_request_after : fault.fail_request_after;
    auto body = co_await read_body(request, cut);
    if (!body.ok()) co_return std::move(body).error();
    if (cut) {
      const std::string id = query_value(*url, "id");
      if (registry.keeps_partial_uploads && !id.empty()) registry.uploads[id] += *body;
      if (fault.fail_request_after) co_return plain(500);
      co_return lost("the connection was reset");
    }
    response = answer(registry, request, *url, std::move(*body));
  }
  response->url = request.url;
  if (!registry.answers_from.empty()) response->url = std::exchange(registry.answers_from, "");
  if (fault.drop_answer) co_return lost("the connection was closed");
  co_return co_await deliver(request, std::move(*response), fault.cut_response_after);
}

std::optional<HttpResponse> FakeHttp::challenge(FakeRegistry& registry,
                                                const HttpRequest& request) {
  const std::string sent = request.headers.get_or("Authorization", "");
  if (!registry.realm.empty()) {
    if (sent.starts_with("Bearer ") && registry.live_tokens.count(sent.substr(7)))
      return std::nullopt;
    HttpResponse response = refusal(401, "UNAUTHORIZED");
    response.headers.set("WWW-Authenticate",
                         fmt::format(R"(Bearer realm="{}",service="fake")", registry.realm));
    return response;
  }
  if (registry.basic.empty() || sent == "Basic " + base64_encode(registry.basic))
    return std::nullopt;
  HttpResponse response = refusal(401, "UNAUTHORIZED");
  response.headers.set("WWW-Authenticate", R"(Basic realm="fake")");
  return response;
}

HttpResponse FakeHttp::give_token(FakeRegistry& registry, const HttpRequest& request,
                                  const UrlParts& url) {
  const std::string sent = request.headers.get_or("Authorization", "");
  if (!registry.basic.empty() && sent != "Basic " + base64_encode(registry.basic))
    return plain(401);
  const std::string token =
      fmt::format("token-{}-for-{}", registry.live_tokens.size(), query_value(url, "scope"));
  registry.live_tokens.insert(token);
  return plain(200,
               fmt::format(R"({{"token":"{}","expires_in":{}}})", token, registry.token_seconds));
}

HttpResponse FakeHttp::upload(FakeRegistry& registry, const HttpRequest& request,
                              const UrlParts& url, std::string body) {
  const std::string repository = url.path.substr(4, url.path.find("/blobs/uploads") - 4);
  const auto where = [&](const std::string& id, int status) {
    HttpResponse response = plain(status);
    response.headers.set("Location", fmt::format("/v2/{}/blobs/uploads/x?id={}", repository, id));
    const size_t size = registry.uploads[id].size();
    response.headers.set("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
    return response;
  };
  if (request.method == "POST") {
    const std::string digest = query_value(url, "mount");
    auto& others = registry.blobs[query_value(url, "from")];
    if (!digest.empty() && registry.mounts && others.count(digest)) {
      registry.blobs[repository][digest] = others[digest];
      return plain(201);
    }
    const std::string whole = query_value(url, "digest");
    if (!whole.empty() && registry.takes_single_post) {
      if (Digest::of(body).str() != whole) return refusal(400, "DIGEST_INVALID");
      registry.blobs[repository][whole] = body;
      return plain(201);
    }
    const std::string id = fmt::format("upload{}", registry.log.size());
    registry.uploads[id];
    return where(id, 202);
  }
  const std::string id = query_value(url, "id");
  if (registry.uploads.count(id) == 0) return refusal(404, "BLOB_UPLOAD_UNKNOWN");
  if (request.method == "GET") return where(id, 204);
  if (request.method == "DELETE") return registry.uploads.erase(id), plain(204);
  registry.uploads[id] += body;
  if (request.method == "PATCH") return where(id, 202);
  const std::string digest = query_value(url, "digest");
  const std::string bytes = registry.uploads[id];
  registry.uploads.erase(id);
  if (registry.checks_digests && Digest::of(bytes).str() != digest)
    return refusal(400, "DIGEST_INVALID");
  registry.blobs[repository][digest] = bytes;
  return plain(201);
}

HttpResponse FakeHttp::answer(FakeRegistry& registry, const HttpRequest& request,
                              const UrlParts& url, std::string body) {
  if (url.path.find("/blobs/uploads/") != std::string::npos)
    return upload(registry, request, url, std::move(body));
  const size_t last = url.path.rfind('/');
  const std::string name = url.path.substr(last + 1);
  const size_t verb = url.path.rfind('/', last - 1);
  const std::string what = url.path.substr(verb + 1, last - verb - 1);
  const std::string repository = url.path.substr(4, verb - 4);
  HttpResponse response = plain(200);
  if (what == "blobs") {
    auto& blobs = registry.blobs[repository];
    if (blobs.count(name) == 0) return refusal(404, "BLOB_UNKNOWN");
    response.headers.set("Content-Length", std::to_string(blobs[name].size()));
    if (request.method == "HEAD") return response;
    response.body = blobs[name];
    const std::string range = request.headers.get_or("Range", "");
    if (!range.empty() && registry.honours_range) {
      response.body.erase(0, std::stoul(range.substr(6)));
      response.status = 206;
    }
    return response;
  }
  if (what == "manifests") {
    const bool by_tag = !name.starts_with("sha256:");
    if (request.method == "PUT") {
      const std::string digest = Digest::of(body).str();
      if (registry.refuses_missing_blobs) {
        const auto manifest = parse_manifest(body, "", "put");
        for (const Descriptor& blob : manifest.ok() ? manifest->blobs : std::vector<Descriptor>())
          if (registry.blobs[repository].count(blob.digest.str()) == 0)
            return refusal(400, "MANIFEST_BLOB_UNKNOWN");
      }
      registry.manifests[repository][digest] = {request.headers.get_or("Content-Type", ""), body};
      if (by_tag) registry.tags[repository][name] = digest;
      response.status = 201;
      if (registry.says_digest_of_put) response.headers.set("Docker-Content-Digest", digest);
      if (registry.has_referrers_api) response.headers.set("OCI-Subject", "x");
      return response;
    }
    const auto& tags = registry.tags[repository];
    const std::string digest = !by_tag ? name : tags.count(name) ? tags.at(name) : "";
    auto& manifests = registry.manifests[repository];
    if (manifests.count(digest) == 0) return refusal(404, "MANIFEST_UNKNOWN");
    response.headers.set("Content-Type", manifests[digest].type);
    response.headers.set("Docker-Content-Digest", digest);
    if (request.method == "GET") response.body = manifests[digest].bytes;
    return response;
  }
  if (what == "referrers" && registry.has_referrers_api) {
    std::string entries;
    for (const auto& [digest, stored] : registry.manifests[repository]) {
      const auto manifest = parse_manifest(stored.bytes, stored.type, "stored");
      if (!manifest.ok() || !manifest->subject || manifest->subject->digest.str() != name) continue;
      entries += fmt::format(R"({}{{"mediaType":"{}","digest":"{}","size":{}}})",
                             entries.empty() ? "" : ",", stored.type, digest, stored.bytes.size());
    }
    response.headers.set("Content-Type", std::string(kOciIndex));
    response.body = fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}})",
                                kOciIndex, entries);
    return response;
  }
  return refusal(404, "UNSUPPORTED");
}

World::World() {
  http.add(from);
  http.add(to);
  use(fixed_credentials({}));
}

void World::use(std::shared_ptr<CredentialSource> credentials) {
  const RegistryOptions of_source{from.host, from.url(), credentials};
  const RegistryOptions of_target{to.host, to.url(), credentials};
  source_ = std::make_unique<Registry>(http, clock, entropy, of_source);
  target_ = std::make_unique<Registry>(http, clock, entropy, of_target);
}

Digest World::put_image(FakeRegistry& registry, const std::string& repository,
                        const std::vector<size_t>& sizes, const std::string& tag,
                        const std::string& extra_json) {
  ++images_;
  const auto store = [&](std::string bytes) {
    const std::string digest = Digest::of(bytes).str();
    auto text = fmt::format(R"({{"mediaType":"application/octet-stream","digest":"{}","size":{}}})",
                            digest, bytes.size());
    registry.blobs[repository][digest] = std::move(bytes);
    return text;
  };
  const std::string config = store(fmt::format(R"({{"architecture":"amd64","n":{}}})", images_));
  std::string layers;
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::string bytes(sizes[i], '\0');
    for (size_t at = 0; at < bytes.size(); ++at)
      bytes[at] = static_cast<char>(
          (at * 31 + i * 7 + static_cast<size_t>(images_) * 13 + at / 251) & 0xff);
    layers += (i ? "," : "") + store(std::move(bytes));
  }
  const std::string manifest =
      fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{}}})",
                  kOciManifest, config, layers, extra_json);
  const Digest digest = Digest::of(manifest);
  registry.manifests[repository][digest.str()] = {std::string(kOciManifest), manifest};
  if (!tag.empty()) registry.tags[repository][tag] = digest.str();
  return digest;
}

Digest World::put_index(FakeRegistry& registry, const std::string& repository,
                        const std::vector<std::pair<Digest, std::string>>& entries,
                        const std::string& tag) {
  std::string list;
  for (const auto& [digest, platform] : entries) {
    const auto parsed = Platform::parse(platform).value();
    list += fmt::format(
        R"({}{{"mediaType":"{}","digest":"{}","size":{},"platform":{{"os":"{}","architecture":"{}"}}}})",
        list.empty() ? "" : ",", kOciManifest, digest.str(),
        registry.manifests[repository][digest.str()].bytes.size(), parsed.os, parsed.architecture);
  }
  const std::string index =
      fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}})", kOciIndex, list);
  const Digest digest = Digest::of(index);
  registry.manifests[repository][digest.str()] = {std::string(kOciIndex), index};
  registry.tags[repository][tag] = digest.str();
  return digest;
}

Digest World::add_layer(FakeRegistry& registry, const std::string& repository,
                        const std::string& tag) {
  auto& stored = registry.manifests[repository][registry.tags[repository][tag]];
  const std::string bytes = fmt::format("layer {} of {}", ++images_, registry.host);
  const std::string digest = Digest::of(bytes).str();
  registry.blobs[repository][digest] = bytes;
  std::string text = stored.bytes;
  text.insert(text.rfind(']'),
              fmt::format(R"(,{{"mediaType":"l","digest":"{}","size":{}}})", digest, bytes.size()));
  const Digest result = Digest::of(text);
  registry.manifests[repository][result.str()] = {stored.type, text};
  registry.tags[repository][tag] = result.str();
  return result;
}

namespace {

TEST(FakeRegistry, GivesBackWhatWasPutIntoIt) {
  World world;
  const Digest digest = world.put_image(world.from, "a/b", {100}, "v1");
  Repository repository(world.source(), "a/b", false);
  const auto manifest = world.run(repository.get_manifest("v1"));
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  EXPECT_EQ(manifest->digest, digest);
  const auto size = world.run(repository.head_blob(manifest->blobs[1].digest));
  ASSERT_TRUE(size.ok());
  EXPECT_EQ(**size, 100u);
}

}  // namespace
}  // namespace pawl::oci
