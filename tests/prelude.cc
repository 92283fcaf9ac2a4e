// Gives CMake something to compile with the headers that the tests share (tests/CMakeLists.txt).
