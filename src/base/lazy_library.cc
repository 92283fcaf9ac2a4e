#include "base/lazy_library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>

namespace pawl {

std::string LazyLibrary::why_missing() {
  if (handle_ == nullptr) handle_ = dlopen(soname_, RTLD_NOW | RTLD_LOCAL);
  if (handle_ != nullptr) return {};
  const char* reason = dlerror();
  return reason == nullptr ? soname_ : reason;
}

void* LazyLibrary::address_of(const char* function) {
  if (handle_ == nullptr) handle_ = dlopen(soname_, RTLD_NOW | RTLD_LOCAL);
  void* address = handle_ == nullptr ? nullptr : dlsym(handle_, function);
  if (address != nullptr) return address;
  const char* reason = dlerror();
  std::fprintf(stderr, "pawl: %s cannot be used: %s; install the package %s\n", soname_,
               reason == nullptr ? function : reason, package_);
  // Destructors may well need the very library that is missing.
  _exit(127);
}

}  // namespace pawl
