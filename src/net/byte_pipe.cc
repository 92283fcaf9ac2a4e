// A ring of bytes between a download and an upload. Each end is woken only when it waits and can do
// something worth a turn of the loop.
#include <algorithm>
#include <cstring>

#include "net/http_client.h"

namespace pawl {

struct BytePipe::State {
  explicit State(size_t bytes, std::optional<uint64_t> size)
      : capacity(std::max<size_t>(bytes, 1)), expected_size(size) {}

  enum class Writer { open, closed, failed };

  const size_t capacity;
  const std::optional<uint64_t> expected_size;
  std::vector<std::byte> ring;
  size_t head = 0;  // of the oldest byte
  size_t used = 0;
  uint64_t passed = 0;  // from the writer, in all
  Writer writer = Writer::open;
  bool reader_gone = false;
  bool reader_waits = false;
  bool writer_waits = false;
  size_t writer_needs = 0;
  std::function<void()> wake_reader;
  std::function<void()> wake_writer;
  std::function<bool(std::span<const std::byte>)> observer;

  void put(std::span<const std::byte> bytes);
  size_t take(std::span<std::byte> into);

  void reader_may_go_on() {
    if (std::exchange(reader_waits, false) && wake_reader) wake_reader();
  }
  void writer_may_go_on() {
    if (std::exchange(writer_waits, false) && wake_writer) wake_writer();
  }
};

void BytePipe::State::put(std::span<const std::byte> bytes) {
  // The memory is taken at the first byte, and grows only for a single piece over the capacity.
  if (used + bytes.size() > ring.size()) {
    std::vector<std::byte> larger(std::max(capacity, used + bytes.size()));
    const size_t kept = take(larger);
    ring = std::move(larger);
    head = 0;
    used = kept;
  }
  const size_t tail = (head + used) % ring.size();
  const size_t first = std::min(bytes.size(), ring.size() - tail);
  std::memcpy(ring.data() + tail, bytes.data(), first);
  std::memcpy(ring.data(), bytes.data() + first, bytes.size() - first);
  used += bytes.size();
  passed += bytes.size();
}

size_t BytePipe::State::take(std::span<std::byte> into) {
  const size_t count = std::min(into.size(), used);
  if (count == 0) return 0;
  const size_t first = std::min(count, ring.size() - head);
  std::memcpy(into.data(), ring.data() + head, first);
  std::memcpy(into.data() + first, ring.data(), count - first);
  used -= count;
  // An empty ring starts at its beginning again, so that most copies are one piece.
  head = used == 0 ? 0 : (head + count) % ring.size();
  return count;
}

class BytePipe::Sink : public BodySink {
 public:
  explicit Sink(std::shared_ptr<State> state) : state_(std::move(state)) {}

  Flow write(std::span<const std::byte> bytes) override {
    State& s = *state_;
    if (s.reader_gone || s.writer != State::Writer::open) return Flow::abort;
    if (bytes.empty()) return Flow::ready;
    if (s.used > 0 && s.used + bytes.size() > s.capacity) {
      s.writer_waits = true;
      s.writer_needs = bytes.size();
      return Flow::would_block;
    }
    if (s.observer && !s.observer(bytes)) {
      s.writer = State::Writer::failed;
      s.reader_may_go_on();
      return Flow::abort;
    }
    s.put(bytes);
    s.reader_may_go_on();
    return Flow::ready;
  }

  bool wants_more(size_t bytes) override {
    State& s = *state_;
    if (s.reader_gone || s.used == 0 || s.used + bytes <= s.capacity) return true;
    s.writer_waits = true;
    s.writer_needs = bytes;
    return false;
  }

  bool is_closed() const override {
    const State& s = *state_;
    // A writer that has given all that was expected may come to its end in its own time.
    return s.reader_gone && !(s.expected_size && s.passed >= *s.expected_size);
  }

  void on_ready(std::function<void()> waker) override { state_->wake_writer = std::move(waker); }

 private:
  std::shared_ptr<State> state_;
};

class BytePipe::Source : public BodySource {
 public:
  explicit Source(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() override {
    // A request that ended early (an answer before the body was read) must not leave its writer
    // waiting, be it for room or for bytes from a source that has fallen silent.
    state_->reader_gone = true;
    state_->wake_reader = {};
    state_->writer_waits = false;
    if (state_->wake_writer) state_->wake_writer();
  }

  Chunk read(std::span<std::byte> buffer) override {
    State& s = *state_;
    if (s.writer == State::Writer::failed) return {Flow::abort, 0};
    const size_t bytes = s.take(buffer);
    if (s.writer_waits && (s.used == 0 || s.used + s.writer_needs <= s.capacity))
      s.writer_may_go_on();
    if (bytes > 0) return {Flow::ready, bytes};
    if (s.writer == State::Writer::closed) return {Flow::end, 0};
    s.reader_waits = true;
    return {Flow::would_block, 0};
  }

  void on_ready(std::function<void()> waker) override { state_->wake_reader = std::move(waker); }
  std::optional<uint64_t> size() const override { return state_->expected_size; }

 private:
  std::shared_ptr<State> state_;
};

BytePipe::BytePipe(size_t capacity_bytes, std::optional<uint64_t> expected_size)
    : state_(std::make_shared<State>(capacity_bytes, expected_size)) {}

BytePipe::~BytePipe() {
  if (state_) fail();
}

std::shared_ptr<BodySink> BytePipe::sink() {
  return std::make_shared<Sink>(state_);
}
std::shared_ptr<BodySource> BytePipe::source() {
  return std::make_shared<Source>(state_);
}

void BytePipe::close() {
  if (state_->writer != State::Writer::open) return;
  state_->writer = State::Writer::closed;
  state_->reader_may_go_on();
}

void BytePipe::fail() {
  if (state_->writer != State::Writer::open) return;
  state_->writer = State::Writer::failed;
  state_->reader_may_go_on();
}

void BytePipe::on_bytes(std::function<bool(std::span<const std::byte>)> observer) {
  state_->observer = std::move(observer);
}

}  // namespace pawl
