// The only way to Asio: it sets what must be set before its headers are seen. Few files may include
// this one, since each costs seconds to compile.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_BEAST_SEPARATE_COMPILATION
#define BOOST_ASIO_DISABLE_VISIBILITY

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pawl {
namespace asio = boost::asio;
using boost::system::error_code;
}  // namespace pawl
