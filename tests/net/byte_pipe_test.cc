#include <gtest/gtest.h>

#include <string>

#include "net/http_client.h"

namespace pawl {
namespace {

class Pipe : public ::testing::Test {
 protected:
  Pipe() : pipe(10, 42), sink(pipe.sink()), source(pipe.source()) {
    sink->on_ready([this] { ++writer_woken; });
    source->on_ready([this] { ++reader_woken; });
  }
  Flow write(std::string_view text) {
    return sink->write(std::as_bytes(std::span<const char>(text.data(), text.size())));
  }
  /// What one read gives, or the flow in brackets.
  std::string read(size_t bytes = 100) {
    std::string buffer(bytes, '\0');
    const auto chunk = source->read(std::as_writable_bytes(std::span<char>(buffer)));
    switch (chunk.flow) {
      case Flow::ready:
        return buffer.substr(0, chunk.bytes);
      case Flow::would_block:
        return "<wait>";
      case Flow::end:
        return "<end>";
      case Flow::abort:
        return "<abort>";
    }
    return "";
  }

  BytePipe pipe;
  std::shared_ptr<BodySink> sink;
  std::shared_ptr<BodySource> source;
  int writer_woken = 0;
  int reader_woken = 0;
};

TEST_F(Pipe, KeepsTheBytesInOrderAroundTheRing) {
  std::string sent, received;
  char next = 'a';
  for (int i = 0; i < 200; ++i) {
    std::string piece;
    for (int j = 0; j <= i % 7; ++j)
      piece += next = next == 'z' ? 'a' : static_cast<char>(next + 1);
    while (write(piece) == Flow::would_block) received += read(3);
    sent += piece;
  }
  pipe.close();
  for (std::string piece = read(4); piece != "<end>"; piece = read(4)) received += piece;
  EXPECT_EQ(received, sent);
}

TEST_F(Pipe, IsBoundedAndTakesAPieceWholeOrNotAtAll) {
  EXPECT_EQ(write("12345678"), Flow::ready);
  EXPECT_EQ(write("abc"), Flow::would_block);
  EXPECT_EQ(read(), "12345678");
  EXPECT_EQ(write("abc"), Flow::ready);
}

TEST_F(Pipe, TakesAPieceOverItsCapacityWhenItIsEmpty) {
  EXPECT_EQ(write("0123456789abcdef"), Flow::ready);
  EXPECT_EQ(write("x"), Flow::would_block);
  EXPECT_EQ(read(), "0123456789abcdef");
}

TEST_F(Pipe, WakesTheReaderOnlyWhenItWaits) {
  write("a");
  EXPECT_EQ(reader_woken, 0);
  EXPECT_EQ(read(), "a");
  EXPECT_EQ(read(), "<wait>");
  write("b");
  write("c");
  EXPECT_EQ(reader_woken, 1);
  EXPECT_EQ(read(), "bc");
}

TEST_F(Pipe, WakesTheWriterOnlyWhenItsPieceFits) {
  write("12345678");
  EXPECT_EQ(write("abcdef"), Flow::would_block);
  read(2);
  EXPECT_EQ(writer_woken, 0);
  read(2);
  EXPECT_EQ(writer_woken, 1);
  EXPECT_EQ(write("abcdef"), Flow::ready);
}

TEST_F(Pipe, SaysAheadWhetherMoreWouldBeTaken) {
  EXPECT_TRUE(sink->wants_more(100));
  write("1234");
  EXPECT_TRUE(sink->wants_more(6));
  EXPECT_FALSE(sink->wants_more(7));
  read(1);
  EXPECT_EQ(writer_woken, 1);
}

TEST_F(Pipe, EndsAfterTheLastByte) {
  write("last");
  pipe.close();
  EXPECT_EQ(write("more"), Flow::abort);
  EXPECT_EQ(read(), "last");
  EXPECT_EQ(read(), "<end>");
  EXPECT_EQ(read(), "<end>");
}

TEST_F(Pipe, ClosingWakesAWaitingReader) {
  EXPECT_EQ(read(), "<wait>");
  pipe.close();
  EXPECT_EQ(reader_woken, 1);
}

TEST_F(Pipe, AFailureIsNeverAnEnd) {
  write("some");
  EXPECT_EQ(read(), "some");
  EXPECT_EQ(read(), "<wait>");
  pipe.fail();
  EXPECT_EQ(reader_woken, 1);
  EXPECT_EQ(read(), "<abort>");
  pipe.close();
  EXPECT_EQ(read(), "<abort>");
}

TEST_F(Pipe, AWriterIsToldThatNobodyReads) {
  write("12345678");
  EXPECT_EQ(write("abc"), Flow::would_block);
  source.reset();
  EXPECT_EQ(writer_woken, 1);
  EXPECT_EQ(write("abc"), Flow::abort);
}

TEST_F(Pipe, APipeThatIsDestroyedUnclosedFailsItsReader) {
  std::shared_ptr<BodySource> left;
  {
    BytePipe short_lived(10, std::nullopt);
    left = short_lived.source();
  }
  std::byte buffer[4];
  EXPECT_EQ(left->read(buffer).flow, Flow::abort);
}

TEST_F(Pipe, ShowsEachPieceToItsObserverBeforeItsReader) {
  std::string seen;
  pipe.on_bytes([&](std::span<const std::byte> bytes) {
    seen.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return seen.size() < 6;
  });
  write("12345678");
  EXPECT_EQ(seen, "12345678");
  EXPECT_EQ(read(), "<abort>");
}

TEST_F(Pipe, ShowsAPieceThatHadToWaitOnlyOnce) {
  std::string seen;
  pipe.on_bytes([&](std::span<const std::byte> bytes) {
    seen.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  });
  write("12345678");
  EXPECT_EQ(write("abc"), Flow::would_block);
  read();
  EXPECT_EQ(write("abc"), Flow::ready);
  EXPECT_EQ(seen, "12345678abc");
}

TEST_F(Pipe, KnowsTheSizeOfWhatWillPass) {
  EXPECT_EQ(source->size(), 42u);
}

}  // namespace
}  // namespace pawl
