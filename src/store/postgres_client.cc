#include "store/postgres_client.h"

#include <algorithm>

#include "store/postgres_schema.h"

namespace pawl::postgres {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1'000};
constexpr std::chrono::milliseconds kMigrationLimit{600'000};

}  // namespace

// ---- turns ----

struct Turns::Waiter {
  OneShot<bool> turn;
  bool has_left = false;
};

namespace {

// From the loop: whoever leaves may be in the middle of being destroyed.
void pass_on(std::shared_ptr<Turns::Queue> queue) {
  if (queue->waiters.empty()) {
    queue->is_taken = false;
    return;
  }
  const auto next = queue->waiters.front();
  queue->waiters.pop_front();
  queue->loop.post([queue, next] {
    if (next->has_left) return pass_on(queue);
    next->turn.set(true);
  });
}

}  // namespace

Turns::Turn::~Turn() {
  if (queue_) pass_on(std::move(queue_));
}

Task<Turns::Turn> Turns::take() {
  const auto queue = queue_;
  if (!queue->is_taken) {
    queue->is_taken = true;
    co_return Turn(queue);
  }
  struct Place {
    std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
    ~Place() { waiter->has_left = true; }
  } place;
  queue->waiters.push_back(place.waiter);
  co_await place.waiter->turn.wait();
  co_return Turn(queue);
}

// ---- the connection ----

Task<Result<void>> Client::connect() {
  if (connection_ && !connection_->is_lost()) co_return ok();
  connection_.reset();
  auto opened = co_await Connection::open(loop_, address_);
  if (!opened.ok()) co_return std::move(opened).error();
  connection_ = *std::move(opened);
  co_return ok();
}

Task<Result<void>> Client::open() {
  PAWL_CO_CHECK(co_await connect());
  co_return co_await with_timeout(loop_.clock(), kMigrationLimit, migrate(*connection_, address_));
}

Task<Result<void>> Client::carry_out(Work work) {
  const auto turn = co_await turns_.take();
  const SteadyTime begin = loop_.clock().steady_now();
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto done = co_await try_once(work);
    if (done.ok() || !is_transient(done.error().kind())) co_return done;
    if (loop_.clock().steady_now() - begin >= limits_.patience) co_return done;
    PAWL_CO_CHECK(co_await loop_.clock().sleep_for(pause));
  }
}

Task<Result<void>> Client::try_once(const Work& work) {
  PAWL_CO_CHECK(co_await connect());
  co_return co_await with_timeout(loop_.clock(), limits_.command, work_and_clean_up(work));
}

// A transaction that was left open is the work's way to say that nothing shall stay of it.
Task<Result<void>> Client::work_and_clean_up(const Work& work) {
  auto done = co_await work(*connection_);
  if (!connection_->is_lost() && connection_->in_transaction()) {
    Query undo("ROLLBACK");
    auto undone = co_await connection_->run(std::move(undo));
    if (!undone.ok()) connection_.reset();
  }
  co_return done;
}

Task<Result<std::vector<Rows>>> Client::ask(std::vector<Query> queries) {
  std::vector<Rows> answers;
  const auto ask_once = [&queries, &answers](Connection& connection) -> Task<Result<void>> {
    auto rows = co_await connection.run(queries);
    if (!rows.ok()) co_return std::move(rows).error();
    answers = *std::move(rows);
    co_return ok();
  };
  Work work = ask_once;
  auto done = co_await carry_out(std::move(work));
  if (!done.ok()) co_return std::move(done).error();
  co_return answers;
}

Task<Result<Rows>> Client::ask(Query query) {
  std::vector<Query> queries;
  queries.push_back(std::move(query));
  PAWL_CO_TRY(auto answers, co_await ask(std::move(queries)));
  co_return std::move(answers.front());
}

}  // namespace pawl::postgres
