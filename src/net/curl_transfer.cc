#include "net/curl_transfer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstring>

namespace pawl {
namespace {

/// Connections that were idle for longer are not used again: load balancers close them about then,
/// and a request that meets the close has an unknown outcome.
constexpr long kMaxIdleConnectionSeconds = 30;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  PAWL_ASSERT(code == CURLE_OK);
}

}  // namespace

struct CurlTransfer::Callbacks {
  static size_t write(char* data, size_t, size_t count, void* self) {
    return static_cast<CurlTransfer*>(self)->receive(
        std::as_bytes(std::span<const char>(data, count)));
  }
  static size_t read(char* buffer, size_t size, size_t count, void* self) {
    return static_cast<CurlTransfer*>(self)->give(
        std::as_writable_bytes(std::span<char>(buffer, size * count)));
  }
  static size_t header(char* data, size_t, size_t count, void* self) {
    static_cast<CurlTransfer*>(self)->take_header_line({data, count});
    return count;
  }
  static int seek(void* user, curl_off_t offset, int origin) {
    auto* self = static_cast<CurlTransfer*>(user);
    const bool to_begin = offset == 0 && origin == SEEK_SET && !self->abandoned_;
    return to_begin && self->request_.source->rewind() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
  }
  /// Called when a connection is there and before each sending. curl sends a request again when a
  /// kept connection dies under it; one that changes something may have been carried out by then.
  static int before_sending(void* user, char*, char*, int, int) {
    auto* self = static_cast<CurlTransfer*>(user);
    if (std::exchange(self->sent_, true) && self->changes_something()) {
      self->reason_ = Reason::not_sent_again;
      return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
  }
  static int close_on_exec(void*, curl_socket_t fd, curlsocktype) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return CURL_SOCKOPT_OK;
  }
};

CurlTransfer::CurlTransfer(HttpRequest& request, const HttpClientOptions& options)
    : request_(request), easy_(curl_easy_init()) {
  PAWL_ASSERT(easy_ != nullptr);
  response_.url = request.url;
  set_options(options);
  set_body();
  set_headers();
  set_callbacks();
}

CurlTransfer::~CurlTransfer() {
  PAWL_ASSERT(!in_multi);
  curl_easy_cleanup(easy_);
  curl_slist_free_all(header_list_);
}

CurlTransfer* CurlTransfer::of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return reinterpret_cast<CurlTransfer*>(self);
}

void CurlTransfer::set_options(const HttpClientOptions& options) {
  set(easy_, CURLOPT_PRIVATE, this);
  set(easy_, CURLOPT_URL, request_.url.c_str());
  set(easy_, CURLOPT_PATH_AS_IS, 1L);
  set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  set_version();
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  set(easy_, CURLOPT_ERRORBUFFER, curl_words_);
  set(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy_, CURLOPT_BUFFERSIZE, static_cast<long>(request_.buffer_bytes));
  set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(request_.buffer_bytes));
  set(easy_, CURLOPT_MAXAGE_CONN, kMaxIdleConnectionSeconds);
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_bundle.empty()) set(easy_, CURLOPT_CAINFO, options.ca_bundle.c_str());
  set_tls_files();
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  if (request_.stall_timeout.count() > 0) {
    set(easy_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(easy_, CURLOPT_LOW_SPEED_TIME,
        static_cast<long>((request_.stall_timeout.count() + 999) / 1000));
  }
  const auto parts = split_url(request_.url);
  if (request_.is_direct || (parts && is_loopback_host(parts->host))) set(easy_, CURLOPT_PROXY, "");
  if (request_.accept_compressed && !request_.sink) set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
}

// Blobs go faster over several connections than multiplexed on one, and pausing a stream of HTTP/2
// has bugs in the oldest libcurl that is supported.
void CurlTransfer::set_version() {
  const bool multiplex = request_.multiplex && !request_.source && !request_.sink;
  const long wanted = multiplex ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
  // A libcurl that was built without HTTP/2 refuses the first one.
  if (curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, wanted) != CURLE_OK)
    set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  else if (multiplex)
    set(easy_, CURLOPT_PIPEWAIT, 1L);
}

void CurlTransfer::set_tls_files() {
  if (!request_.tls) return;
  const TlsFiles& files = *request_.tls;
  if (!files.ca_pem.empty()) {
    curl_blob roots{const_cast<char*>(files.ca_pem.data()), files.ca_pem.size(), CURL_BLOB_COPY};
    set(easy_, CURLOPT_CAINFO_BLOB, &roots);
  }
  if (!files.client_cert.empty()) set(easy_, CURLOPT_SSLCERT, files.client_cert.c_str());
  if (!files.client_key.empty()) set(easy_, CURLOPT_SSLKEY, files.client_key.c_str());
}

