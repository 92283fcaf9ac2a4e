// What is particular to a server: it goes away and comes back, answers get lost, several nodes work
// on one database, and each version's tables are brought up to date.
#include "store/postgres_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/secret.h"
#include "store/postgres.h"
#include "store/postgres_schema.h"
#include "support/cutting_proxy.h"
#include "support/postgres_server.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using postgres::Address;
using postgres::Connection;
using postgres::Query;
using std::chrono::milliseconds;
using test::CuttingProxy;

constexpr milliseconds kLease{30'000};
constexpr milliseconds kHour{3'600'000};

// As it is sent: "READ COMMITTED" is something else.
const std::string kCommit("COMMIT\0", 7);

Event event(const std::string& id, uint64_t sequence, EventType type, uint64_t token = 0) {
  Event made;
  made.deployment = id;
  made.sequence = sequence;
  made.at = WallTime{1};
  made.type = type;
  made.fencing_token = token;
  if (type == EventType::accepted)
    made.data = json::object{{"app", "meals"}, {"environment", "dev"}};
  return made;
}

class PostgresStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = test::PostgresServer::shared();
    if (server_ == nullptr) GTEST_SKIP() << test::PostgresServer::why_missing();
    url_ = server_->make_database();
    database_ = url_.substr(url_.rfind('/') + 1);
  }

  template <class T>
  T now(Task<T> task) {
    return loop_.run(std::move(task));
  }
  std::unique_ptr<Store> open(const std::string& url, PostgresLimits limits = {}) {
    auto opened = now(open_postgres_store(loop_, url, limits));
    if (!opened.ok()) ADD_FAILURE() << opened.error().message();
    return *std::move(opened);
  }
  std::unique_ptr<Store> open() { return open(url_); }
  void accept(Store& store, const std::string& id, const std::string& environment = "dev") {
    Event first = event(id, 1, EventType::accepted);
    first.data = json::object{{"app", "meals"}, {"environment", environment}};
    const auto appended = now(store.append({first}));
    ASSERT_TRUE(appended.ok()) << appended.error().message();
  }
  /// Begun, and its environment given back.
  void begin(Store& store, const std::string& id, const std::string& environment) {
    accept(store, id, environment);
    const auto lease =
        now(store.acquire_lease("meals", environment, id, "gone", WallTime{0}, kLease)).value();
    ASSERT_TRUE(now(store.append({event(id, 2, EventType::started, lease->token)})).ok());
    ASSERT_TRUE(now(store.release_lease(*lease)).ok());
  }
  std::string ask(const std::string& sql) { return server_->execute(database_, sql); }

  Loop loop_;
  test::PostgresServer* server_ = nullptr;
  std::string url_;
  std::string database_;
};

// ---- a server that goes and comes back ----

TEST_F(PostgresStoreTest, GoesOnAfterTheServerCrashedBetweenTwoCalls) {
  const auto store = open();
  accept(*store, "d-1");
  server_->stop("immediate");
  server_->start();
  ASSERT_TRUE(now(store->append({event("d-1", 2, EventType::validated)})).ok());
  EXPECT_EQ(now(store->events("d-1"))->size(), 2u);
}

TEST_F(PostgresStoreTest, LosesAndRepeatsNothingWhileTheServerRestartsUnderIt) {
  const auto store = open();
  accept(*store, "d-1");
  auto lease = now(store->acquire_lease("meals", "dev", "d-1", "p1", WallTime{0}, kLease)).value();
  ASSERT_TRUE(lease);
  std::atomic<bool> is_back = false;
  std::thread crash([&] {
    server_->stop("immediate");
    server_->start();
    is_back = true;
  });
  uint64_t sequence = 1;
  for (int after = 0; after < 3;) {
    if (is_back) ++after;
    ++sequence;
    const auto appended =
        now(store->append({event("d-1", sequence, EventType::notified, lease->token)}));
    EXPECT_TRUE(appended.ok()) << appended.error().message();
    EXPECT_TRUE(now(store->renew_lease(*lease, WallTime{1}, kLease)).ok());
    if (!appended.ok()) break;
  }
  crash.join();
  EXPECT_EQ(now(store->events("d-1"))->size(), sequence);
}

