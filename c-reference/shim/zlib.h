/*
 * zlib's own header, with the functions behind it renamed: those of the host
 * stand there, so every reference compresses with one and the same zlib, and
 * names of zlib itself may be linked into the same program.
 */
#ifndef REFERENCE_ZLIB_H
#define REFERENCE_ZLIB_H

#define adler32 reference_adler32
#define compressBound reference_compress_bound
#define crc32 reference_crc32
#define deflate reference_deflate
#define deflateBound reference_deflate_bound
#define deflateEnd reference_deflate_end
#define deflateInit2_ reference_deflate_init2
#define deflateInit_ reference_deflate_init
#define deflateParams reference_deflate_params
#define deflateReset reference_deflate_reset
#define inflate reference_inflate
#define inflateEnd reference_inflate_end
#define inflateInit2_ reference_inflate_init2
#define inflateInit_ reference_inflate_init
#define inflateReset reference_inflate_reset
#define zError reference_z_error
#define zlibVersion reference_zlib_version

#include_next <zlib.h>

/* src/ffi.rs asserts the same of the library's own structure. */
_Static_assert(sizeof(z_stream) == 14 * sizeof(void *), "z_stream differs from zlib's");

#endif
