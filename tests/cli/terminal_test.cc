#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace pawl {
namespace {

TEST(Terminal, WhatAServerPrintedCannotDriveIt) {
  EXPECT_EQ(printable("plain"), "plain");
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "red");
  EXPECT_EQ(printable("a\x1b]0;title\x07z"), "a0;titlez");
  EXPECT_EQ(printable("one\r\ntwo\x7f"), "onetwo");
  EXPECT_EQ(printable("tab\there"), "tab    here");
  EXPECT_EQ(printable("\x1b["), "");
  EXPECT_EQ(printable("\x1b"), "");
}

TEST(Terminal, CutsByCharactersNotByBytes) {
  EXPECT_EQ(fit("abcdef", 6), "abcdef");
  EXPECT_EQ(fit("abcdefg", 6), "abc...");
  EXPECT_EQ(fit("äöüäöüä", 6), "äöü...");
  EXPECT_EQ(fit("abc", 2), "..");
}

TEST(Terminal, APipeGetsNoColours) {
  Terminal pipe;
  EXPECT_EQ(pipe.red("x"), "x");
  Terminal screen;
  screen.has_colour = true;
  EXPECT_EQ(screen.red("x"), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace pawl