void CurlTransfer::set_body() {
  const std::string& method = request_.method;
  if (request_.source) {
    set(easy_, CURLOPT_UPLOAD, 1L);
    if (const auto size = request_.source->size())
      set(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*size));
  } else if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    // An empty body of these methods is sent as "Content-Length: 0".
    set(easy_, CURLOPT_POST, 1L);
    set(easy_, CURLOPT_POSTFIELDS, request_.body.c_str());
    set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  } else if (method == "HEAD") {
    set(easy_, CURLOPT_NOBODY, 1L);
  }
  if (method != "GET" || request_.source || !request_.body.empty())
    set(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void CurlTransfer::set_headers() {
  const auto add = [this](const std::string& line) {
    curl_slist* longer = curl_slist_append(header_list_, line.c_str());
    PAWL_ASSERT(longer != nullptr);
    header_list_ = longer;
  };
  for (const auto& [name, value] : request_.headers.fields()) {
    // curl takes "Name:" for "leave it out" and "Name;" for "send it empty".
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  // Without these curl adds a wait for "100 Continue" and a form's content type of its own.
  for (const char* name : {"Expect", "Content-Type"})
    if (!request_.headers.has(name)) add(std::string(name) + ":");
  set(easy_, CURLOPT_HTTPHEADER, header_list_);
}

void CurlTransfer::set_callbacks() {
  set(easy_, CURLOPT_WRITEFUNCTION, &Callbacks::write);
  set(easy_, CURLOPT_WRITEDATA, this);
  set(easy_, CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(easy_, CURLOPT_HEADERDATA, this);
  set(easy_, CURLOPT_PREREQFUNCTION, &Callbacks::before_sending);
  set(easy_, CURLOPT_PREREQDATA, this);
  set(easy_, CURLOPT_SOCKOPTFUNCTION, &Callbacks::close_on_exec);
  if (request_.source) {
    set(easy_, CURLOPT_READFUNCTION, &Callbacks::read);
    set(easy_, CURLOPT_READDATA, this);
    set(easy_, CURLOPT_SEEKFUNCTION, &Callbacks::seek);
    set(easy_, CURLOPT_SEEKDATA, this);
  }
}

void CurlTransfer::take_header_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.substr(0, 5) == "HTTP/") {
    // An interim answer (100) came before; only the last one counts.
    response_.headers = Headers();
    return;
  }
  if (line.empty() && send_paused_ && early_answer_) {
    // curl stops sending at an error, but takes a paused upload for one that is to go on.
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300) early_answer_();
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  response_.headers.add(std::string(line.substr(0, colon)), std::string(value));
}

size_t CurlTransfer::receive(std::span<const std::byte> bytes) {
  constexpr size_t kAbort = 0;
  if (abandoned_) return kAbort;
  if (response_.status == 0) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
  }
  if (!request_.sink || !response_.is_success()) {
    if (response_.body.size() + bytes.size() > request_.max_body_bytes) {
      reason_ = Reason::body_over_limit;
      return kAbort;
    }
    response_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return bytes.size();
  }
  // curl hands on what it has read in small pieces, also while it is paused. It would offer what
  // was refused in as many, copying the rest each time; kept here it is offered once, in one piece.
  const bool was_paused = receive_paused_;
  const Flow flow = held_.empty() ? offer(bytes) : Flow::would_block;
  if (flow == Flow::end || flow == Flow::abort) return kAbort;
  if (flow == Flow::would_block) held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (receive_paused_ && !was_paused) curl_easy_pause(easy_, pause_mask());
  return bytes.size();
}

Flow CurlTransfer::offer(std::span<const std::byte> bytes) {
  const Flow flow = request_.sink->write(bytes);
  if (flow == Flow::end || flow == Flow::abort) {
    reason_ = Reason::sink_refused;
  } else if (flow == Flow::would_block || !request_.sink->wants_more(request_.buffer_bytes)) {
    receive_paused_ = true;
  }
  return flow;
}

CURLcode CurlTransfer::close_sink() {
  reason_ = Reason::sink_refused;
  return CURLE_WRITE_ERROR;
}

size_t CurlTransfer::give(std::span<std::byte> buffer) {
  if (abandoned_) return CURL_READFUNC_ABORT;
  const auto chunk = request_.source->read(buffer);
  switch (chunk.flow) {
    case Flow::ready:
      PAWL_ASSERT(chunk.bytes > 0 && chunk.bytes <= buffer.size());
      return chunk.bytes;
    case Flow::would_block:
      send_paused_ = true;
      return CURL_READFUNC_PAUSE;
    case Flow::end:
      return 0;
    case Flow::abort:
      break;
  }
  reason_ = Reason::source_failed;
  return CURL_READFUNC_ABORT;
}

int CurlTransfer::pause_mask() const {
  int mask = 0;
  // A paused download without an upload is paused both ways: else curl looks at it again at once.
  if (receive_paused_) mask |= request_.source ? CURLPAUSE_RECV : CURLPAUSE_ALL;
  if (send_paused_) mask |= CURLPAUSE_SEND;
  return mask;
}

CURLcode CurlTransfer::unpause(Direction direction) {
  (direction == Direction::receive ? receive_paused_ : send_paused_) = false;
  if (direction == Direction::receive && !held_.empty()) {
    const Flow flow = offer(held_);
    if (flow == Flow::end || flow == Flow::abort) return CURLE_WRITE_ERROR;
    if (flow == Flow::ready) held_.clear();
    if (receive_paused_) return CURLE_OK;
  }
  const CURLcode code = curl_easy_pause(easy_, pause_mask());
  // That is what curl says when there is no connection (any more): nothing to go on with.
  return code == CURLE_BAD_FUNCTION_ARGUMENT ? CURLE_OK : code;
}

}  // namespace pawl
