// Small pieces of memory for the simulator, which takes and gives back hundreds of millions of them
// on one thread: a free list for each size, nothing else. Not compiled with a sanitizer, whose own
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
constexpr size_t kPage = 1u << 16;           // holds pieces of one size
constexpr size_t kRegion = size_t{1} << 36;  // reserved, not used

struct Piece {
  Piece* next;
};

struct Pool {
  Piece* free[kLargest / kGrain + 1] = {};
  char* region = nullptr;
  size_t used = 0;
  uint16_t size_of_page[kRegion / kPage] = {};  // in grains
  bool is_reserved = false;

  bool reserve() {
    if (is_reserved) return region != nullptr;
    is_reserved = true;
    void* const got = mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return false;
    region = static_cast<char*>(got);
    madvise(region, kRegion, MADV_HUGEPAGE);  // what is small lies scattered over all of it
    return region != nullptr;
  }

  bool holds(const void* memory) const {
    const auto at = static_cast<const char*>(memory);
    return region != nullptr && at >= region && at < region + used;
  }

  // What thousands of runs gave back lies in the lists in any order, and is then taken in any
  // order: each piece from another line of the cache. In the order of their addresses they are
  // found.
  void put_in_order() {
    size_t most = 0;
    for (Piece* list : free) most = std::max(most, length_of(list));
    const auto pieces = static_cast<Piece**>(std::malloc(most * sizeof(Piece*)));
    if (pieces == nullptr) return;
    for (Piece*& list : free) {
      size_t count = 0;
      for (Piece* piece = list; piece != nullptr; piece = piece->next) pieces[count++] = piece;
      std::sort(pieces, pieces + count);
      list = nullptr;
      while (count > 0) {
        Piece* piece = pieces[--count];
        piece->next = list;
        list = piece;
      }
    }
    std::free(pieces);
  }

  static size_t length_of(const Piece* list) {
    size_t length = 0;
    for (; list != nullptr; list = list->next) ++length;
    return length;
  }

  // A page is cut into pieces of that size.
  bool refill(size_t grains) {
    if (!reserve() || used + kPage > kRegion) return false;
    char* page = region + used;
    size_of_page[used / kPage] = static_cast<uint16_t>(grains);
    used += kPage;
    const size_t size = grains * kGrain;
    for (size_t at = kPage / size * size; at > 0; at -= size) {
      auto* piece = reinterpret_cast<Piece*>(page + at - size);
      piece->next = free[grains];
      free[grains] = piece;
    }
    return true;
  }
};

Pool pool;

void* take(size_t size) {
  const size_t grains = size == 0 ? 1 : (size + kGrain - 1) / kGrain;
  if (size <= kLargest && (pool.free[grains] != nullptr || pool.refill(grains))) {
    Piece* piece = pool.free[grains];
    pool.free[grains] = piece->next;
    __builtin_prefetch(piece->next);  // the next one of that size was given back long ago
    return piece;
  }
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}

void give_back(void* memory) noexcept {
  if (!pool.holds(memory)) {
    std::free(memory);
    return;
  }
  const size_t offset = static_cast<size_t>(static_cast<char*>(memory) - pool.region);
  auto* piece = static_cast<Piece*>(memory);
  Piece*& list = pool.free[pool.size_of_page[offset / kPage]];
  piece->next = list;
  list = piece;
}

}  // namespace

namespace pawl::sim {

void put_memory_in_order() {
  pool.put_in_order();
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
void put_memory_in_order() {}
}  // namespace pawl::sim

#endif