TEST_F(PostgresStoreTest, SaysThatTheServerIsAwayWhenItStaysAway) {
  const auto store = open(url_, {milliseconds(200), milliseconds(0)});
  accept(*store, "d-1");
  server_->stop("fast");
  const auto read = now(store->events("d-1"));
  const auto appended = now(store->append({event("d-1", 2, EventType::validated)}));
  server_->start();
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::unavailable);
  EXPECT_FALSE(read.error().hint().empty());
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().kind(), ErrorKind::unavailable);
  EXPECT_FALSE(appended.error().outcome_unknown());  // nothing of it was ever sent
  EXPECT_TRUE(now(store->append({event("d-1", 2, EventType::validated)})).ok());
}

TEST_F(PostgresStoreTest, FindsAnAppendWhoseAnswerWasLost) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  accept(*store, "d-1");
  proxy.cut(CuttingProxy::Cut::after, kCommit);
  const auto appended = now(
      store->append({event("d-1", 2, EventType::validated), event("d-1", 3, EventType::planned)}));
  EXPECT_TRUE(appended.ok()) << appended.error().message();
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(now(store->events("d-1"))->size(), 3u);
}

TEST_F(PostgresStoreTest, AppendsAgainWhatNeverArrived) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  accept(*store, "d-1");
  proxy.cut(CuttingProxy::Cut::before, kCommit);
  EXPECT_TRUE(now(store->append({event("d-1", 2, EventType::validated)})).ok());
  proxy.cut(CuttingProxy::Cut::after, "BEGIN");
  EXPECT_TRUE(now(store->append({event("d-1", 3, EventType::planned)})).ok());
  EXPECT_EQ(proxy.cuts(), 2);
  EXPECT_EQ(now(store->events("d-1"))->size(), 3u);
}

TEST_F(PostgresStoreTest, FindsAnAcceptanceWhoseAnswerWasLost) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  proxy.cut(CuttingProxy::Cut::after, kCommit);
  accept(*store, "d-1");
  EXPECT_EQ(now(store->unfinished("meals", "dev"))->size(), 1u);
}

// Whoever of the two comes first after the cut: the other one is told.
TEST_F(PostgresStoreTest, TellsAnotherWritersEntryFromItsOwnLostOne) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  const auto other = open();
  accept(*store, "d-1");
  proxy.cut(CuttingProxy::Cut::before, kCommit);
  const auto overtake = [&]() -> Task<Result<void>> {
    while (proxy.cuts() == 0) PAWL_CO_CHECK(co_await loop_.clock().sleep_for(milliseconds(1)));
    std::vector<Event> events;
    events.push_back(event("d-1", 2, EventType::cancel_requested));
    co_return co_await other->append(std::move(events));
  };
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(store->append({event("d-1", 2, EventType::validated)}));
  tasks.push_back(overtake());
  const auto results = now(when_all(std::move(tasks)));
  ASSERT_NE(results[0].ok(), results[1].ok());
  EXPECT_EQ(results[results[0].ok() ? 1 : 0].error().code(), kCodeOutOfSequence);
}

