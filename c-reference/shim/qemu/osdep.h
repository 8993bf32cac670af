/*
 * All that the original takes from the rest of QEMU, glib and libc. The other
 * headers that it names exist, and are all but empty.
 */
#ifndef REFERENCE_OSDEP_H
#define REFERENCE_OSDEP_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct Error Error;
typedef struct QEMUFile QEMUFile;
typedef struct QIOChannel QIOChannel;

/* Numbers. */

#define MIN(a, b)                                                              \
    ({                                                                         \
        __typeof__(1 ? (a) : (b)) min_first = (a);                             \
        __typeof__(1 ? (a) : (b)) min_second = (b);                            \
        min_first < min_second ? min_first : min_second;                       \
    })
#define MAX(a, b)                                                              \
    ({                                                                         \
        __typeof__(1 ? (a) : (b)) max_first = (a);                             \
        __typeof__(1 ? (a) : (b)) max_second = (b);                            \
        max_first > max_second ? max_first : max_second;                       \
    })
/* Fit for the length of an array; not constant is not compilable. */
#define MIN_CONST(a, b)                                                        \
    __builtin_choose_expr(__builtin_constant_p(a) && __builtin_constant_p(b),  \
                          (a) < (b) ? (a) : (b), (void)0)

/* Bitmaps. */

#define BITS_PER_LONG (CHAR_BIT * sizeof(unsigned long))
#define BITS_TO_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

static inline void set_bit(long bit, unsigned long *map)
{
    map[bit / BITS_PER_LONG] |= 1UL << (bit % BITS_PER_LONG);
}

static inline void clear_bit(long bit, unsigned long *map)
{
    map[bit / BITS_PER_LONG] &= ~(1UL << (bit % BITS_PER_LONG));
}

static inline int test_bit(long bit, const unsigned long *map)
{
    return 1UL & (map[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG));
}

static inline unsigned long find_next_bit(const unsigned long *map,
                                          unsigned long size, unsigned long from)
{
    for (unsigned long bit = from; bit < size; bit++) {
        if (test_bit((long)bit, map)) {
            return bit;
        }
    }
    return size;
}

/* Assertions: back to the shim's entry, with the line. */

_Noreturn void reference_assertion(unsigned int line, const char *expression);

#undef assert
#define assert(condition)                                                      \
    ((condition) ? (void)0 : reference_assertion(__LINE__, #condition))
#define g_assert(condition) assert(condition)

/* Memory. */

void *reference_allocate(size_t size);
void reference_free(void *memory);

#define g_new0(type, count) ((type *)reference_allocate(sizeof(type) * (count)))
#define g_free(memory) reference_free(memory)
#define g_clear_pointer(place, destroy)                                        \
    do {                                                                       \
        __typeof__(*(place)) cleared = *(place);                               \
        *(place) = NULL;                                                       \
        if (cleared) {                                                         \
            (destroy)(cleared);                                                \
        }                                                                      \
    } while (0)

/* Releasing memory is recorded, never done: a real one would zero the caller's. */

#define QEMU_MADV_DONTNEED 4
int qemu_madvise(void *start, size_t len, int advice);

/* Errors and reports. */

#define PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
void error_report(const char *format, ...) PRINTF(1, 2);
void error_report_err(Error *error);
void error_setg_errno(Error **place, int os_error, const char *format, ...) PRINTF(3, 4);
#define error_setg(place, ...) error_setg_errno(place, 0, __VA_ARGS__)
void error_propagate(Error **place, Error *error);
Error *error_copy(const Error *error);
void error_free(Error *error);

/* Counters: one set per host, so that no case sees another's. */

typedef struct {
    uint64_t value;
} Stat64;

struct reference_counters {
    Stat64 qemu_file_transferred;
};
struct reference_counters *reference_counters(void);

#define mig_stats (*reference_counters())

static inline void stat64_add(Stat64 *counter, uint64_t more)
{
    counter->value += more;
}

static inline uint64_t stat64_get(const Stat64 *counter)
{
    return counter->value;
}

/* Channels. */

#define coroutine_fn
#define coroutine_mixed_fn

#define G_IO_IN 1
#define G_IO_OUT 4
#define QIO_CHANNEL_ERR_BLOCK (-2)
#define QIO_CHANNEL_FEATURE_SHUTDOWN 1
#define QIO_CHANNEL_FEATURE_SEEKABLE 5
#define QIO_CHANNEL_SHUTDOWN_BOTH 3

bool qemu_in_coroutine(void);
ssize_t qio_channel_read(QIOChannel *channel, char *into, size_t len, Error **error);
int qio_channel_writev_all(QIOChannel *channel, const struct iovec *pieces,
                           size_t count, Error **error);
void qio_channel_yield(QIOChannel *channel, int condition);
void qio_channel_wait(QIOChannel *channel, int condition);
int qio_channel_close(QIOChannel *channel, Error **error);
int qio_channel_shutdown(QIOChannel *channel, int how, Error **error);
bool qio_channel_has_feature(QIOChannel *channel, int feature);
int qio_channel_set_blocking(QIOChannel *channel, bool blocking, Error **error);
/* Versions from 9.0 on: what a channel that cannot seek answers. */
ssize_t qio_channel_pread(QIOChannel *channel, void *into, size_t len, off_t offset,
                          Error **error);
ssize_t qio_channel_pwrite(QIOChannel *channel, void *bytes, size_t len, off_t offset,
                           Error **error);
off_t qio_channel_io_seek(QIOChannel *channel, off_t offset, int whence, Error **error);
void object_ref(void *object);
void object_unref(void *object);

static inline size_t iov_size(const struct iovec *pieces, unsigned int count)
{
    size_t len = 0;

    for (unsigned int i = 0; i < count; i++) {
        len += pieces[i].iov_len;
    }
    return len;
}

/* Descriptors are sinks of the host; SINK_BASE keeps them apart from real ones. */

#define SINK_BASE 0x40000000
ssize_t reference_write(int descriptor, const void *bytes, size_t len);
#define write(descriptor, bytes, len) reference_write(descriptor, bytes, len)

#endif
