// Reads the tree and fails when a folder includes one above it, when a file grows past its length,
// or when core/ and engine/ reach for a clock, a random number or the environment by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = fs::path(PAWL_SOURCE_DIR) / "src";
constexpr size_t kMaxFileLines = 600;
constexpr size_t kMaxColumns = 100;

// From bottom to top; folders of one rank do not include each other.
const std::map<std::string, int> kRank = {
    {"base", 0},      {"core", 1},      {"engine", 2}, {"net", 3},
    {"process", 4},   {"github", 5},    {"aws", 5},    {"oci", 5},
    {"terraform", 5}, {"builder", 5},   {"store", 5},  {"sim", 6},
    {"sandbox", 7},   {"simulator", 7}, {"cli", 8},    {"server", 8},
};

struct SourceFile {
  std::string name;  // relative to src/
  std::string folder;
  std::vector<std::string> lines;
};

std::vector<SourceFile> source_files() {
  std::vector<SourceFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(kSource)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") continue;
    const fs::path relative = fs::relative(entry.path(), kSource);
    SourceFile file{relative.string(), relative.begin()->string(), {}};
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  return files;
}

std::string included_folder(const std::string& line) {
  static const std::regex pattern("^\\s*#\\s*include\\s+\"([^/\"]+)/[^\"]+\"");
  std::smatch match;
  return std::regex_search(line, match, pattern) ? match[1].str() : "";
}

// The complaint about one include, or nothing.
std::string check_include(const std::string& from, const std::string& to) {
  if (from == to) return "";
  if (!kRank.count(from)) return "unknown folder " + from;
  if (!kRank.count(to)) return "unknown folder " + to;
  if (kRank.at(to) < kRank.at(from)) return "";
  return from + " must not include " + to;
}

TEST(Layers, TheCheckItselfTellsUpFromDown) {
  EXPECT_EQ(check_include("engine", "core"), "");
  EXPECT_EQ(check_include("core", "engine"), "core must not include engine");
  EXPECT_EQ(check_include("aws", "oci"), "aws must not include oci");
  EXPECT_EQ(included_folder("#include \"net/http.h\""), "net");
  EXPECT_EQ(included_folder("#include <net/if.h>"), "");
}

TEST(Layers, NoFolderIncludesOneAboveIt) {
  const auto files = source_files();
  ASSERT_GT(files.size(), 50u);
  for (const auto& file : files)
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const auto folder = included_folder(file.lines[i]);
      if (folder.empty()) continue;
      EXPECT_EQ(check_include(file.folder, folder), "") << file.name << ":" << i + 1;
    }
}

TEST(Layers, OnlyNetAndProcessKnowAsioAndOnlyNetKnowsCurl) {
  for (const auto& file : source_files())
    for (const auto& line : file.lines) {
      const bool asio =
          line.find("#include <boost/asio") == 0 || line.find("#include <boost/beast") == 0;
      const bool curl = line.find("#include <curl/") == 0;
      if (asio) {
        EXPECT_TRUE(file.folder == "net" || file.folder == "process") << file.name;
      }
      if (curl) {
        EXPECT_EQ(file.folder, "net") << file.name;
      }
    }
}

TEST(Layers, OnlyStoreSpeaksToDatabases) {
  const std::regex pattern("#include <(sqlite3|libpq-fe)\\.h>|\"(SELECT|INSERT INTO|UPDATE) ");
  size_t found = 0;
  for (const auto& file : source_files())
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (!std::regex_search(file.lines[i], pattern)) continue;
      ++found;
      EXPECT_EQ(file.folder, "store") << file.name << ":" << i + 1;
    }
  EXPECT_GT(found, 10u);  // else the pattern has aged
}

TEST(Layers, CoreAndEngineReachForNothingOutside) {
  const std::vector<std::string> forbidden = {
      "system_clock::now", "steady_clock::now", "random_device",   "getenv(",
      "std::thread",       "std::ifstream",     "std::filesystem", "this_thread::sleep"};
  for (const auto& file : source_files()) {
    if (file.folder != "core" && file.folder != "engine" && file.folder != "base") continue;
    for (size_t i = 0; i < file.lines.size(); ++i)
      for (const auto& word : forbidden)
        EXPECT_EQ(file.lines[i].find(word), std::string::npos)
            << file.name << ":" << i + 1 << " uses " << word;
  }
}

TEST(Style, FilesStaySmall) {
  for (const auto& file : source_files())
    EXPECT_LE(file.lines.size(), kMaxFileLines) << file.name << " holds more than one thing";
}

TEST(Style, LinesFitTheScreen) {
  const auto characters = [](const std::string& line) {
    return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  };
  for (const auto& file : source_files())
    for (size_t i = 0; i < file.lines.size(); ++i)
      if (file.lines[i].find("http") == std::string::npos) {
        EXPECT_LE(characters(file.lines[i]), kMaxColumns) << file.name << ":" << i + 1;
      }
}

TEST(Style, EveryHeaderSaysWhatItIsFor) {
  for (const auto& file : source_files()) {
    if (fs::path(file.name).extension() != ".h") continue;
    ASSERT_FALSE(file.lines.empty()) << file.name;
    EXPECT_EQ(file.lines[0].substr(0, 2), "//") << file.name;
    EXPECT_NE(std::find(file.lines.begin(), file.lines.end(), "#pragma once"), file.lines.end())
        << file.name;
  }
}

}  // namespace
