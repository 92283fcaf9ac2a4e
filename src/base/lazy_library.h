// A shared library that is loaded when one of its functions is called for the first time.
//
// libcrypto, libcurl, libarchive and libpq bring some thirty further libraries with them. Linked in
// the ordinary way, the dynamic loader would bind all of them before main(), which is most of what
// `pawl --version` or a completion in the shell would then take.
#pragma once

#include <string>

namespace pawl {

class LazyLibrary {
 public:
  // `soname` is what the loader looks for, `package` what a person would install to get it.
  constexpr LazyLibrary(const char* soname, const char* package)
      : soname_(soname), package_(package) {}

  // Empty when the library is there, else why not: for those who have more to say about it.
  std::string why_missing();

  // The function of this name. As with a library linked in the ordinary way, one that is not there
  // ends the process, with a sentence that names the package.
  template <typename Function>
  Function* find(const char* function) {
    return reinterpret_cast<Function*>(address_of(function));
  }

 private:
  void* address_of(const char* function);

  const char* soname_;
  const char* package_;
  void* handle_ = nullptr;
};

}  // namespace pawl

// Defines the library's function `name` as one that calls the real one, looked up once.
#define PAWL_LAZY_FUNCTION(library, result, name, parameters, arguments) \
  extern "C" result name parameters {                                    \
    static auto* const real = (library).find<result parameters>(#name);  \
    return real arguments;                                               \
  }
