// The functions of libarchive that layers.cc calls, each bound on its first call
// (base/lazy_library.h).
#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cstdarg>
#include <cstdio>

#include "base/lazy_library.h"

namespace {

pawl::LazyLibrary archive_library("libarchive.so.13", "libarchive13");

}  // namespace

#define READER(name) PAWL_LAZY_FUNCTION(archive_library, int, name, (archive * handle), (handle))
#define FIELD(type, name) \
  PAWL_LAZY_FUNCTION(archive_library, type, name, (archive_entry * entry), (entry))

PAWL_LAZY_FUNCTION(archive_library, archive*, archive_read_new, (), ())
READER(archive_read_free)
READER(archive_read_support_filter_gzip)
READER(archive_read_support_filter_zstd)
READER(archive_read_support_format_empty)
READER(archive_read_support_format_raw)
READER(archive_read_support_format_tar)
PAWL_LAZY_FUNCTION(archive_library, int, archive_read_open,
                   (archive * handle, void* context, archive_open_callback* open,
                    archive_read_callback* read, archive_close_callback* close),
                   (handle, context, open, read, close))
PAWL_LAZY_FUNCTION(archive_library, int, archive_read_next_header,
                   (archive * handle, archive_entry** entry), (handle, entry))
PAWL_LAZY_FUNCTION(archive_library, la_ssize_t, archive_read_data,
                   (archive * handle, void* buffer, size_t size), (handle, buffer, size))
PAWL_LAZY_FUNCTION(archive_library, const char*, archive_error_string, (archive * handle), (handle))
FIELD(__LA_MODE_T, archive_entry_filetype)
FIELD(__LA_MODE_T, archive_entry_perm)
FIELD(time_t, archive_entry_mtime)
FIELD(const char*, archive_entry_pathname)
FIELD(const char*, archive_entry_pathname_utf8)
FIELD(const char*, archive_entry_hardlink)
FIELD(const char*, archive_entry_hardlink_utf8)
FIELD(const char*, archive_entry_symlink)
FIELD(const char*, archive_entry_symlink_utf8)

#undef READER
#undef FIELD

extern "C" void archive_set_error(archive* handle, int code, const char* format, ...) {
  static auto* const real = archive_library.find<decltype(archive_set_error)>("archive_set_error");
  std::array<char, 256> words{};
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(words.data(), words.size(), format, arguments);
  va_end(arguments);
  real(handle, code, "%s", words.data());
}
