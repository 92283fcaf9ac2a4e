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
#include <iterator>
#include <new>

namespace {

constexpr size_t kGrain = 16;
constexpr size_t kLargest = 4'096;
constexpr size_t kSizes = kLargest / kGrain + 1;
constexpr size_t kPage = 1u << 16;           // holds pieces of one size
constexpr size_t kRegion = size_t{1} << 35;  // reserved, not used
constexpr size_t kPages = kRegion / kPage;
// Pages begin in different places: what is used most lies at their beginnings, and would all fall
// into the same few sets of the processor's caches, which repeat every 4 KiB and 64 KiB.
constexpr size_t kShift = 13 * 64;

struct Piece {
  Piece* next;
};

// The pieces of one size.
struct Bin {
  Piece* free = nullptr;
  char* fresh = nullptr;  // never taken yet
  size_t left = 0;        // of those
  size_t live = 0;        // taken and not given back
};

// What is kept apart: the program's own memory, and a run's.
struct Pool {
  Bin bins[kSizes];
};

// No address of memory is as high: nothing lies in the region before it was reserved.
uintptr_t region = uintptr_t{1} << 63;
char* first_page = nullptr;
bool is_reserved = false;
size_t next_page = 0;
size_t first_page_of_the_run = 0;
Bin* bin_of_page[kPages] = {};  // nullptr: what lies there outlived its run, and stays

Pool of_the_program;
Pool of_the_run;
Pool* current = &of_the_program;

bool reserve() {
  is_reserved = true;
  void* const got = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) {
    next_page = kPages;
    return false;
  }
  first_page = static_cast<char*>(got);
  region = reinterpret_cast<uintptr_t>(got);
  madvise(got, kRegion, MADV_HUGEPAGE);  // what is small lies scattered over all of it
  return true;
}

[[gnu::noinline]] void* take_elsewhere(size_t size) {
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}

[[gnu::noinline]] void* take_of_a_new_page(Bin& bin, size_t grains) {
  const size_t size = std::max<size_t>(grains, 1) * kGrain;
  if ((!is_reserved && !reserve()) || next_page == kPages) return take_elsewhere(size);
  bin_of_page[next_page] = &bin;
  const size_t shift = (next_page * kShift) % (kPage / 2);
  char* const piece = first_page + next_page * kPage + shift;
  ++next_page;
  bin.fresh = piece + size;
  bin.left = (kPage - shift) / size - 1;
  ++bin.live;
  return piece;
}

inline void* take(size_t size) {
  if (size > kLargest) return take_elsewhere(size);
  const size_t grains = (size + kGrain - 1) / kGrain;
  Bin& bin = current->bins[grains];
  if (Piece* const piece = bin.free) {
    bin.free = piece->next;
    ++bin.live;
    return piece;
  }
  if (bin.left == 0) return take_of_a_new_page(bin, grains);
  --bin.left;
  ++bin.live;
  char* const piece = bin.fresh;
  bin.fresh += std::max<size_t>(grains, 1) * kGrain;
  return piece;
}

inline void give_back(void* memory) noexcept {
  const size_t page = (reinterpret_cast<uintptr_t>(memory) - region) / kPage;
  if (page >= kPages) return std::free(memory);
  Bin* const bin = bin_of_page[page];
  if (bin == nullptr) return;
  auto* const piece = static_cast<Piece*>(memory);
  piece->next = bin->free;
  bin->free = piece;
  --bin->live;
}

bool is_empty(const Pool& pool) {
  return std::all_of(std::begin(pool.bins), std::end(pool.bins),
                     [](const Bin& bin) { return bin.live == 0; });
}

bool is_of(const Pool& pool, const Bin* bin) {
  return std::begin(pool.bins) <= bin && bin < std::end(pool.bins);
}

bool has_pages_after(const Pool& pool, size_t page) {
  for (; page < next_page; ++page)
    if (is_of(pool, bin_of_page[page])) return true;
  return false;
}

}  // namespace

namespace pawl::sim {

// What is still in use keeps its pages for ever: what a program makes once, at its first use. The
// program takes pages too, before the first run and between two.
RunMemory::RunMemory() {
  if (is_empty(of_the_run) && !has_pages_after(of_the_program, first_page_of_the_run)) {
    next_page = first_page_of_the_run;
  } else {
    for (size_t page = first_page_of_the_run; page < next_page; ++page)
      if (is_of(of_the_run, bin_of_page[page])) bin_of_page[page] = nullptr;
    first_page_of_the_run = next_page;
  }
  std::fill(std::begin(of_the_run.bins), std::end(of_the_run.bins), Bin{});
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
