// Drives curl's multi interface from the loop. curl's sockets live in an epoll set of their own,
// and the loop watches that one descriptor: a socket that curl closes needs no bookkeeping in Asio.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "net/curl_transfer.h"
#include "net/loop_asio.h"

namespace pawl {

class CurlEngine : public std::enable_shared_from_this<CurlEngine> {
 public:
  static std::shared_ptr<CurlEngine> make(Loop& loop);
  explicit CurlEngine(Loop& loop);
  CurlEngine(const CurlEngine&) = delete;
  CurlEngine& operator=(const CurlEngine&) = delete;
  ~CurlEngine();

  /// Starts it; ended() is set when it is over. Whoever starts one drops it, also when it has
  /// ended.
  void start(std::shared_ptr<CurlTransfer> transfer);
  void drop(std::shared_ptr<CurlTransfer> transfer);

  Loop& loop() { return loop_; }

 private:
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int on_timer(CURLM*, long timeout_ms, void* self);

  void watch();
  void serve_sockets();
  void kick();
  /// Calls `call`, inside which curl may call back, and then what had to wait for its end.
  template <class Call>
  void with_curl(Call call);
  void act(curl_socket_t fd, int events);
  void finish_done();
  void connect_wakers(const std::shared_ptr<CurlTransfer>& transfer);
  void wake(const std::weak_ptr<CurlTransfer>& transfer, CurlTransfer::Direction direction);
  void unpause_woken();

  struct Woken {
    std::weak_ptr<CurlTransfer> transfer;
    CurlTransfer::Direction direction;
  };

  Loop& loop_;
  CURLM* multi_;
  WaitableFd epoll_;
  asio::steady_timer timer_;
  std::unordered_map<curl_socket_t, uint32_t> interest_;
  std::vector<std::function<void()>> later_;
  std::vector<Woken> woken_;
  bool inside_curl_ = false;
  bool kicked_ = false;
};

}  // namespace pawl
