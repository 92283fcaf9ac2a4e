// The journal file when the power goes: at each write, sync and truncation of a day's work, with
// what was not synced kept, lost or torn.
#include "support/power_cut.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "store/sqlite_store.h"

namespace pawl {
namespace {

using std::chrono::milliseconds;

template <class T>
Result<T> now(Task<Result<T>> task) {
  task.start(nullptr);
  return task.take();
}

class PowerCutTest : public testing::Test {
 protected:
  void SetUp() override {
    // In memory where that is: what is synced is decided here, not by a disk.
    const std::filesystem::path memory = "/dev/shm";
    const bool has_memory = access(memory.c_str(), W_OK) == 0;
    folder_ = (has_memory ? memory : std::filesystem::temp_directory_path()) /
              fmt::format("pawl-power-{}", getpid());
    begin_again();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void begin_again() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    stored_.clear();
    tokens_ = {0};
  }
  Result<std::unique_ptr<Store>> open() const {
    return make_sqlite_store((folder_ / "journal.db").string());
  }

  static Event event(const std::string& id, uint64_t sequence, EventType type, uint64_t token) {
    Event made;
    made.deployment = id;
    made.sequence = sequence;
    made.at = WallTime{static_cast<int64_t>(sequence)};
    made.type = type;
    made.fencing_token = token;
    if (type == EventType::accepted)
      made.data = json::object{{"app", "meals"}, {"environment", "dev"}};
    // More than a page, so that an entry can be torn.
    if (type == EventType::planned) made.data = json::object{{"plan", std::string(9'000, 'p')}};
    return made;
  }

  // Appends, and remembers what was said to be stored. False: the power is gone.
  bool append(Store& store, const std::vector<Event>& events) {
    if (!now(store.append(events)).ok()) return false;
    stored_[events[0].deployment] = events.back().sequence;
    return true;
  }

  bool work(Store& store) {
    for (int i = 1; i <= 3; ++i) {
      const std::string id = fmt::format("d-{}", i);
      if (!append(store,
                  {event(id, 1, EventType::accepted, 0), event(id, 2, EventType::validated, 0)}))
        return false;
      auto lease =
          now(store.acquire_lease("meals", "dev", id, "p", WallTime{0}, milliseconds(1'000)));
      if (!lease.ok() || !*lease) return false;
      tokens_.push_back((*lease)->token);
      if (!append(store, {event(id, 3, EventType::started, tokens_.back())})) return false;
      if (!append(store, {event(id, 4, EventType::planned, tokens_.back())})) return false;
      if (!now(store.append_log(id, {{WallTime{1}, "build", "a line"}})).ok()) return false;
      if (!append(store, {event(id, 5, EventType::notified, tokens_.back()),
                          event(id, 6, EventType::finished, tokens_.back())}))
        return false;
      if (!now(store.release_lease(**lease)).ok()) return false;
    }
    return true;
  }

  // All that was said to be stored is there, whole; of what was not, all of an append or nothing.
  void check() {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().what();
    for (int i = 1; i <= 3; ++i) {
      const std::string id = fmt::format("d-{}", i);
      const auto events = now((*store)->events(id));
      ASSERT_TRUE(events.ok()) << events.error().what();
      ASSERT_GE(events->size(), stored_[id]) << id;
      EXPECT_TRUE(events->size() != 1 && events->size() != 5) << "half of an append is there";
    }
    const auto lease =
        now((*store)->acquire_lease("meals", "dev", "d-9", "q", WallTime{9'999}, milliseconds(1)));
    ASSERT_TRUE(lease.ok() && *lease);
    EXPECT_GT((*lease)->token, tokens_.back()) << "a token was granted twice";
    EXPECT_TRUE(now((*store)->append({event("d-9", 1, EventType::accepted, 0)})).ok());
  }

  std::filesystem::path folder_;
  std::map<std::string, uint64_t> stored_;
  std::vector<uint64_t> tokens_;
};

TEST_F(PowerCutTest, AtAnyWriteLosesNothingThatWasSaidToBeStored) {
  size_t changes = 0;
  {
    PowerCut power;
    ASSERT_TRUE(work(**open()));
    changes = power.changes();
  }
  ASSERT_GT(changes, 50u);
  for (size_t at = 1; at <= changes; ++at) {
    SCOPED_TRACE(fmt::format("the power goes at write {}", at));
    begin_again();
    PowerCut power;
    power.at(at);
    if (auto store = open(); store.ok()) {
      const bool is_done = work(**store);
      EXPECT_EQ(is_done, !power.is_off());
    }
    power.power_back(at);
    check();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace pawl
