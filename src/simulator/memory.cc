// Small pieces of memory for the simulator, which takes and gives back hundreds of millions of them
// on one thread: a free list for each size, and for each run a place that is begun anew, so that a
// run finds its memory in order, and in the cache. Not compiled with a sanitizer, whose own
// allocator sees what is used after it was given back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAWL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PAWL_SANITIZED
#endif
#endif
#include "simulator/memory.h"

#ifndef PAWL_SANITIZED

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr size_t kGrain = 16;
constexpr size_t kLargest = 4'096;
constexpr size_t kSizes = kLargest / kGrain + 1;
constexpr size_t kPage = 1u << 16;           // holds pieces of one size
constexpr size_t kRegion = size_t{1} << 35;  // reserved, not used

struct Piece {
  Piece* next;
};

class Pool {
 public:
  /// nullptr: none is left, or it is too large.
  void* take(size_t size) {
    if (size > kLargest) return nullptr;
    const size_t grains = size == 0 ? 1 : (size + kGrain - 1) / kGrain;
    if (Piece* piece = free_[grains]) {
      free_[grains] = piece->next;
      ++live_;
      return piece;
    }
    Fresh& fresh = fresh_[grains];
    if (fresh.left == 0 && !refill(grains)) return nullptr;
    --fresh.left;
    ++live_;
    char* const piece = fresh.next;
    fresh.next += grains * kGrain;
    return piece;
  }

  bool holds(const void* memory) const {
    const auto at = static_cast<const char*>(memory);
    return region_ != nullptr && at >= region_ && at < region_ + kRegion;
  }

  void give_back(void* memory) {
    const size_t page = static_cast<size_t>(static_cast<char*>(memory) - region_) / kPage;
    if (page < first_page_) return;  // of what outlived its run
    auto* piece = static_cast<Piece*>(memory);
    Piece*& list = free_[grains_of_page_[page]];
    piece->next = list;
    list = piece;
    --live_;
  }

  // What is still in use keeps its pages for ever: what a program makes once, at its first use.
  void begin_anew() {
    if (live_ != 0) first_page_ = next_page_;
    live_ = 0;
    next_page_ = first_page_;
    std::fill(std::begin(free_), std::end(free_), nullptr);
    std::fill(std::begin(fresh_), std::end(fresh_), Fresh{});
  }

 private:
  struct Fresh {
    char* next = nullptr;
    size_t left = 0;  // pieces
  };

  bool reserve() {
    if (is_reserved_) return region_ != nullptr;
    is_reserved_ = true;
    void* const got = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return false;
    region_ = static_cast<char*>(got);
    madvise(region_, kRegion, MADV_HUGEPAGE);  // what is small lies scattered over all of it
    return true;
  }

  bool refill(size_t grains) {
    if (!reserve() || next_page_ == kRegion / kPage) return false;
    grains_of_page_[next_page_] = static_cast<uint16_t>(grains);
    fresh_[grains] = {region_ + next_page_ * kPage, kPage / (grains * kGrain)};
    ++next_page_;
    return true;
  }

  Piece* free_[kSizes] = {};
  Fresh fresh_[kSizes] = {};
  char* region_ = nullptr;
  size_t first_page_ = 0;
  size_t next_page_ = 0;
  size_t live_ = 0;
  uint16_t grains_of_page_[kRegion / kPage] = {};
  bool is_reserved_ = false;
};

Pool of_the_program;
Pool of_the_run;
Pool* current = &of_the_program;

void* take(size_t size) {
  if (void* piece = current->take(size)) return piece;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}

void give_back(void* memory) noexcept {
  if (of_the_run.holds(memory))
    of_the_run.give_back(memory);
  else if (of_the_program.holds(memory))
    of_the_program.give_back(memory);
  else
    std::free(memory);
}

}  // namespace

namespace pawl::sim {

RunMemory::RunMemory() {
  of_the_run.begin_anew();
  current = &of_the_run;
}

RunMemory::~RunMemory() {
  current = &of_the_program;
}

}  // namespace pawl::sim

void* operator new(size_t size) {
  return take(size);
}
void* operator new[](size_t size) {
  return take(size);
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  give_back(memory);
}

#else

namespace pawl::sim {
RunMemory::RunMemory() {}
RunMemory::~RunMemory() {}
}  // namespace pawl::sim

#endif
