// The compiled part of Asio and Beast, once. Every other file includes them through asio.h, which
// asks for declarations only; that halves what they cost to compile.
#include "net/asio.h"

#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
