// What every Store must do, whatever it keeps its records in. A new one is added to kStores.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "net/loop.h"
#include "sim/memory_store.h"
#include "store/postgres_store.h"
#include "store/sqlite_store.h"
#include "support/postgres_server.h"

namespace pawl {
namespace {

using std::chrono::milliseconds;

// nullptr: it cannot be tried here.
using MakeStore = std::unique_ptr<Store> (*)(Loop& loop, const std::string& folder);

std::unique_ptr<Store> make_in_memory(Loop&, const std::string&) {
  return std::make_unique<MemoryStore>();
}
std::unique_ptr<Store> make_in_file(Loop&, const std::string& folder) {
  return make_sqlite_store(folder + "/.pawl/journal.db").value();
}
std::unique_ptr<Store> make_on_server(Loop& loop, const std::string&) {
  test::PostgresServer* server = test::PostgresServer::shared();
  if (server == nullptr) return nullptr;
  auto opened = loop.run(open_postgres_store(loop, server->make_database()));
  if (!opened.ok()) ADD_FAILURE() << opened.error().message();
  return *std::move(opened);
}

struct StoreKind {
  const char* name;
  MakeStore make;
};
const StoreKind kStores[] = {
    {"Memory", make_in_memory}, {"Sqlite", make_in_file}, {"Postgres", make_on_server}};

class StoreContract : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("pawl-store-{}-{}", getpid(), GetParam().name);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = GetParam().make(loop_, folder_.string());
    if (!store_) GTEST_SKIP() << test::PostgresServer::why_missing();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  template <class T>
  Result<T> now(Task<Result<T>> task) {
    return loop_.run(std::move(task));
  }

