# One interface target carries the warnings, so that no folder can quietly leave one out.
add_library(pawl_flags INTERFACE)
target_compile_options(pawl_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
target_include_directories(pawl_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)

if(PAWL_SANITIZE STREQUAL "address")
  target_compile_options(pawl_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer)
  target_link_options(pawl_flags INTERFACE -fsanitize=address,undefined)
elseif(PAWL_SANITIZE STREQUAL "thread")
  target_compile_options(pawl_flags INTERFACE -fsanitize=thread)
  target_link_options(pawl_flags INTERFACE -fsanitize=thread)
endif()
