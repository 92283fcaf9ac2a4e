#include "net/curl_engine.h"

#include <sys/epoll.h>

#include <array>
#include <mutex>

namespace pawl {
namespace {

constexpr int kMaxEvents = 64;
constexpr long kMaxIdleConnections = 128;

bool has_closed_sink(const CurlTransfer& transfer, CurlTransfer::Direction direction) {
  return direction == CurlTransfer::Direction::receive && transfer.sink()->is_closed();
}

UniqueFd make_epoll() {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  PAWL_ASSERT(fd);
  return fd;
}

}  // namespace

std::shared_ptr<CurlEngine> CurlEngine::make(Loop& loop) {
  // Costs milliseconds (OpenSSL reads its configuration), so only programs that speak HTTP pay it.
  static std::once_flag once;
  std::call_once(once, [] { PAWL_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  auto engine = std::make_shared<CurlEngine>(loop);
  engine->watch();
  return engine;
}

CurlEngine::CurlEngine(Loop& loop)
    : loop_(loop), multi_(curl_multi_init()), epoll_(loop, make_epoll()), timer_(loop.impl().io) {
  PAWL_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlEngine::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlEngine::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
}

CurlEngine::~CurlEngine() {
  curl_multi_cleanup(multi_);
}

void CurlEngine::start(std::shared_ptr<CurlTransfer> transfer) {
  if (inside_curl_) {
    later_.push_back([this, transfer] { start(transfer); });
    return;
  }
  connect_wakers(transfer);
  transfer->in_multi = true;
  with_curl([&] { PAWL_ASSERT(curl_multi_add_handle(multi_, transfer->easy()) == CURLM_OK); });
}

void CurlEngine::drop(std::shared_ptr<CurlTransfer> transfer) {
  transfer->abandon();
  if (inside_curl_) {
    later_.push_back([this, transfer] { drop(transfer); });
    return;
  }
  if (!std::exchange(transfer->in_multi, false)) return;
  with_curl([&] { curl_multi_remove_handle(multi_, transfer->easy()); });
}

void CurlEngine::connect_wakers(const std::shared_ptr<CurlTransfer>& transfer) {
  const auto waker = [this, &transfer](CurlTransfer::Direction direction) {
    return [engine = weak_from_this(), weak = std::weak_ptr(transfer), direction] {
      if (const auto self = engine.lock()) self->wake(weak, direction);
    };
  };
  if (transfer->source() != nullptr) {
    transfer->source()->on_ready(waker(CurlTransfer::Direction::send));
    transfer->on_early_answer(waker(CurlTransfer::Direction::send));
  }
  if (transfer->sink() != nullptr)
    transfer->sink()->on_ready(waker(CurlTransfer::Direction::receive));
}

void CurlEngine::wake(const std::weak_ptr<CurlTransfer>& transfer,
                      CurlTransfer::Direction direction) {
  // One that does not wait would otherwise go on at its next pause, before there is room.
  const auto woken = transfer.lock();
  if (!woken || !woken->is_under_way()) return;
  if (!woken->is_paused(direction) && !has_closed_sink(*woken, direction)) return;
  // The waker is called from anywhere, also from inside curl: going on waits for the loop.
  woken_.push_back({transfer, direction});
  if (woken_.size() > 1) return;
  asio::post(loop_.impl().io, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->unpause_woken();
  });
}

void CurlEngine::unpause_woken() {
  for (const auto& woken : std::exchange(woken_, {})) {
    const auto transfer = woken.transfer.lock();
    if (!transfer || !transfer->is_under_way()) continue;
    CURLcode code = CURLE_OK;
    if (has_closed_sink(*transfer, woken.direction))
      code = transfer->close_sink();
    else if (transfer->is_paused(woken.direction))
      with_curl([&] { code = transfer->unpause(woken.direction); });
    if (code == CURLE_OK) continue;
    drop(transfer);
    transfer->ended().set(code);
  }
}

template <class Call>
void CurlEngine::with_curl(Call call) {
  PAWL_ASSERT(!inside_curl_);
  inside_curl_ = true;
  call();
  inside_curl_ = false;
  while (!later_.empty())
    for (const auto& work : std::exchange(later_, {})) work();
}

void CurlEngine::act(curl_socket_t fd, int events) {
  int running = 0;
  with_curl([&] { curl_multi_socket_action(multi_, fd, events, &running); });
}

void CurlEngine::finish_done() {
  struct Done {
    std::shared_ptr<CurlTransfer> transfer;
    CURLcode code;
  };
  std::vector<Done> done;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message does not outlive the removal
    auto transfer = CurlTransfer::of(message->easy_handle)->shared_from_this();
    curl_multi_remove_handle(multi_, transfer->easy());
    transfer->in_multi = false;
    done.push_back({std::move(transfer), code});
  }
  // Last, since what is resumed may start, drop and destroy as it likes.
  for (const auto& [transfer, code] : done) transfer->ended().set(code);
}

int CurlEngine::on_socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  auto* self = static_cast<CurlEngine*>(user);
  if (what == CURL_POLL_REMOVE) {
    if (self->interest_.erase(fd) > 0) ::epoll_ctl(self->epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  uint32_t wanted = 0;
  if ((what & CURL_POLL_IN) != 0) wanted |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) wanted |= EPOLLOUT;
  const auto [known, is_new] = self->interest_.try_emplace(fd, wanted);
  if (!is_new && std::exchange(known->second, wanted) == wanted) return 0;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = fd;
  ::epoll_ctl(self->epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  return 0;
}

int CurlEngine::on_timer(CURLM*, long timeout_ms, void* user) {
  auto* self = static_cast<CurlEngine*>(user);
  if (timeout_ms == 0) {
    self->kick();
    return 0;
  }
  self->timer_.cancel();
  if (timeout_ms < 0) return 0;
  self->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  self->timer_.async_wait([weak = self->weak_from_this()](error_code failure) {
    const auto engine = weak.lock();
    if (failure || !engine) return;
    engine->act(CURL_SOCKET_TIMEOUT, 0);
    engine->finish_done();
  });
  return 0;
}

void CurlEngine::kick() {
  if (std::exchange(kicked_, true)) return;
  asio::post(loop_.impl().io, [weak = weak_from_this()] {
    const auto engine = weak.lock();
    if (!engine) return;
    engine->kicked_ = false;
    engine->act(CURL_SOCKET_TIMEOUT, 0);
    engine->finish_done();
  });
}

void CurlEngine::watch() {
  epoll_.on_ready(WaitableFd::Ready::read, [weak = weak_from_this()] {
    const auto engine = weak.lock();
    if (!engine) return;
    engine->serve_sockets();
    engine->watch();
  });
}

void CurlEngine::serve_sockets() {
  std::array<epoll_event, kMaxEvents> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEvents, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    // Served before in this round and closed, or no longer of interest.
    if (interest_.count(event.data.fd) == 0) continue;
    int what = 0;
    if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
    act(event.data.fd, what);
  }
  finish_done();
}

}  // namespace pawl