TEST_F(PostgresStoreTest, AdmitsThatItDoesNotKnowWhenTheServerStaysAwayAfterACommit) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_), {milliseconds(5'000), milliseconds(100)});
  accept(*store, "d-1");
  proxy.cut(CuttingProxy::Cut::after, kCommit);
  proxy.then_stay_away();
  const auto appended = now(store->append({event("d-1", 2, EventType::validated)}));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(appended.error().outcome_unknown());
  EXPECT_EQ(now(open()->events("d-1"))->size(), 2u);  // it was carried out
}

TEST_F(PostgresStoreTest, KnowsTheGrantsWhoseAnswersWereLost) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  begin(*store, "d-1", "dev");
  begin(*store, "d-2", "prod");
  proxy.cut(CuttingProxy::Cut::after, kCommit);
  const auto claimed = now(store->claim("meals", "p1", 10, WallTime{0}, kLease)).value();
  ASSERT_EQ(claimed.size(), 2u);
  const auto held = now(store->leases("meals")).value();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[0].token, claimed[0].token);
  EXPECT_EQ(held[1].token, claimed[1].token);

  proxy.cut(CuttingProxy::Cut::after, "UPDATE pawl_leases");
  EXPECT_TRUE(now(store->renew_lease(held[0], WallTime{5}, kLease)).ok());
  proxy.cut(CuttingProxy::Cut::after, "UPDATE pawl_leases");
  EXPECT_TRUE(now(store->release_lease(held[0])).ok());
  proxy.cut(CuttingProxy::Cut::after, "INSERT INTO pawl_leases");
  const auto again = now(store->acquire_lease("meals", "dev", "d-1", "p1", WallTime{0}, kLease));
  ASSERT_TRUE(again->has_value());
  EXPECT_EQ(proxy.cuts(), 4);
  EXPECT_EQ(now(store->lease("meals", "dev")).value()->token, (*again)->token);
}

TEST_F(PostgresStoreTest, TakesUpAClaimThatNeverArrived) {
  CuttingProxy proxy(server_->socket_folder());
  const auto store = open(proxy.url(database_));
  begin(*store, "d-1", "dev");
  proxy.cut(CuttingProxy::Cut::before, kCommit);
  EXPECT_EQ(now(store->claim("meals", "p1", 10, WallTime{0}, kLease))->size(), 1u);
  EXPECT_EQ(proxy.cuts(), 1);
}

TEST_F(PostgresStoreTest, ServesOthersAfterACallWasGivenUpHalfWay) {
  const auto store = open();
  accept(*store, "d-1");
  {
    auto given_up = store->append({event("d-1", 2, EventType::validated)});
    auto never_begun = store->append({event("d-1", 2, EventType::validated)});
    given_up.start(nullptr);
    never_begun.start(nullptr);
  }
  const auto read = now(store->events("d-1"));
  EXPECT_TRUE(read.ok()) << read.error().message();
}

Task<Result<void>> count_until(Loop& loop, const bool& is_over, int& turns) {
  while (!is_over) {
    PAWL_CO_CHECK(co_await loop.clock().sleep_for(milliseconds(1)));
    ++turns;
  }
  co_return ok();
}

TEST_F(PostgresStoreTest, LetsTheLoopServeOthersWhileADatabaseIsSlow) {
  const auto store = open();
  accept(*store, "d-1");
  const Address address = Address::parse(url_).value();
  const auto slow = now(Connection::open(loop_, address)).value();
  ASSERT_TRUE(now(slow->script("BEGIN; SELECT * FROM pawl_deployments FOR UPDATE")).ok());
  bool is_appended = false;
  int turns = 0;
  const auto append = [&]() -> Task<Result<void>> {
    std::vector<Event> events;
    events.push_back(event("d-1", 2, EventType::validated));
    auto appended = co_await store->append(std::move(events));
    is_appended = true;
    co_return appended;
  };
  const auto let_go = [&]() -> Task<Result<void>> {
    while (turns < 5) PAWL_CO_CHECK(co_await loop_.clock().sleep_for(milliseconds(1)));
    EXPECT_FALSE(is_appended);
    co_return co_await slow->script(kCommit);
  };
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(append());
  tasks.push_back(count_until(loop_, is_appended, turns));
  tasks.push_back(let_go());
  for (const auto& each : now(when_all(std::move(tasks)))) EXPECT_TRUE(each.ok());
}

