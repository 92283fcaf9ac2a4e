// An SQLite VFS for power cuts. Files are real; what was written since a file's last sync is
// remembered, and when the power goes each such write is kept, lost, or torn at a sector, as a seed
// says: what a disk may do. Register one at a time; it becomes the default VFS.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "sim/virtual_clock.h"

namespace pawl {

class PowerCut {
 public:
  PowerCut();
  ~PowerCut();
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;

  /// The power goes at the `number`th write, sync or truncation from now; 0: it does not.
  void at(size_t number) { cut_at_ = number == 0 ? 0 : changes_ + number; }
  bool is_off() const { return is_off_; }
  size_t changes() const { return changes_; }
  /// What the disk holds when the power is back: after everything was closed.
  void power_back(uint64_t seed);

  struct Write {
    int64_t offset;
    std::string bytes;
    bool is_truncation;
  };
  struct Disk {
    std::string synced;  // the file at its last sync
    std::vector<Write> since;
  };
  // For the VFS's own functions.
  bool allows_change();
  Disk& disk(const std::string& path) { return disks_[path]; }
  void forget(const std::string& path) { disks_.erase(path); }
  sqlite3_vfs* real() const { return real_; }

 private:
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_{};
  size_t changes_ = 0;
  size_t cut_at_ = 0;
  bool is_off_ = false;
  std::map<std::string, Disk> disks_;
};

namespace power_cut {

inline constexpr size_t kSector = 512;

// SQLite gives the memory: szOsFile bytes, of which the real file takes what follows ours.
struct File {
  sqlite3_file base;
  PowerCut* power;
  std::string* path;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

inline File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put(std::string& file, size_t offset, std::string_view bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<ptrdiff_t>(offset));
}

inline int close(sqlite3_file* file) {
  File& ours = of(file);
  const int code = ours.real()->pMethods->xClose(ours.real());
  delete ours.path;
  return code;
}
inline int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  return of(file).real()->pMethods->xRead(of(file).real(), to, size, offset);
}
inline int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  File& ours = of(file);
  if (!ours.power->allows_change()) return SQLITE_IOERR_WRITE;
  const std::string bytes(static_cast<const char*>(from), static_cast<size_t>(size));
  ours.power->disk(*ours.path).since.push_back({offset, bytes, false});
  return ours.real()->pMethods->xWrite(ours.real(), from, size, offset);
}
inline int truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& ours = of(file);
  if (!ours.power->allows_change()) return SQLITE_IOERR_TRUNCATE;
  ours.power->disk(*ours.path).since.push_back({size, "", true});
  return ours.real()->pMethods->xTruncate(ours.real(), size);
}
inline int sync(sqlite3_file* file, int) {
  File& ours = of(file);
  if (!ours.power->allows_change()) return SQLITE_IOERR_FSYNC;
  ours.power->disk(*ours.path) = {contents(*ours.path), {}};
  return SQLITE_OK;
}
inline int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return of(file).real()->pMethods->xFileSize(of(file).real(), size);
}
inline int lock(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xLock(of(file).real(), level);
}
inline int unlock(sqlite3_file* file, int level) {
  return of(file).real()->pMethods->xUnlock(of(file).real(), level);
}
inline int check_lock(sqlite3_file* file, int* held) {
  return of(file).real()->pMethods->xCheckReservedLock(of(file).real(), held);
}
inline int control(sqlite3_file* file, int what, void* argument) {
  return of(file).real()->pMethods->xFileControl(of(file).real(), what, argument);
}
inline int sector_size(sqlite3_file*) {
  return kSector;
}
// A disk that promises nothing beyond a sector.
inline int characteristics(sqlite3_file*) {
  return 0;
}
inline int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  return of(file).real()->pMethods->xShmMap(of(file).real(), region, size, extend, memory);
}
inline int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return of(file).real()->pMethods->xShmLock(of(file).real(), offset, count, flags);
}
inline void shm_barrier(sqlite3_file* file) {
  of(file).real()->pMethods->xShmBarrier(of(file).real());
}
inline int shm_unmap(sqlite3_file* file, int remove) {
  return of(file).real()->pMethods->xShmUnmap(of(file).real(), remove);
}

inline const sqlite3_io_methods kMethods = {
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

inline PowerCut& of(sqlite3_vfs* vfs) {
  return *static_cast<PowerCut*>(vfs->pAppData);
}

inline int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* given) {
  File& ours = *new (file) File{};
  ours.power = &of(vfs);
  sqlite3_vfs* real = of(vfs).real();
  const int code = real->xOpen(real, path, ours.real(), flags, given);
  if (code != SQLITE_OK) return code;
  ours.path = new std::string(path == nullptr ? "" : path);
  if (path != nullptr) ours.power->disk(path).synced = contents(path);
  ours.base.pMethods = &kMethods;
  return SQLITE_OK;
}
inline int remove(sqlite3_vfs* vfs, const char* path, int) {
  if (!of(vfs).allows_change()) return SQLITE_IOERR_DELETE;
  of(vfs).forget(path);
  return of(vfs).real()->xDelete(of(vfs).real(), path, 0);
}

}  // namespace power_cut

inline PowerCut::PowerCut() : real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;
  vfs_.zName = "power-cut";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(power_cut::File)) + real_->szOsFile;
  vfs_.xOpen = power_cut::open;
  vfs_.xDelete = power_cut::remove;
  sqlite3_vfs_register(&vfs_, 1);
}

inline PowerCut::~PowerCut() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

inline bool PowerCut::allows_change() {
  if (!is_off_ && ++changes_ == cut_at_) is_off_ = true;
  return !is_off_;
}

inline void PowerCut::power_back(uint64_t seed) {
  SeededEntropy chance(seed);
  for (auto& [path, disk] : disks_) {
    std::string file = disk.synced;
    for (const Write& each : disk.since) {
      const auto offset = static_cast<size_t>(each.offset);
      const uint64_t fate = chance.next() % 4;  // kept, kept, torn, lost
      if (fate == 3) continue;
      if (each.is_truncation) {
        file.resize(std::min(file.size(), offset));
        continue;
      }
      for (size_t at = 0; at < each.bytes.size(); at += power_cut::kSector)
        if (fate != 2 || chance.next() % 2 == 0)
          power_cut::put(file, offset + at,
                         std::string_view(each.bytes).substr(at, power_cut::kSector));
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << file;
    // The index of the log lives in memory.
    std::filesystem::remove(path + "-shm");
  }
  disks_.clear();
  is_off_ = false;
  cut_at_ = 0;
}

}  // namespace pawl
