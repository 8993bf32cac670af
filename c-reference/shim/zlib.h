/*
 * The part of zlib's interface that the original uses. The functions behind it
 * are the host's, so every reference compresses with one and the same zlib.
 */
#ifndef REFERENCE_ZLIB_H
#define REFERENCE_ZLIB_H

typedef struct z_stream_s {
    const unsigned char *next_in;
    unsigned int avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned int avail_out;
    unsigned long total_out;
    const char *msg;
    void *state;
    void *(*zalloc)(void *, unsigned int, unsigned int);
    void (*zfree)(void *, void *);
    void *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} z_stream;

/* src/ffi.rs asserts the same of the library's own structure. */
_Static_assert(sizeof(z_stream) == 14 * sizeof(void *), "z_stream differs from zlib's");

#define Z_OK 0
#define Z_STREAM_END 1
#define Z_FINISH 4

/* Names of zlib itself may be linked into the same program. */
#define deflate reference_deflate
#define deflateReset reference_deflate_reset
#define compressBound reference_compress_bound

int deflate(z_stream *stream, int flush);
int deflateReset(z_stream *stream);
unsigned long compressBound(unsigned long len);

#endif
