// The functions of libcurl that net/ calls, each bound on its first call (base/lazy_library.h).
#include <curl/curl.h>

#include <cstdarg>

#include "base/lazy_library.h"

// curl.h wraps these in macros that check types where they are called.
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

namespace {

pawl::LazyLibrary curl_library("libcurl.so.4", "libcurl4");

// Every option and answer of libcurl is one long, curl_off_t or pointer: one machine word, which is
// handed on as it came. libcurl reads it back as what the option says.
void* only_argument(std::va_list& arguments) {
  return va_arg(arguments, void*);
}
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));

}  // namespace

PAWL_LAZY_FUNCTION(curl_library, CURLcode, curl_global_init, (long flags), (flags))
PAWL_LAZY_FUNCTION(curl_library, CURL*, curl_easy_init, (), ())
PAWL_LAZY_FUNCTION(curl_library, void, curl_easy_cleanup, (CURL * handle), (handle))
PAWL_LAZY_FUNCTION(curl_library, CURLcode, curl_easy_pause, (CURL * handle, int what),
                   (handle, what))
PAWL_LAZY_FUNCTION(curl_library, const char*, curl_easy_strerror, (CURLcode code), (code))
PAWL_LAZY_FUNCTION(curl_library, CURLM*, curl_multi_init, (), ())
PAWL_LAZY_FUNCTION(curl_library, CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
PAWL_LAZY_FUNCTION(curl_library, CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL* handle),
                   (multi, handle))
PAWL_LAZY_FUNCTION(curl_library, CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL* handle),
                   (multi, handle))
PAWL_LAZY_FUNCTION(curl_library, CURLMsg*, curl_multi_info_read, (CURLM * multi, int* left),
                   (multi, left))
PAWL_LAZY_FUNCTION(curl_library, CURLMcode, curl_multi_socket_action,
                   (CURLM * multi, curl_socket_t socket, int events, int* running),
                   (multi, socket, events, running))
PAWL_LAZY_FUNCTION(curl_library, curl_slist*, curl_slist_append,
                   (curl_slist * list, const char* text), (list, text))
PAWL_LAZY_FUNCTION(curl_library, void, curl_slist_free_all, (curl_slist * list), (list))

// libcurl itself begins its lists behind an enum; the two compilers that matter agree with it.
#pragma GCC diagnostic ignored "-Wvarargs"

#define ONE_OPTION(result, name, Handle, Option)                        \
  extern "C" result name(Handle* handle, Option option, ...) {          \
    static auto* const real = curl_library.find<decltype(name)>(#name); \
    std::va_list arguments;                                             \
    va_start(arguments, option);                                        \
    void* value = only_argument(arguments);                             \
    va_end(arguments);                                                  \
    return real(handle, option, value);                                 \
  }

ONE_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption)
ONE_OPTION(CURLcode, curl_easy_getinfo, CURL, CURLINFO)
ONE_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)