// ---- several nodes ----

TEST_F(PostgresStoreTest, NodesThatClaimAtTheSameTimeGetDifferentDeployments) {
  constexpr size_t kDeployments = 12;
  std::vector<std::unique_ptr<Store>> nodes;
  for (int i = 0; i < 3; ++i) nodes.push_back(open());
  for (size_t i = 0; i < kDeployments; ++i)
    begin(*nodes[0], fmt::format("d-{}", i), fmt::format("at-{}", i));
  std::multiset<std::string> taken;
  for (size_t before = 1; taken.size() != before;) {
    before = taken.size();
    std::vector<Task<Result<std::vector<Lease>>>> claims;
    for (size_t i = 0; i < nodes.size(); ++i)
      claims.push_back(nodes[i]->claim("meals", fmt::format("node {}", i), 3, WallTime{0}, kLease));
    for (const auto& claimed : now(when_all(std::move(claims))))
      for (const Lease& each : claimed.value()) taken.insert(each.deployment);
  }
  EXPECT_EQ(taken.size(), kDeployments);
  EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()).size(), kDeployments);
}

TEST_F(PostgresStoreTest, WaitsForNoNodeThatIsAboutToTakeADeployment) {
  const auto store = open(url_, {milliseconds(5'000), milliseconds(0)});
  begin(*store, "d-1", "dev");
  begin(*store, "d-2", "prod");
  const Address address = Address::parse(url_).value();
  const auto other = now(Connection::open(loop_, address)).value();
  const auto locked =
      now(other->script("BEGIN; SELECT * FROM pawl_deployments WHERE id = 'd-1' FOR UPDATE"));
  ASSERT_TRUE(locked.ok());
  const auto claimed = now(store->claim("meals", "p1", 10, WallTime{0}, kLease)).value();
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].deployment, "d-2");
}

TEST_F(PostgresStoreTest, ANodeThatWasBelievedDeadWritesNothing) {
  const auto dead = open();
  const auto alive = open();
  accept(*dead, "d-1");
  const auto first =
      now(dead->acquire_lease("meals", "dev", "d-1", "node 1", WallTime{0}, kLease)).value();
  ASSERT_TRUE(now(dead->append({event("d-1", 2, EventType::started, first->token)})).ok());
  ASSERT_TRUE(now(alive->release_lease(*first)).ok());
  ASSERT_EQ(now(alive->claim("meals", "node 2", 1, WallTime{0}, kLease))->size(), 1u);
  const auto late = now(dead->append({event("d-1", 3, EventType::planned, first->token)}));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), kCodeFenced);
  EXPECT_NE(late.error().what().find("node 2"), std::string::npos);
  EXPECT_FALSE(now(dead->renew_lease(*first, WallTime{1}, kLease)).ok());
}

// A holder may lose its lease while its append is under way: then the append waits for whoever is
// changing the lease, and sees what became of it.
TEST_F(PostgresStoreTest, AnAppendAndAGrantAtTheSameTimeDoNotBothWin) {
  const auto store = open();
  accept(*store, "d-1");
  const auto lease =
      now(store->acquire_lease("meals", "dev", "d-1", "p1", WallTime{0}, kLease)).value();
  const Address address = Address::parse(url_).value();
  const auto other = now(Connection::open(loop_, address)).value();
  ASSERT_TRUE(now(other->script("BEGIN; UPDATE pawl_leases SET token = token + 1")).ok());
  bool is_appended = false;
  const auto append = [&]() -> Task<Result<void>> {
    std::vector<Event> events;
    events.push_back(event("d-1", 2, EventType::started, lease->token));
    auto appended = co_await store->append(std::move(events));
    is_appended = true;
    co_return appended;
  };
  const auto commit = [&]() -> Task<Result<void>> {
    // When the append is known to wait for the lease.
    while (!is_appended) {
      Query waiting("SELECT count(*) FROM pg_locks WHERE NOT granted");
      PAWL_CO_TRY(const auto rows, co_await other->run(std::move(waiting)));
      if (rows.number(0, 0) > 0) break;
      PAWL_CO_CHECK(co_await loop_.clock().sleep_for(milliseconds(1)));
    }
    co_return co_await other->script(kCommit);
  };
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(append());
  tasks.push_back(commit());
  const auto results = now(when_all(std::move(tasks)));
  ASSERT_TRUE(results[1].ok());
  ASSERT_FALSE(results[0].ok());
  EXPECT_EQ(results[0].error().code(), kCodeFenced);
}

