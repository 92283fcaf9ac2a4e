// The one connection that a store's verbs share: they take turns, each has a limit of time, and a
// connection that was lost is made anew. What is handed in may be carried out more than once, so it
// must find out by itself what it has done already.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "store/postgres.h"
#include "store/postgres_store.h"

namespace pawl::postgres {

/// Lets one through at a time, in the order they came. A place is given up by whoever is destroyed,
/// waiting or not.
class Turns {
 public:
  explicit Turns(Loop& loop) : queue_(std::make_shared<Queue>(Queue{loop, false, {}})) {}
  struct Waiter;
  struct Queue {
    Loop& loop;
    bool is_taken;
    std::deque<std::shared_ptr<Waiter>> waiters;
  };
  class Turn {
   public:
    explicit Turn(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    std::shared_ptr<Queue> queue_;
  };
  Task<Turn> take();

 private:
  std::shared_ptr<Queue> queue_;
};

class Client {
 public:
  Client(Loop& loop, Address address, const PostgresLimits& limits)
      : loop_(loop), address_(std::move(address)), limits_(limits), turns_(loop) {}

  /// One try, for a first word: connects, and brings the tables up to date.
  Task<Result<void>> open();

  /// Work with the connection, in a transaction or not. It is done again when the connection broke
  /// or the server asked for that, as long as its patience lasts; then its last error is the
  /// result.
  using Work = std::function<Task<Result<void>>(Connection&)>;
  Task<Result<void>> carry_out(Work work);
  /// The rows of queries that may be asked twice; they are one transaction.
  Task<Result<std::vector<Rows>>> ask(std::vector<Query> queries);
  Task<Result<Rows>> ask(Query query);

  const Address& address() const { return address_; }

 private:
  Task<Result<void>> connect();
  Task<Result<void>> try_once(const Work& work);
  Task<Result<void>> work_and_clean_up(const Work& work);

  Loop& loop_;
  Address address_;
  PostgresLimits limits_;
  Turns turns_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace pawl::postgres
