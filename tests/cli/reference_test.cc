// docs/reference/cli.md is what the binary says of itself.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "cli/commands.h"

namespace pawl {
namespace {

TEST(Reference, IsWhatTheBinarySays) {
  Globals globals;
  Program program("pawl",
                  "Makes a release live on AWS Lambda, or puts back exactly what was live before, "
                  "and says which of the two happened.",
                  globals);
  add_all_commands(program, globals);
  std::ifstream file(PAWL_SOURCE_DIR "/docs/reference/cli.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), program.reference())
      << "write it anew: build/release/pawl __reference > docs/reference/cli.md";
}

}  // namespace
}  // namespace pawl