  static Event event(const std::string& id, uint64_t sequence, EventType type, uint64_t token = 0) {
    Event made;
    made.deployment = id;
    made.sequence = sequence;
    made.at = WallTime{1'790'000'000'123};
    made.type = type;
    made.fencing_token = token;
    if (type == EventType::accepted)
      made.data = json::object{{"app", "meals"}, {"environment", "dev"}, {"actor", "ana"}};
    return made;
  }
  void accept(const std::string& id, const std::string& environment = "dev",
              const std::string& app = "meals") {
    Event first = event(id, 1, EventType::accepted);
    first.data = json::object{{"app", app}, {"environment", environment}, {"actor", "ana"}};
    ASSERT_TRUE(now(store_->append({first})).ok());
  }
  std::optional<Lease> acquire(const std::string& id, const std::string& owner, int64_t at_ms) {
    return now(store_->acquire_lease("meals", "dev", id, owner, WallTime{at_ms},
                                     milliseconds(30'000)))
        .value();
  }

  /// Begun, and its environment given back: as after a crash that somebody has noticed.
  void begin(const std::string& id, const std::string& environment,
             const std::string& app = "meals") {
    accept(id, environment, app);
    const auto lease =
        now(store_->acquire_lease(app, environment, id, "gone", WallTime{0}, milliseconds(1'000)));
    begun_with_[id] = (*lease)->token;
    ASSERT_TRUE(now(store_->append({event(id, 2, EventType::started, begun_with_[id])})).ok());
    ASSERT_TRUE(now(store_->release_lease(**lease)).ok());
  }
  std::vector<Lease> claim(const std::string& owner, size_t limit) {
    return now(store_->claim("meals", owner, limit, WallTime{86'400'000}, milliseconds(30'000)))
        .value();
  }

  std::filesystem::path folder_;
  Loop loop_;
  std::unique_ptr<Store> store_;
  std::map<std::string, uint64_t> begun_with_;  // deployment -> token
};

TEST_P(StoreContract, GivesBackEventsAsTheyWereInTheirOrder) {
  Event first = event("d-1", 1, EventType::accepted);
  Event second = event("d-1", 2, EventType::step_started);
  second.step = "copy_image";
  second.data =
      json::object{{"text", "quotes \" and \n lines, ünïcode"}, {"number", -7}, {"list", {1, 2.5}}};
  ASSERT_TRUE(now(store_->append({first, second})).ok());
  const auto events = now(store_->events("d-1")).value();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(to_json(events[0]), to_json(first));
  EXPECT_EQ(to_json(events[1]), to_json(second));
  EXPECT_TRUE(now(store_->events("d-2")).value().empty());
}

TEST_P(StoreContract, RefusesAGapARepetitionAndAnEmptyBeginning) {
  accept("d-1");
  for (uint64_t sequence : {1u, 3u}) {
    auto appended = now(store_->append({event("d-1", sequence, EventType::validated)}));
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(appended.error().code(), kCodeOutOfSequence);
  }
  EXPECT_FALSE(now(store_->append({event("d-2", 1, EventType::validated)})).ok());
}

TEST_P(StoreContract, AppendsAllOrNothing) {
  accept("d-1");
  auto appended = now(
      store_->append({event("d-1", 2, EventType::validated), event("d-9", 1, EventType::accepted),
                      event("d-1", 4, EventType::planned)}));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(now(store_->events("d-1"))->size(), 1u);
  EXPECT_TRUE(now(store_->events("d-9"))->empty());
  EXPECT_EQ(now(store_->deployments("", "", 10))->size(), 1u);
}

TEST_P(StoreContract, NothingFollowsTheEnd) {
  accept("d-1");
  ASSERT_TRUE(now(store_->append({event("d-1", 2, EventType::finished)})).ok());
  auto appended = now(store_->append({event("d-1", 3, EventType::notified)}));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().code(), kCodeFinished);
}

TEST_P(StoreContract, AnOldTokenWritesNothing) {
  accept("d-1");
  accept("d-2");
  const auto first = acquire("d-1", "p1", 0);
  ASSERT_TRUE(now(store_->append({event("d-1", 2, EventType::started, first->token)})).ok());
  const auto second = acquire("d-2", "p2", 30'000);
  ASSERT_TRUE(second);
  auto late = now(store_->append({event("d-1", 3, EventType::planned, first->token)}));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), kCodeFenced);
  EXPECT_NE(late.error().what().find("d-2"), std::string::npos) << late.error().what();
  EXPECT_NE(late.error().what().find("p2"), std::string::npos);
  // One that was never granted is no better, and who does not run it (token 0) may still write.
  EXPECT_FALSE(now(store_->append({event("d-1", 3, EventType::planned, 99)})).ok());
  EXPECT_TRUE(now(store_->append({event("d-1", 3, EventType::cancel_requested)})).ok());
}

TEST_P(StoreContract, GrantsTheLeaseToOneUntilItsTimeRunsOut) {
  const auto first = acquire("d-1", "p1", 0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(acquire("d-2", "p2", 29'999));
  const auto second = acquire("d-2", "p2", 30'000);
  ASSERT_TRUE(second);
  EXPECT_GT(second->token, first->token);
  const auto held = now(store_->lease("meals", "dev")).value();
  ASSERT_TRUE(held);
  EXPECT_EQ(held->deployment, "d-2");
  EXPECT_EQ(held->owner, "p2");
  EXPECT_EQ(held->expires_at.unix_ms, 60'000);
}

TEST_P(StoreContract, GrantsAgainToTheSameOwnerButNotToAnotherProcessOfTheSameDeployment) {
  const auto first = acquire("d-1", "p1", 0);
  const auto again = acquire("d-1", "p1", 1);
  ASSERT_TRUE(again);
  EXPECT_GT(again->token, first->token);
  EXPECT_FALSE(acquire("d-1", "p2", 2));
}

TEST_P(StoreContract, RenewsOnlyTheNewestGrant) {
  const auto first = acquire("d-1", "p1", 0);
  ASSERT_TRUE(now(store_->renew_lease(*first, WallTime{10'000}, milliseconds(30'000))).ok());
  EXPECT_FALSE(acquire("d-2", "p2", 39'999));
  const auto second = acquire("d-2", "p2", 40'000);
  ASSERT_TRUE(second);
  auto late = now(store_->renew_lease(*first, WallTime{40'001}, milliseconds(30'000)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind(), ErrorKind::conflict);
  ASSERT_TRUE(now(store_->release_lease(*second)).ok());
  EXPECT_FALSE(now(store_->renew_lease(*second, WallTime{40'002}, milliseconds(30'000))).ok());
}

TEST_P(StoreContract, AHolderThatRenewedSinceItWasSeenKeepsItsEnvironment) {
  const auto seen = acquire("d-1", "p1", 0);
  ASSERT_TRUE(now(store_->renew_lease(*seen, WallTime{10'000}, milliseconds(30'000))).ok());
  ASSERT_TRUE(now(store_->release_if_not_renewed(*seen)).ok());
  const auto held = now(store_->lease("meals", "dev")).value();
  ASSERT_TRUE(held);
  ASSERT_TRUE(now(store_->release_if_not_renewed(*held)).ok());
  EXPECT_FALSE(now(store_->lease("meals", "dev"))->has_value());
}

TEST_P(StoreContract, ATokenOnlyGrowsAlsoOverARelease) {
  const auto first = acquire("d-1", "p1", 0);
  ASSERT_TRUE(now(store_->release_lease(*first)).ok());
  EXPECT_FALSE(now(store_->lease("meals", "dev"))->has_value());
  const auto second = acquire("d-2", "p2", 1);
  ASSERT_TRUE(second);
  EXPECT_GT(second->token, first->token);
  // The late release of the first does not free the second.
  ASSERT_TRUE(now(store_->release_lease(*first)).ok());
  EXPECT_TRUE(now(store_->lease("meals", "dev"))->has_value());
}

TEST_P(StoreContract, EnvironmentsAreHeldApart) {
  ASSERT_TRUE(acquire("d-1", "p1", 0));
  EXPECT_TRUE(
      now(store_->acquire_lease("meals", "prod", "d-2", "p1", WallTime{0}, milliseconds(1'000)))
          ->has_value());
  EXPECT_TRUE(
      now(store_->acquire_lease("other", "dev", "d-3", "p1", WallTime{0}, milliseconds(1'000)))
          ->has_value());
}

TEST_P(StoreContract, ListsTheUnfinishedInTheOrderOfAcceptance) {
  accept("d-9");
  accept("d-1");
  accept("d-5", "prod");
  accept("d-3");
  ASSERT_TRUE(now(store_->append({event("d-1", 2, EventType::finished)})).ok());
  using Ids = std::vector<std::string>;
  EXPECT_EQ(now(store_->unfinished("meals", "dev")).value(), (Ids{"d-9", "d-3"}));
  EXPECT_EQ(now(store_->unfinished("meals", "")).value(), (Ids{"d-9", "d-5", "d-3"}));
  EXPECT_EQ(now(store_->deployments("meals", "dev", 10)).value(), (Ids{"d-3", "d-1", "d-9"}));
  EXPECT_EQ(now(store_->deployments("", "", 2)).value(), (Ids{"d-3", "d-5"}));
}

TEST_P(StoreContract, FindsADeploymentByItsUniqueBeginning) {
  accept("d-4f2a");
  accept("d-4f3b");
  accept("d-4f");
  EXPECT_EQ(now(store_->find_deployment("d-4f2")).value(), "d-4f2a");
  EXPECT_EQ(now(store_->find_deployment("d-4f")).value(), "d-4f");
  auto many = now(store_->find_deployment("d-"));
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().kind(), ErrorKind::conflict);
  EXPECT_NE(many.error().what().find("d-4f3b"), std::string::npos);
  for (const char* unknown : {"", "x", "d-4f2a1", "%", "_-4f2"})
    EXPECT_EQ(now(store_->find_deployment(unknown)).error().kind(), ErrorKind::not_found)
        << unknown;
}

TEST_P(StoreContract, GivesTheTailAfterWhatIsKnown) {
  accept("d-1");
  ASSERT_TRUE(now(store_->append({event("d-1", 2, EventType::validated)})).ok());
  ASSERT_TRUE(now(store_->append({event("d-1", 3, EventType::planned)})).ok());
  const auto whole = now(store_->tail("d-1", 0)).value();
  EXPECT_EQ(whole.last_sequence, 3u);
  EXPECT_EQ(whole.events.size(), 3u);
  const auto rest = now(store_->tail("d-1", 2)).value();
  ASSERT_EQ(rest.events.size(), 1u);
  EXPECT_EQ(rest.events[0].sequence, 3u);
  EXPECT_EQ(rest.events[0].type, EventType::planned);
  // Also for who knows more than is there: an old copy may have been put back.
  const auto older = now(store_->tail("d-1", 9)).value();
  EXPECT_EQ(older.last_sequence, 3u);
  EXPECT_TRUE(older.events.empty());
  EXPECT_EQ(now(store_->tail("d-2", 0))->last_sequence, 0u);
}

TEST_P(StoreContract, ListsTheLeasesThatAreHeld) {
  ASSERT_TRUE(acquire("d-1", "p1", 0));
  ASSERT_TRUE(
      now(store_->acquire_lease("other", "dev", "d-3", "p1", WallTime{0}, milliseconds(1'000)))
          ->has_value());
  const auto prod =
      now(store_->acquire_lease("meals", "prod", "d-2", "p2", WallTime{0}, milliseconds(1'000)));
  auto held = now(store_->leases("meals")).value();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[0].deployment, "d-1");
  EXPECT_EQ(held[1].environment, "prod");
  EXPECT_EQ(held[1].token, (*prod)->token);
  EXPECT_EQ(now(store_->leases(""))->size(), 3u);
  ASSERT_TRUE(now(store_->release_lease(**prod)).ok());
  EXPECT_EQ(now(store_->leases("meals"))->size(), 1u);
}

TEST_P(StoreContract, ClaimsWhatHasBegunAndNobodyHolds) {
  begin("d-1", "dev");
  accept("d-2", "prod");  // in line: not begun
  begin("d-3", "staging");
  begin("d-4", "qa");
  accept("d-5", "dev");
  ASSERT_TRUE(now(store_->append({event("d-4", 3, EventType::finished)})).ok());
  const auto claimed = claim("p9", 10);
  ASSERT_EQ(claimed.size(), 2u);
  EXPECT_EQ(claimed[0].deployment, "d-1");
  EXPECT_EQ(claimed[1].deployment, "d-3");
  EXPECT_EQ(claimed[1].environment, "staging");
  EXPECT_EQ(claimed[1].owner, "p9");
  EXPECT_GT(claimed[0].token, begun_with_["d-1"]);
  // What is claimed is held: its token writes, the one before it does not.
  EXPECT_TRUE(now(store_->append({event("d-1", 3, EventType::resumed, claimed[0].token)})).ok());
  EXPECT_FALSE(now(store_->append({event("d-3", 3, EventType::resumed, begun_with_["d-3"])})).ok());
  EXPECT_TRUE(claim("p8", 10).empty());
}

TEST_P(StoreContract, ClaimsNoMoreThanAskedForAndLeavesOtherAppsAlone) {
  for (const char* id : {"d-1", "d-2", "d-3"}) begin(id, std::string("at-") + id);
  begin("d-4", "dev", "other");
  EXPECT_EQ(claim("p1", 2).size(), 2u);
  const auto rest = claim("p2", 5);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].deployment, "d-3");
  EXPECT_EQ(now(store_->claim("", "p3", 5, WallTime{0}, milliseconds(1)))->size(), 1u);
}

TEST_P(StoreContract, ClaimsNoLeaseThatRanOutByTheWallClock) {
  accept("d-1");
  const auto lease = acquire("d-1", "p1", 0);
  ASSERT_TRUE(now(store_->append({event("d-1", 2, EventType::started, lease->token)})).ok());
  EXPECT_TRUE(claim("p2", 10).empty());  // a day later, by the claimer's clock
  ASSERT_TRUE(now(store_->release_lease(*lease)).ok());
  EXPECT_EQ(claim("p2", 10).size(), 1u);
}

TEST_P(StoreContract, KeepsTheLinesOfEachStep) {
  accept("d-1");
  std::vector<LogEntry> lines = {
      {WallTime{1}, "build", "one"}, {WallTime{2}, "copy", "two"}, {WallTime{3}, "build", "three"}};
  ASSERT_TRUE(now(store_->append_log("d-1", lines)).ok());
  ASSERT_TRUE(now(store_->append_log("d-1", {{WallTime{4}, "build", "four"}})).ok());
  const auto build = now(store_->log("d-1", "build")).value();
  ASSERT_EQ(build.size(), 3u);
  EXPECT_EQ(build[2].line, "four");
  EXPECT_EQ(build[1].at.unix_ms, 3);
  EXPECT_EQ(now(store_->log("d-1", ""))->size(), 4u);
}

TEST_P(StoreContract, KeepsBytesThatAreNoText) {
  accept("d-1");
  const std::string bytes("caf\xe9 \0 \xff", 8);
  ASSERT_TRUE(now(store_->append_log("d-1", {{WallTime{1}, "build", bytes}})).ok());
  EXPECT_EQ(now(store_->log("d-1", "build")).value().at(0).line, bytes);
  Event failed = event("d-1", 2, EventType::step_failed);
  failed.data = json::object{{"error", bytes}};
  ASSERT_TRUE(now(store_->append({failed})).ok());
  const auto events = now(store_->events("d-1"));
  ASSERT_TRUE(events.ok()) << events.error().message();
  EXPECT_EQ(string_or(events->at(1).data, "error"), bytes);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::ValuesIn(kStores),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace pawl
