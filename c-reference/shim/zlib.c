/* zlib, the host's. */
#include "qemu/osdep.h"
#include "internal.h"

#define zlib (host()->zlib)

int deflate(z_streamp stream, int flush) { return zlib->deflate(stream, flush); }
int deflateReset(z_streamp stream) { return zlib->deflate_reset(stream); }
int deflateEnd(z_streamp stream) { return zlib->deflate_end(stream); }

int deflateParams(z_streamp stream, int level, int strategy)
{
    return zlib->deflate_params(stream, level, strategy);
}

int deflateInit_(z_streamp stream, int level, const char *version, int len)
{
    return zlib->deflate_init(stream, level, version, len);
}

int deflateInit2_(z_streamp stream, int level, int method, int bits, int memory, int strategy,
                  const char *version, int len)
{
    return zlib->deflate_init2(stream, level, method, bits, memory, strategy, version, len);
}

uLong deflateBound(z_streamp stream, uLong len) { return zlib->deflate_bound(stream, len); }
uLong compressBound(uLong len) { return zlib->compress_bound(len); }
int inflate(z_streamp stream, int flush) { return zlib->inflate(stream, flush); }
int inflateReset(z_streamp stream) { return zlib->inflate_reset(stream); }
int inflateEnd(z_streamp stream) { return zlib->inflate_end(stream); }

int inflateInit_(z_streamp stream, const char *version, int len)
{
    return zlib->inflate_init(stream, version, len);
}

int inflateInit2_(z_streamp stream, int bits, const char *version, int len)
{
    return zlib->inflate_init2(stream, bits, version, len);
}

uLong crc32(uLong sum, const Bytef *bytes, uInt len) { return zlib->crc32(sum, bytes, len); }
uLong adler32(uLong sum, const Bytef *bytes, uInt len) { return zlib->adler32(sum, bytes, len); }
const char *zlibVersion(void) { return zlib->version(); }
