/*
 * What the shim and the Rust side say to each other. src/ffi.rs mirrors every
 * structure here; INTERFACE is raised whenever one of them changes.
 */
#ifndef REFERENCE_HOST_H
#define REFERENCE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <zlib.h>

#define INTERFACE 3

/* Most streams that are kept for the next ones. */
#define SPARE 32

typedef struct QEMUFile QEMUFile;

/* Text that the other side owns; it is copied before the next callback. */
struct text {
    const char *start;
    size_t len;
};

/* What a callback answers when it has no count to give. */
#define HOST_FAILED ((ptrdiff_t)-1)
#define HOST_WOULD_BLOCK ((ptrdiff_t)-2)
/* The call is over: the shim goes back to its entry at once. */
#define HOST_LEAVE PTRDIFF_MIN

/* The world outside the original. `context` goes to every callback. */
struct host {
    void *context;
    ptrdiff_t (*read)(void *context, size_t channel, uint8_t *into, size_t len,
                      struct text *failure);
    ptrdiff_t (*write_pieces)(void *context, size_t channel,
                              const struct iovec *pieces,
                              size_t count, struct text *failure);
    ptrdiff_t (*wait)(void *context, size_t channel, int output, int yielded);
    ptrdiff_t (*in_coroutine)(void *context);
    ptrdiff_t (*can_shutdown)(void *context, size_t channel);
    ptrdiff_t (*shutdown)(void *context, size_t channel, struct text *failure);
    ptrdiff_t (*close)(void *context, size_t channel, struct text *failure);
    ptrdiff_t (*set_blocking)(void *context, size_t channel, int blocking,
                              struct text *failure);
    ptrdiff_t (*reference)(void *context, size_t channel);
    ptrdiff_t (*unreference)(void *context, size_t channel);
    ptrdiff_t (*release)(void *context, void *start, size_t len, int *error);
    ptrdiff_t (*report)(void *context, const char *text, size_t len);
    ptrdiff_t (*answer)(void *context, const char *text, size_t len);
    ptrdiff_t (*describe)(void *context, const void *address, char *into, size_t room);
    ptrdiff_t (*sink_write)(void *context, size_t sink, const uint8_t *bytes,
                            size_t len, int *error);
    ptrdiff_t (*closed)(void *context);
    int (*deflate)(z_stream *stream, int flush);
    int (*deflate_reset)(z_stream *stream);
    unsigned long (*compress_bound)(unsigned long len);
    uint64_t transferred;
    /* Memory of streams that are gone, to be handed out again. */
    void *spare[SPARE];
};

/* The functions of the original, in the order in which its file has them. */
enum function {
    SHUTDOWN,
    GET_RETURN_PATH,
    NEW_OUTPUT,
    NEW_INPUT,
    GET_ERROR_OBJ,
    GET_ERROR_OBJ_ANY,
    SET_ERROR_OBJ,
    GET_ERROR,
    SET_ERROR,
    FFLUSH,
    FCLOSE,
    PUT_BUFFER_ASYNC,
    PUT_BUFFER,
    PUT_BYTE,
    SKIP,
    PEEK_BUFFER,
    GET_BUFFER,
    GET_BUFFER_IN_PLACE,
    PEEK_BYTE,
    GET_BYTE,
    TRANSFERRED,
    PUT_BE16,
    PUT_BE32,
    PUT_BE64,
    GET_BE16,
    GET_BE32,
    GET_BE64,
    PUT_COMPRESSION_DATA,
    PUT_QEMU_FILE,
    BUFFER_EMPTY,
    GET_COUNTED_STRING,
    PUT_COUNTED_STRING,
    SET_BLOCKING,
    GET_IOC,
    GET_TO_FD,
    FUNCTIONS
};

/* How a call ended. */
enum ending { RETURNED, ASSERTED, LEFT, MISSING };

/* One call of one function: arguments, then what came of it. */
struct call {
    uint32_t function;
    uint32_t ending;
    QEMUFile *file;
    QEMUFile *other;
    z_stream *stream;
    size_t channel;
    void *bytes;
    size_t len;
    size_t offset;
    int64_t value;
    struct text text;
    /* The result: a number, an address or a stream. */
    uint64_t number;
    void *address;
    QEMUFile *made;
    QEMUFile *freed;
    uint32_t line;
    const char *expression;
};

/* What can be seen of a stream between two calls. */
struct view {
    uint8_t *buf;
    int32_t writable;
    int32_t index;
    int32_t size;
    uint32_t pieces;
    int32_t error;
};

/* Where the compiler has put the parts of a stream. */
struct layout {
    size_t file;
    size_t buf;
    size_t buf_len;
    size_t may_free;
    size_t iov;
    size_t z_stream;
};

/* A reference: the one symbol that a shared object of it exports. */
struct table {
    uint32_t interface;
    uint32_t functions;
    size_t host_len;
    size_t call_len;
    const char *sha256;
    const struct layout *layout;
    int (*has)(uint32_t function);
    void (*run)(struct host *host, struct call *call);
    void (*look)(QEMUFile *file, struct view *view);
    void (*discard)(struct host *host, QEMUFile *file);
    void (*empty)(struct host *host);
};

#endif
