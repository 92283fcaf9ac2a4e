# One interface target carries the warnings, so that no folder can quietly leave one out.
add_library(pawl_flags INTERFACE)
target_compile_options(pawl_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
target_include_directories(pawl_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 sees overlaps in std::string's own code that are not there (GCC bug 105651).
  target_compile_options(pawl_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # In a unity build every file but the first is "included", where g++ warns of coroutine frames that
  # hold types of the file's own anonymous namespace. That is what those are for.
  target_compile_options(pawl_flags INTERFACE -Wno-subobject-linkage)
endif()

if(PAWL_SANITIZE STREQUAL "address")
  target_compile_options(pawl_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(pawl_flags INTERFACE -fsanitize=address,undefined)
elseif(PAWL_SANITIZE STREQUAL "thread")
  target_compile_options(pawl_flags INTERFACE -fsanitize=thread)
  target_link_options(pawl_flags INTERFACE -fsanitize=thread)
endif()
