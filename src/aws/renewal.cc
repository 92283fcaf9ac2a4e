#include "aws/renewal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"

namespace pawl::aws {
namespace {

class RenewedSource : public CredentialSource {
 public:
  RenewedSource(ClientPorts ports, std::unique_ptr<CredentialIssuer> issuer)
      : ports_(std::move(ports)), issuer_(std::move(issuer)) {}

  Task<Result<Credentials>> get() override {
    if (current_ && ports_.now() < renew_at_) co_return *current_;
    Result<Credentials> renewed = co_await issue_once();
    if (renewed.ok() || !current_ || !serves(*current_)) co_return renewed;
    log_debug("renewing the AWS credentials failed, the old ones still serve: {}",
              renewed.error().message());
    renew_at_ = ports_.now() + kRenewPause;
    co_return *current_;
  }

  void forget() override {
    current_.reset();
    issuer_->forget();
  }

 private:
  bool serves(const Credentials& credentials) const {
    return !credentials.expires || ports_.now() < *credentials.expires;
  }

  // Requests that run side by side must not all ask: the first does, the others wait for what it
  // gets.
  Task<Result<Credentials>> issue_once() {
    if (is_issuing_) {
      OneShot<Result<Credentials>> arrival;
      waiting_.push_back(arrival);
      co_return co_await arrival.wait();
    }
    Issue running(this);
    is_issuing_ = true;
    running.result = co_await issuer_->issue();
    if (running.result.ok()) keep(*running.result);
    co_return running.result;
  }

  void keep(const Credentials& credentials) {
    current_ = credentials;
    const WallTime now = ports_.now();
    constexpr std::chrono::hours kForever{24 * 365};
    renew_at_ = now + kForever;
    if (!credentials.expires) return;
    const std::chrono::milliseconds life = *credentials.expires - now;
    const auto ahead = std::min<std::chrono::milliseconds>(kRenewAhead, life / 4);
    renew_at_ = *credentials.expires + -std::max(ahead, std::chrono::milliseconds(0));
  }

  // Tells those who wait, also when the asking task is destroyed in the middle.
  struct Issue {
    RenewedSource* source;
    Result<Credentials> result = Error(ErrorKind::interrupted, "the exchange was given up");
    explicit Issue(RenewedSource* owner) : source(owner) {}
    Issue(const Issue&) = delete;
    Issue& operator=(const Issue&) = delete;
    ~Issue() {
      source->is_issuing_ = false;
      for (auto& waiter : std::exchange(source->waiting_, {})) waiter.set(result);
    }
  };

  ClientPorts ports_;
  std::unique_ptr<CredentialIssuer> issuer_;
  std::optional<Credentials> current_;
  WallTime renew_at_;
  bool is_issuing_ = false;
  std::vector<OneShot<Result<Credentials>>> waiting_;
};

}  // namespace

std::unique_ptr<CredentialSource> renewed_ahead(ClientPorts ports,
                                                std::unique_ptr<CredentialIssuer> issuer) {
  return std::make_unique<RenewedSource>(std::move(ports), std::move(issuer));
}

}  // namespace pawl::aws
