// The functions of libbrotlienc that compressed_files.cc calls, each bound on its first call
// (base/lazy_library.h).
#include <brotli/encode.h>

#include "base/lazy_library.h"

namespace {

pawl::LazyLibrary brotli_library("libbrotlienc.so.1", "libbrotli1");

}  // namespace

PAWL_LAZY_FUNCTION(brotli_library, BrotliEncoderState*, BrotliEncoderCreateInstance,
                   (brotli_alloc_func take, brotli_free_func give, void* opaque),
                   (take, give, opaque))
PAWL_LAZY_FUNCTION(brotli_library, void, BrotliEncoderDestroyInstance, (BrotliEncoderState * state),
                   (state))
PAWL_LAZY_FUNCTION(brotli_library, BROTLI_BOOL, BrotliEncoderSetParameter,
                   (BrotliEncoderState * state, BrotliEncoderParameter parameter, uint32_t value),
                   (state, parameter, value))
PAWL_LAZY_FUNCTION(brotli_library, BROTLI_BOOL, BrotliEncoderCompressStream,
                   (BrotliEncoderState * state, BrotliEncoderOperation operation, size_t* in_left,
                    const uint8_t** in, size_t* out_left, uint8_t** out, size_t* total_out),
                   (state, operation, in_left, in, out_left, out, total_out))
PAWL_LAZY_FUNCTION(brotli_library, const uint8_t*, BrotliEncoderTakeOutput,
                   (BrotliEncoderState * state, size_t* size), (state, size))
PAWL_LAZY_FUNCTION(brotli_library, BROTLI_BOOL, BrotliEncoderHasMoreOutput,
                   (BrotliEncoderState * state), (state))
PAWL_LAZY_FUNCTION(brotli_library, BROTLI_BOOL, BrotliEncoderIsFinished,
                   (BrotliEncoderState * state), (state))