// One who is being accepted keeps the next of its environment waiting: so their numbers appear in
// their order, and nobody is overtaken by one that he did not see.
TEST_F(PostgresStoreTest, AcceptsOneAfterTheOtherInEachEnvironment) {
  const auto store = open();
  const Address address = Address::parse(url_).value();
  const auto other = now(Connection::open(loop_, address)).value();
  const auto locked = now(
      other->script("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('pawl meals dev', 0))"));
  ASSERT_TRUE(locked.ok());
  accept(*store, "d-1", "prod");
  bool is_accepted = false;
  bool has_waited = false;
  const auto accept_next = [&]() -> Task<Result<void>> {
    std::vector<Event> events;
    events.push_back(event("d-2", 1, EventType::accepted));
    auto appended = co_await store->append(std::move(events));
    is_accepted = true;
    co_return appended;
  };
  const auto let_go = [&]() -> Task<Result<void>> {
    while (!is_accepted && !has_waited) {
      Query waiting("SELECT count(*) FROM pg_locks WHERE NOT granted");
      PAWL_CO_TRY(const auto rows, co_await other->run(std::move(waiting)));
      has_waited = rows.number(0, 0) > 0;
      PAWL_CO_CHECK(co_await loop_.clock().sleep_for(milliseconds(1)));
    }
    co_return co_await other->script("COMMIT");
  };
  std::vector<Task<Result<void>>> tasks;
  tasks.push_back(accept_next());
  tasks.push_back(let_go());
  for (const auto& each : now(when_all(std::move(tasks)))) EXPECT_TRUE(each.ok());
  EXPECT_TRUE(has_waited);
}

TEST_F(PostgresStoreTest, ManyNodesAppendWithoutLosingOrRepeatingAnything) {
  constexpr uint64_t kEach = 10;
  std::vector<std::unique_ptr<Store>> nodes;
  for (int i = 0; i < 4; ++i) nodes.push_back(open());
  accept(*nodes[0], "d-1");
  const auto work = [](Store& store) -> Task<Result<void>> {
    for (uint64_t done = 0; done < kEach;) {
      PAWL_CO_TRY(const auto tail, co_await store.tail("d-1", 0));
      std::vector<Event> next;
      next.push_back(event("d-1", tail.last_sequence + 1, EventType::notified));
      auto appended = co_await store.append(std::move(next));
      if (appended.ok()) ++done;
      if (!appended.ok() && appended.error().code() != kCodeOutOfSequence)
        co_return std::move(appended).error();
    }
    co_return ok();
  };
  std::vector<Task<Result<void>>> tasks;
  for (const auto& node : nodes) tasks.push_back(work(*node));
  for (const auto& each : now(when_all(std::move(tasks)))) EXPECT_TRUE(each.ok());
  EXPECT_EQ(now(nodes[0]->events("d-1"))->size(), 1 + nodes.size() * kEach);
}

