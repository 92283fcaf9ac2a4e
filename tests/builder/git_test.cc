// Against real git repositories, made for each test.
#include "builder/git.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "net/loop.h"
#include "support/temp_folder.h"

namespace pawl {
namespace {

using test::TempFolder;

TEST(PublicRemoteUrl, IsALinkWithoutCredentials) {
  struct Row {
    const char* remote;
    const char* link;
  };
  const Row rows[] = {
      {"https://github.com/example/meals.git", "https://github.com/example/meals"},
      {"https://github.com/example/meals", "https://github.com/example/meals"},
      {"https://github.com/example/meals/", "https://github.com/example/meals"},
      {"https://ana:ghp_secret@github.com/example/meals.git", "https://github.com/example/meals"},
      {"https://x-access-token:ghs_a@b@github.com/example/meals",
       "https://github.com/example/meals"},
      {"git@github.com:example/meals.git", "https://github.com/example/meals"},
      {"ssh://git@github.com/example/meals.git", "https://github.com/example/meals"},
      {"ssh://git@github.com:22/example/meals.git", "https://github.com/example/meals"},
      {"git://github.com/example/meals.git", "https://github.com/example/meals"},
      {"http://git.example.com:8080/meals.git", "http://git.example.com:8080/meals"},
      {"https://github.com/example/meals?token=secret", "https://github.com/example/meals"},
      {"/srv/git/meals.git", ""},
      {"../meals", ""},
      {"file:///srv/git/meals.git", ""},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(public_remote_url(row.remote), row.link) << row.remote;
}

class Git : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("git")) GTEST_SKIP() << "git is not installed";
    shell("git init -q -b main .");
  }

  // Not the person's own git settings.
  void shell(const std::string& script) {
    const std::string all =
        "cd '" + folder_.path().string() +
        "' && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a "
        "GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com "
        "&& " +
        script;
    ASSERT_EQ(std::system(all.c_str()), 0) << script;
  }
  void commit(const std::string& name) {
    shell("echo " + name + " > f && git add f && git commit -q -m " + name);
  }
  std::string sha_of(const std::string& revision) {
    const auto sha = loop_.run(git()->commit_of(revision));
    return sha.ok() && *sha ? **sha : "";
  }
  std::unique_ptr<SourceRepository> git(const std::string& below = "") {
    return make_git_repository(*processes_, folder_ / below);
  }
  Result<SourceState> state() {
    auto repository = git();
    return loop_.run(repository->state());
  }

  TempFolder folder_;
  Loop loop_;
  std::unique_ptr<Processes> processes_ = make_processes(loop_);
};

TEST_F(Git, KnowsWhereHeadIs) {
  commit("one");
  shell("git remote add origin https://ana:secret@github.com/example/meals.git");
  const auto now = state();
  ASSERT_TRUE(now.ok()) << now.error().message();
  EXPECT_EQ(now->sha.size(), 40u);
  EXPECT_EQ(now->branch, "main");
  EXPECT_EQ(now->newest_tag, "");
  EXPECT_EQ(now->remote_url, "https://github.com/example/meals");
  EXPECT_FALSE(now->is_dirty);
}

TEST_F(Git, OrdersTagsAsVersionsAndNotAsWords) {
  commit("one");
  shell("git tag v1.9.0 && git tag v1.10.0-rc.1 && git tag zebra && git tag v1.2");
  EXPECT_EQ(state()->newest_tag, "v1.10.0-rc.1");
  shell("git tag v1.10.0");
  EXPECT_EQ(state()->newest_tag, "v1.10.0");
}

TEST_F(Git, LooksAtTagsThatAreReachableOnly) {
  commit("one");
  shell("git tag v1.0.0 && git checkout -q -b next");
  commit("two");
  shell("git tag v2.0.0 && git checkout -q main");
  EXPECT_EQ(state()->newest_tag, "v1.0.0");
}

TEST_F(Git, GivesTheCommitOfAnAnnotatedTag) {
  commit("one");
  shell("git tag -a -m released v1.0.0");
  const std::string first = sha_of("HEAD");
  commit("two");
  const auto now = state();
  EXPECT_EQ(now->newest_tag_sha, first);
  EXPECT_EQ(sha_of("v1.0.0"), first);
  EXPECT_NE(now->sha, first);
}

