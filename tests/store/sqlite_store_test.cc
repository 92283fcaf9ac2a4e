// What is particular to the file: other processes, abrupt ends, full disks, damage.
#include "store/sqlite_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/process_owner.h"

namespace pawl {
namespace {

using std::chrono::milliseconds;

template <class T>
Result<T> now(Task<Result<T>> task) {
  task.start(nullptr);
  return task.take();
}

Event event(const std::string& id, uint64_t sequence, EventType type) {
  Event made;
  made.deployment = id;
  made.sequence = sequence;
  made.at = WallTime{1};
  made.type = type;
  if (type == EventType::accepted)
    made.data = json::object{{"app", "meals"}, {"environment", "dev"}};
  return made;
}

class JournalFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("pawl-journal-{}", getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "journal.db").string(); }
  std::unique_ptr<Store> open() const { return make_sqlite_store(path()).value(); }
  void execute(const std::string& sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
    sqlite3_close(handle);
  }
  // Runs `work` in another process; its exit status.
  template <class Work>
  static int in_another_process(Work work) {
    const pid_t child = fork();
    if (child == 0) _exit(work());
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }
  std::filesystem::path folder_;
};

TEST_F(JournalFile, KeepsWhatAKilledProcessWasToldIsStored) {
  const int status = in_another_process([&] {
    auto store = open();
    if (!now(store->append({event("d-1", 1, EventType::accepted)})).ok()) return 1;
    if (!now(store->append_log("d-1", {{WallTime{1}, "copy", "line"}})).ok()) return 1;
    raise(SIGKILL);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  auto store = open();
  EXPECT_EQ(now(store->events("d-1"))->size(), 1u);
  EXPECT_EQ(now(store->log("d-1", "copy"))->size(), 1u);
}

TEST_F(JournalFile, OneOfManyProcessesGetsTheLeaseAndTheOthersSeeWho) {
  constexpr int kProcesses = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      auto store = make_sqlite_store(path());  // all of them make the file, too
      if (!store.ok()) _exit(3);
      auto lease = now((*store)->acquire_lease("meals", "dev", fmt::format("d-{}", i), "p",
                                               WallTime{0}, milliseconds(30'000)));
      if (!lease.ok()) _exit(3);
      if (lease->has_value()) _exit(1);
      auto held = now((*store)->lease("meals", "dev"));
      _exit(held.ok() && held->has_value() ? 0 : 3);
    }
    children.push_back(child);
  }
  int granted = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_NE(WEXITSTATUS(status), 3);
    granted += WEXITSTATUS(status);
  }
  EXPECT_EQ(granted, 1);
}

TEST_F(JournalFile, ManyProcessesAppendWithoutLosingOrRepeatingAnything) {
  constexpr int kProcesses = 4;
  constexpr uint64_t kEach = 25;
  ASSERT_TRUE(now(open()->append({event("d-1", 1, EventType::accepted)})).ok());
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      auto store = open();
      for (uint64_t done = 0; done < kEach;) {
        const auto last = now(store->events("d-1")).value().size();
        auto appended = now(store->append({event("d-1", last + 1, EventType::notified)}));
        if (appended.ok())
          ++done;
        else if (appended.error().code() != kCodeOutOfSequence)
          _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(now(open()->events("d-1"))->size(), 1 + kProcesses * kEach);
}

TEST_F(JournalFile, AFullDiskKeepsWhatWasStoredAndSaysSo) {
  uint64_t stored = 0;
  const int status = in_another_process([&] {
    signal(SIGXFSZ, SIG_IGN);
    auto store = open();
    if (!now(store->append({event("d-1", 1, EventType::accepted)})).ok()) return 1;
    const rlimit limit{256 * 1024, 256 * 1024};
    setrlimit(RLIMIT_FSIZE, &limit);
    Result<void> appended = ok();
    uint64_t sequence = 1;
    while (appended.ok() && sequence < 10'000) {
      Event next = event("d-1", ++sequence, EventType::notified);
      next.data = json::object{{"text", std::string(2'000, 'x')}};
      appended = now(store->append({next, event("d-1", ++sequence, EventType::notified)}));
    }
    if (appended.ok() || appended.error().kind() != ErrorKind::storage) return 2;
    if (appended.error().hint().find("nothing was lost") == std::string::npos) return 3;
    // What is there can be read, also by this process; half an append is not there.
    auto left = now(store->events("d-1"));
    if (!left.ok() || left->size() != sequence - 2) return 4;
    return 0;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto store = open();
  stored = now(store->events("d-1"))->size();
  EXPECT_GT(stored, 20u);
  EXPECT_EQ(stored % 2, 1u);
  EXPECT_TRUE(now(store->append({event("d-1", stored + 1, EventType::notified)})).ok());
}

TEST_F(JournalFile, OfANewerPawlIsLeftAlone) {
  open();
  execute("PRAGMA user_version = 99");
  auto store = make_sqlite_store(path());
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.error().what().find("newer Pawl"), std::string::npos) << store.error().what();
}

TEST_F(JournalFile, ThatBelongsToSomebodyElseIsLeftAlone) {
  execute("CREATE TABLE notes (text TEXT)");
  auto store = make_sqlite_store(path());
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.error().what().find("no journal of Pawl"), std::string::npos);
}

TEST_F(JournalFile, ThatIsNoDatabaseIsAClearError) {
  std::ofstream(path()) << std::string(8'192, 'x');
  auto store = make_sqlite_store(path());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().kind(), ErrorKind::corrupt);
  EXPECT_NE(store.error().hint().find("move it away"), std::string::npos);
}

TEST_F(JournalFile, ADamagedEntryIsSeenAndTheOthersCanBeRead) {
  {
    auto store = open();
    ASSERT_TRUE(now(store->append({event("d-1", 1, EventType::accepted),
                                   event("d-2", 1, EventType::accepted)}))
                    .ok());
  }
  execute("UPDATE events SET data = replace(data, 'meals', 'meats') WHERE deployment = 'd-1'");
  auto store = open();
  auto damaged = now(store->events("d-1"));
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().kind(), ErrorKind::corrupt);
  EXPECT_EQ(damaged.error().what(),
            fmt::format("entry 1 of deployment d-1 in the journal {} is damaged", path()));
  EXPECT_TRUE(now(store->events("d-2")).ok());
}

TEST_F(JournalFile, InAFolderThatCannotBeMadeIsAClearError) {
  std::ofstream(folder_ / "file") << "x";
  auto store = make_sqlite_store((folder_ / "file" / "journal.db").string());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().kind(), ErrorKind::storage);
}

// ---- who holds it ----

TEST(ProcessOwner, ThisProcessIsThereAndReadableForPeople) {
  const auto table = make_process_table("ana");
  const auto self = table->describe_this_process();
  EXPECT_FALSE(table->is_gone(self)) << self;
  EXPECT_EQ(owner_for_people(self).rfind("ana@", 0), 0u);
  EXPECT_NE(owner_for_people(self).find(fmt::format("pid {}", getpid())), std::string::npos);
}

TEST(ProcessOwner, AProcessThatEndedIsGone) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto self = make_process_table("bob")->describe_this_process();
    const auto written = write(pipe_ends[1], self.data(), self.size());
    _exit(written > 0 ? 0 : 1);
  }
  close(pipe_ends[1]);
  char text[512];
  const auto size = read(pipe_ends[0], text, sizeof text);
  close(pipe_ends[0]);
  ASSERT_GT(size, 0);
  waitpid(child, nullptr, 0);
  const std::string owner(text, static_cast<size_t>(size));
  EXPECT_TRUE(make_process_table("ana")->is_gone(owner)) << owner;
}

TEST(ProcessOwner, ANumberThatWasGivenToAnotherProcessIsNotTheOwner) {
  const auto table = make_process_table("ana");
  auto self = table->describe_this_process();
  // The third word in the brackets is the start time.
  const auto machine_at = self.rfind(' ');
  const auto start_at = self.rfind(' ', machine_at - 1);
  self.replace(start_at + 1, machine_at - start_at - 1, "1");
  EXPECT_TRUE(table->is_gone(self)) << self;
}

TEST(ProcessOwner, WhatCannotBeLookedUpIsNotCalledGone) {
  const auto table = make_process_table("ana");
  for (const char* owner : {"", "ana@laptop pid 1", "ana@laptop pid 999999 [a b c d]",
                            "ana@laptop pid x [a b c d]", "[", "pid 1 []"})
    EXPECT_FALSE(table->is_gone(owner)) << owner;
}

}  // namespace
}  // namespace pawl