// An hour is longer than any test may take: it ends because it was woken.
TEST_F(PostgresStoreTest, WakesWhoWaitsWhenAnotherNodeChangesSomething) {
  const auto waiting = open();
  const auto other = open();
  accept(*other, "d-1");
  const auto lease =
      now(other->acquire_lease("meals", "dev", "d-1", "p1", WallTime{0}, kLease)).value();
  // The first comes back when it begins to listen: something may have happened before.
  ASSERT_TRUE(now(waiting->wait_for_change(loop_.clock(), kHour)).ok());
  const auto wakes = [&](Task<Result<void>> change) {
    std::vector<Task<Result<void>>> tasks;
    tasks.push_back(waiting->wait_for_change(loop_.clock(), kHour));
    tasks.push_back(std::move(change));
    for (const auto& each : now(when_all(std::move(tasks))))
      EXPECT_TRUE(each.ok()) << each.error().message();
  };
  wakes(other->append({event("d-1", 2, EventType::started, lease->token)}));
  wakes(other->append({event("d-1", 3, EventType::cancel_requested)}));
  wakes(other->release_lease(*lease));
  wakes(other->append({event("d-1", 4, EventType::finished)}));
  // Told while nobody waited: the next who waits comes back at once.
  accept(*other, "d-2");
  ASSERT_TRUE(now(waiting->wait_for_change(loop_.clock(), kHour)).ok());
  // Also by a server that was away.
  server_->stop("immediate");
  server_->start();
  ASSERT_TRUE(now(waiting->wait_for_change(loop_.clock(), kHour)).ok());
}

TEST_F(PostgresStoreTest, IsAPlainWaitWhenThereIsNobodyToHear) {
  const auto store = open();
  server_->stop("fast");
  EXPECT_TRUE(now(store->wait_for_change(loop_.clock(), milliseconds(5))).ok());
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = loop_.run(store->wait_for_change(loop_.clock(), kHour), stop.get_token());
  server_->start();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().kind(), ErrorKind::interrupted);
}

// ---- tables ----

TEST_F(PostgresStoreTest, BringsTheFirstVersionsTablesUpToDate) {
  const Address address = Address::parse(url_).value();
  const auto connection = now(Connection::open(loop_, address)).value();
  const std::string old =
      test::TempFolder::read(PAWL_SOURCE_DIR "/tests/store/postgres_schema_1.sql");
  ASSERT_TRUE(now(connection->script(old)).ok());
  const auto store = open();
  EXPECT_EQ(now(postgres::schema_version(*connection)).value(), postgres::newest_schema());
  EXPECT_EQ(now(store->events("d-1"))->size(), 2u);
  EXPECT_EQ(now(store->unfinished("meals", "dev")).value(),
            (std::vector<std::string>{"d-1", "d-2"}));
  const auto claimed = now(store->claim("", "p1", 10, WallTime{0}, kLease)).value();
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].deployment, "d-1");
  EXPECT_EQ(claimed[0].token, 2u);
}

TEST_F(PostgresStoreTest, ManyNodesMakeTheTablesAtOnce) {
  std::vector<Task<Result<std::unique_ptr<Store>>>> nodes;
  for (int i = 0; i < 8; ++i) nodes.push_back(open_postgres_store(loop_, url_));
  for (const auto& node : now(when_all(std::move(nodes))))
    EXPECT_TRUE(node.ok()) << node.error().message();
  EXPECT_EQ(ask("SELECT count(*), max(version) FROM pawl_schema"),
            fmt::format("{0}|{0}", postgres::newest_schema()));
}

TEST_F(PostgresStoreTest, RefusesTablesOfANewerPawlAndLeavesThemAlone) {
  accept(*open(), "d-1");
  ask("INSERT INTO pawl_schema (version) VALUES (99)");
  const auto opened = now(open_postgres_store(loop_, url_));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::storage);
  EXPECT_NE(opened.error().what().find("newer Pawl"), std::string::npos);
  EXPECT_EQ(ask("SELECT max(version) FROM pawl_schema"), "99");
}