TEST_F(Git, HasNoBranchWhenDetached) {
  commit("one");
  shell("git checkout -q --detach");
  EXPECT_EQ(state()->branch, "");
}

TEST_F(Git, IsDirtyWithChangesOrNewFilesButNotWithIgnoredOnes) {
  shell("echo ignored > .gitignore && git add .gitignore");
  commit("one");
  shell("touch ignored");
  EXPECT_FALSE(state()->is_dirty);
  shell("touch new");
  EXPECT_TRUE(state()->is_dirty);
  shell("rm new && echo changed > f");
  EXPECT_TRUE(state()->is_dirty);
}

TEST_F(Git, WorksInAFolderBelow) {
  commit("one");
  shell("mkdir -p app/below");
  auto below = git("app/below");
  EXPECT_TRUE(loop_.run(below->state()).ok());
}

TEST_F(Git, IsNotFoundWithoutACommitOrARepository) {
  const auto empty = state();
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().kind(), ErrorKind::not_found);
  shell("rm -rf .git");
  const auto none = state();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found);
  EXPECT_NE(none.error().message().find(folder_.path().string()), std::string::npos);
}

TEST_F(Git, KnowsNoCommitOfATagThatIsMissing) {
  commit("one");
  auto repository = git();
  const auto missing = loop_.run(repository->commit_of("v9.9.9"));
  ASSERT_TRUE(missing.ok());
  EXPECT_FALSE(missing->has_value());
  // A revision that looks like an option is a revision.
  const auto option = loop_.run(repository->commit_of("--all"));
  ASSERT_TRUE(option.ok());
  EXPECT_FALSE(option->has_value());
}

TEST_F(Git, TellsWhoIsOlder) {
  commit("one");
  const std::string one = sha_of("HEAD");
  commit("two");
  const std::string two = sha_of("HEAD");
  auto repository = git();
  EXPECT_TRUE(*loop_.run(repository->is_ancestor(one, two)));
  EXPECT_TRUE(*loop_.run(repository->is_ancestor(two, two)));
  EXPECT_FALSE(*loop_.run(repository->is_ancestor(two, one)));
}

TEST_F(Git, CountsTheCommitsAfterATag) {
  commit("one");
  shell("git tag v1.0.0");
  const std::string one = sha_of("HEAD");
  commit("two");
  commit("three");
  const std::string here = folder_.path().string();
  EXPECT_EQ(*loop_.run(count_commits_between(*processes_, here, one, sha_of("HEAD"))), 2);
  EXPECT_EQ(*loop_.run(count_commits_between(*processes_, here, one, one)), 0);
  const auto unknown =
      loop_.run(count_commits_between(*processes_, here, std::string(40, 'e'), "HEAD"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind(), ErrorKind::not_found);
}

TEST_F(Git, SaysThatACommitIsUnknown) {
  commit("one");
  auto repository = git();
  const std::string unknown(40, 'e');
  const auto older = loop_.run(repository->is_ancestor(unknown, "HEAD"));
  ASSERT_FALSE(older.ok());
  EXPECT_EQ(older.error().kind(), ErrorKind::not_found);
}

TEST_F(Git, SaysThatAShallowCloneCannotTellWhoIsOlder) {
  commit("one");
  const std::string one = sha_of("HEAD");
  commit("two");
  shell("git clone -q --depth 1 \"file://$PWD\" clone");
  auto clone = git("clone");
  const auto now = loop_.run(clone->state());
  ASSERT_TRUE(now.ok());
  EXPECT_EQ(now->sha, sha_of("HEAD"));
  const auto older = loop_.run(clone->is_ancestor(one, "HEAD"));
  ASSERT_FALSE(older.ok());
  EXPECT_NE(older.error().hint().find("shallow"), std::string::npos) << older.error().message();
}

TEST_F(Git, TellsAShallowCloneWithoutTagsFromARepositoryWithoutTags) {
  commit("one");
  EXPECT_FALSE(state()->is_shallow);
  shell("git tag v1.0.0");
  commit("two");
  shell("git clone -q --depth 1 \"file://$PWD\" clone");
  auto clone = git("clone");
  const auto shallow = loop_.run(clone->state());
  ASSERT_TRUE(shallow.ok());
  EXPECT_EQ(shallow->newest_tag, "");
  EXPECT_TRUE(shallow->is_shallow);
}

}  // namespace
}  // namespace pawl
