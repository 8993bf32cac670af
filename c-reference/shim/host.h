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

#define INTERFACE 4

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

/* Most descriptors that come with one read. */
#define MOST_DESCRIPTORS 16

/* The host's zlib, so that every reference compresses with one and the same. */
struct zlib {
    int (*deflate)(z_stream *, int);
    int (*deflate_reset)(z_stream *);
    int (*deflate_end)(z_stream *);
    int (*deflate_params)(z_stream *, int, int);
    int (*deflate_init)(z_stream *, int, const char *, int);
    int (*deflate_init2)(z_stream *, int, int, int, int, int, const char *, int);
    unsigned long (*deflate_bound)(z_stream *, unsigned long);
    unsigned long (*compress_bound)(unsigned long);
    int (*inflate)(z_stream *, int);
    int (*inflate_reset)(z_stream *);
    int (*inflate_end)(z_stream *);
    int (*inflate_init)(z_stream *, const char *, int);
    int (*inflate_init2)(z_stream *, int, const char *, int);
    unsigned long (*crc32)(unsigned long, const unsigned char *, unsigned int);
    unsigned long (*adler32)(unsigned long, const unsigned char *, unsigned int);
    const char *(*version)(void);
};

/* Calls of a channel before which `observed` is called. */
enum channel_call { CHANNEL_READ, CHANNEL_WRITE, CHANNEL_SHUTDOWN, CHANNEL_CLOSE };

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
    ptrdiff_t (*can_seek)(void *context, size_t channel);
    ptrdiff_t (*can_pass)(void *context, size_t channel);
    ptrdiff_t (*read_at)(void *context, size_t channel, uint8_t *into, size_t len,
                         int64_t offset, struct text *failure);
    ptrdiff_t (*write_at)(void *context, size_t channel, const uint8_t *bytes,
                          size_t len, int64_t offset, struct text *failure);
    /* The new place; HOST_FAILED where there is none. */
    int64_t (*seek)(void *context, size_t channel, int64_t offset, int whence,
                    struct text *failure);
    /* Up to MOST_DESCRIPTORS go into `descriptors`, their number into `count`. */
    ptrdiff_t (*read_fds)(void *context, size_t channel, uint8_t *into, size_t len,
                          int preserve_blocking, int *descriptors, size_t *count,
                          struct text *failure);
    ptrdiff_t (*write_fds)(void *context, size_t channel, const uint8_t *bytes,
                           size_t len, const int *descriptors, size_t count,
                           struct text *failure);
    ptrdiff_t (*close_fd)(void *context, int descriptor);
    /* What another thread would see of the stream's error, before a call of its channel. */
    ptrdiff_t (*observed)(void *context, uint32_t channel_call, int error);
    const struct zlib *zlib;
    uint64_t transferred;
    /* What is allocated, and what was. */
    struct heap *heap;
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
    IS_SEEKABLE,
    PUT_BUFFER_AT,
    GET_BUFFER_AT,
    SET_OFFSET,
    GET_OFFSET,
    PUT_FD,
    GET_FD,
    FUNCTIONS
};

/* How a call ended. */
enum ending { RETURNED, ASSERTED, LEFT, MISSING, FAULTED };

/* What C does wrong beside its results. */
enum fault {
    NO_FAULT,
    TOO_MANY_PIECES,
    DOUBLE_FREE,
    USE_AFTER_FREE,
    WRITE_AFTER_FREE,
    WRITE_BEHIND_BLOCK,
    FREE_OF_NOTHING,
    OVERLAPPING_COPY,
    NULL_ERROR,
    ERROR_ALREADY_SET,
    BAD_ARGUMENT
};

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
    /* Where an assertion or a fault is: the line is that of the file given. */
    uint32_t line;
    /* Which assertion of its function, counted from 0, of how many. */
    uint32_t ordinal;
    uint32_t of;
    uint32_t fault;
    const char *function_name;
    const char *expression;
};

/* What was allocated and not freed, by the place where it was allocated. */
enum block_kind { BLOCK_STREAM, BLOCK_ERROR, BLOCK_BUFFER };

struct leak {
    uint32_t kind;
    uint32_t line;
    const char *function;
    size_t len;
};

/* What can be seen of a stream between two calls. */
struct view {
    uint8_t *buf;
    int32_t writable;
    int32_t index;
    int32_t size;
    uint32_t pieces;
    int32_t error;
    size_t channel;
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

/* Of which type a function is that has had several. */
struct kinds {
    uint8_t fflush_returns;
    uint8_t set_blocking_returns;
    uint8_t get_fd_fills;
    uint8_t get_buffer_at_is_const;
    uint8_t get_buffer_at_errp;
};

/* A reference: the one symbol that a shared object of it exports. */
struct table {
    uint32_t interface;
    uint32_t functions;
    size_t host_len;
    size_t call_len;
    const char *sha256;
    const struct layout *layout;
    const struct kinds *kinds;
    int (*has)(uint32_t function);
    /* qemu_file_transferred_noflush (0), qemu_file_total_transferred_fast (1). */
    int (*has_beside)(int which);
    void (*run)(struct host *host, struct call *call);
    void (*look)(QEMUFile *file, struct view *view);
    void (*discard)(struct host *host, QEMUFile *file);
    void (*empty)(struct host *host);
    /* Tells of each block that none of the streams given leads to. */
    void (*leaks)(struct host *host, QEMUFile *const *streams, size_t count,
                  void (*tell)(void *context, const struct leak *leak), void *context);
    /* Frees all that is left of a trace; what was written to after it was freed, if anything. */
    uint32_t (*settle)(struct host *host, struct leak *place);
    /* Tells of each block passed through since the last time; NULL where nobody counts. */
    void (*blocks)(void (*tell)(void *context, uint32_t block), void *context);
};

#endif