TEST_F(PostgresStoreTest, SaysWhichRightsARoleLacks) {
  ask("CREATE ROLE nobody_" + database_ + " LOGIN");
  const std::string url = server_->url(database_, "nobody_" + database_);
  const auto opened = now(open_postgres_store(loop_, url));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::denied);
  EXPECT_NE(opened.error().hint().find("docs/operations.md"), std::string::npos);
  open();
  ask("GRANT SELECT ON ALL TABLES IN SCHEMA public TO nobody_" + database_);
  const auto checked = now(check_postgres_store(loop_, url));
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().what().find("INSERT on pawl_events"), std::string::npos)
      << checked.error().what();
}

// ---- what is kept, and how ----

TEST_F(PostgresStoreTest, SyncsItsCommitsWhateverTheRoleSays) {
  const auto setting = [&] {
    const Address address = Address::parse(url_).value();
    const auto connection = now(Connection::open(loop_, address)).value();
    Query show("SHOW synchronous_commit");
    return now(connection->run(std::move(show)))->text(0, 0);
  };
  ask("ALTER DATABASE " + database_ + " SET synchronous_commit = off");
  EXPECT_EQ(setting(), "on");
  ask("ALTER DATABASE " + database_ + " SET synchronous_commit = remote_apply");
  EXPECT_EQ(setting(), "remote_apply");
}

TEST_F(PostgresStoreTest, SeesADamagedRow) {
  const auto store = open();
  accept(*store, "d-1");
  accept(*store, "d-2");
  ask("UPDATE pawl_events SET token = 7 WHERE deployment = 'd-1'");
  const auto read = now(store->events("d-1"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::corrupt);
  EXPECT_TRUE(now(store->events("d-2")).ok());
}

TEST_F(PostgresStoreTest, TellsTheDoctorOfAServerThatDoesNotSync) {
  open();
  const auto checked = now(check_postgres_store(loop_, url_));  // the tests' server is such a one
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().what().find("fsync=off"), std::string::npos) << checked.error().what();
}

// ---- addresses ----

TEST(StoreAddress, HidesEachPassword) {
  const std::pair<const char*, const char*> table[] = {
      {"postgresql://db.example/pawl", "postgresql://db.example/pawl"},
      {"postgresql://ana@db.example/pawl", "postgresql://ana@db.example/pawl"},
      {"postgresql://ana:pw@db.example/pawl", "postgresql://ana:***@db.example/pawl"},
      {"postgres://ana:p@w/x@db.example/pawl", "postgres://ana:***@db.example/pawl"},
      {"postgres://db.example/pawl?password=pw&sslmode=require",
       "postgres://db.example/pawl?password=***&sslmode=require"},
      {"postgres://db/p?sslmode=require&sslpassword=pw",
       "postgres://db/p?sslmode=require&sslpassword=***"},
      {"postgres://a:b@db/p?password=c", "postgres://a:***@db/p?password=***"},
      {"postgres://a@one:5432,two:5433/p", "postgres://a@one:5432,two:5433/p"},
  };
  for (const auto& [url, shown] : table) {
    EXPECT_EQ(without_password(url), shown);
    EXPECT_EQ(has_password(url), std::string(url) != shown) << url;
  }
}

TEST(StoreAddress, NoErrorHoldsThePassword) {
  Loop loop;
  for (const char* url : {"postgresql://ana:hidden-words@%2Fnowhere/pawl",
                          "postgresql://ana:hidden%2Dwords@127.0.0.1:1/pawl",
                          "postgresql://ana:hidden-w%zzords@127.0.0.1:1/pawl",
                          "postgresql://ana:hidden-words@127.0.0.1:port/pawl",
                          "postgresql://127.0.0.1:1/pawl?password=hidden-words&nonsense=1"}) {
    const auto opened = loop.run(open_postgres_store(loop, url));
    ASSERT_FALSE(opened.ok()) << url;
    const std::string all = opened.error().message() + opened.error().hint();
    EXPECT_EQ(all.find("hidden"), std::string::npos) << all;
  }
}

}  // namespace
}  // namespace pawl
