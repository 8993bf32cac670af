/* Errors, objects, locks, counters and channels. */
#ifndef REFERENCE_QEMU_H
#define REFERENCE_QEMU_H

typedef struct Error Error;
typedef struct QEMUFile QEMUFile;
typedef struct Object { const char *type; } Object;
typedef struct ObjectClass ObjectClass;
typedef struct MigrationState MigrationState;
typedef struct RAMBlock RAMBlock;
typedef struct QIOChannel {
    Object parent;
    unsigned int features;
    char *name;
} QIOChannel;
typedef struct QIOChannel QIOChannelFile, QIOChannelSocket, QIOChannelTLS, QIOChannelBuffer,
    QIOChannelBlock, QIOChannelCommand, QIOChannelNull;
typedef uint64_t ram_addr_t;
#define RAM_ADDR_FMT "%" PRIx64

/* Errors. */
typedef enum { ERROR_CLASS_GENERIC_ERROR } ErrorClass;
extern Error *error_abort, *error_fatal, *error_warn;
void error_report(const char *format, ...) PRINTF(1, 2);
void warn_report(const char *format, ...) PRINTF(1, 2);
void info_report(const char *format, ...) PRINTF(1, 2);
void error_report_err(Error *error);
void warn_report_err(Error *error);
void error_reportf_err(Error *error, const char *format, ...) PRINTF(2, 3);
void warn_reportf_err(Error *error, const char *format, ...) PRINTF(2, 3);
void error_setg_errno(Error **place, int os_error, const char *format, ...) PRINTF(3, 4);
void error_prepend(Error **place, const char *format, ...) PRINTF(2, 3);
void error_append_hint(Error **place, const char *format, ...) PRINTF(2, 3);
void error_propagate(Error **place, Error *error);
#define error_propagate_prepend(place, error, ...) \
    do { Error *moved = (error); error_prepend(&moved, __VA_ARGS__); \
         error_propagate(place, moved); } while (0)
Error *error_copy(const Error *error);
void error_free(Error *error);
void error_free_or_abort(Error **place);
const char *error_get_pretty(const Error *error);
#define error_get_class(error) ((void)(error), ERROR_CLASS_GENERIC_ERROR)
#define error_setg(place, ...) error_setg_errno(place, 0, __VA_ARGS__)
#define error_set(place, class, ...) error_setg_errno(place, 0, __VA_ARGS__)
#define error_setg_file_open(place, os_error, name) \
    error_setg_errno(place, os_error, "Could not open '%s'", name)
#define error_report_once(...) error_report(__VA_ARGS__)
#define warn_report_once(...) warn_report(__VA_ARGS__)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

struct reference_propagator { Error *own; Error **place; };
static inline void reference_propagate(struct reference_propagator *propagator)
{
    error_propagate(propagator->place, propagator->own);
}
#define ERRP_GUARD()                                                           \
    __attribute__((cleanup(reference_propagate))) struct reference_propagator  \
        reference_propagator = { NULL, errp };                                 \
    if (!errp || errp == &error_fatal) {                                       \
        errp = &reference_propagator.own;                                      \
    }                                                                          \
    struct reference_propagator reference_unused __attribute__((unused))

/* Objects. */
#define OBJECT(object) ((Object *)(object))
#define TYPE_OBJECT "object"
#define TYPE_QIO_CHANNEL "qio-channel"
#define TYPE_QIO_CHANNEL_FILE "qio-channel-file"
#define TYPE_QIO_CHANNEL_SOCKET "qio-channel-socket"
#define TYPE_QIO_CHANNEL_TLS "qio-channel-tls"
#define TYPE_QIO_CHANNEL_BUFFER "qio-channel-buffer"
#define TYPE_QIO_CHANNEL_BLOCK "qio-channel-block"
#define QIO_CHANNEL(object) ((QIOChannel *)(object))
#define QIO_CHANNEL_FILE(object) ((QIOChannelFile *)(object))
#define QIO_CHANNEL_SOCKET(object) ((QIOChannelSocket *)(object))
#define QIO_CHANNEL_TLS(object) ((QIOChannelTLS *)(object))
#define QIO_CHANNEL_BUFFER(object) ((QIOChannelBuffer *)(object))
Object *object_ref(void *object);
void object_unref(void *object);
/* A host's channel is of no kind that a patch could name. */
#define object_dynamic_cast(object, type) ((void)(object), (void)(type), (Object *)NULL)
#define object_dynamic_cast_assert(object, type, ...) ((void)(type), OBJECT(object))
#define object_get_typename(object) ((void)(object), TYPE_QIO_CHANNEL)
#define object_class_dynamic_cast(class, type) ((void)(class), (void)(type), (ObjectClass *)NULL)
static inline void reference_unref_channel(QIOChannel *channel)
{
    object_unref(channel);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QIOChannel, reference_unref_channel)

/* Locks: one thread at a time is in a stream here. */
typedef struct QemuMutex { int held; } QemuMutex;
typedef struct QemuMutex QemuRecMutex, QemuSpin, CoMutex, QemuSemaphore, QemuCond, QemuEvent;
#define REFERENCE_LOCK(name)                                                   \
    static inline void name##_init(QemuMutex *mutex) { mutex->held = 0; }      \
    static inline void name##_destroy(QemuMutex *mutex) { (void)mutex; }       \
    static inline void name##_lock(QemuMutex *mutex) { mutex->held++; }        \
    static inline void name##_unlock(QemuMutex *mutex) { mutex->held--; }
REFERENCE_LOCK(qemu_mutex)
REFERENCE_LOCK(qemu_rec_mutex)
REFERENCE_LOCK(qemu_spin)
REFERENCE_LOCK(qemu_co_mutex)
static inline int qemu_mutex_trylock(QemuMutex *mutex)
{
    return mutex->held ? -EBUSY : (mutex->held = 1, 0);
}
static inline void reference_unlock(QemuMutex **place)
{
    if (*place) {
        qemu_mutex_unlock(*place);
        *place = NULL;
    }
}
static inline QemuMutex *reference_lock(QemuMutex *mutex)
{
    qemu_mutex_lock(mutex);
    return mutex;
}
#define REFERENCE_GUARDED(mutex, number)                                       \
    __attribute__((cleanup(reference_unlock), unused)) QemuMutex *             \
        REFERENCE_NAMED(reference_guard_, number) = reference_lock(mutex)
#define QEMU_LOCK_GUARD(mutex) REFERENCE_GUARDED(mutex, __COUNTER__)
#define REFERENCE_WITH(mutex, guard)                                           \
    for (__attribute__((cleanup(reference_unlock))) QemuMutex *guard =         \
             reference_lock(mutex); guard; reference_unlock(&guard))
#define WITH_QEMU_LOCK_GUARD(mutex) \
    REFERENCE_WITH(mutex, REFERENCE_NAMED(reference_guard_, __COUNTER__))
#define RCU_READ_LOCK_GUARD() ((void)0)
#define WITH_RCU_READ_LOCK_GUARD()
#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define bql_locked() true
#define bql_lock() ((void)0)
#define bql_unlock() ((void)0)
#define qemu_mutex_iothread_locked() true

/* Counters: one set per host, so that no case sees another's. Up to 10.2 a Stat64, from 11.0 a
 * uint64_t: here the same. */
typedef uint64_t Stat64;
struct reference_counters {
    Stat64 qemu_file_transferred;
};
struct reference_counters *reference_counters(void);
#define mig_stats (*reference_counters())
static inline void stat64_add(Stat64 *counter, uint64_t more) { *counter += more; }
static inline uint64_t stat64_get(const Stat64 *counter) { return *counter; }
static inline void stat64_init(Stat64 *counter, uint64_t value) { *counter = value; }
static inline void stat64_set(Stat64 *counter, uint64_t value) { *counter = value; }

/* Channels. */
#define QIO_CHANNEL_ERR_BLOCK (-2)
#define QIO_CHANNEL_WRITE_FLAG_ZERO_COPY 1
#define QIO_CHANNEL_READ_FLAG_MSG_PEEK 1
#define QIO_CHANNEL_READ_FLAG_RELAXED_EOF 2
#define QIO_CHANNEL_READ_FLAG_FD_PRESERVE_BLOCKING 4
typedef enum QIOChannelFeature {
    QIO_CHANNEL_FEATURE_FD_PASS,
    QIO_CHANNEL_FEATURE_SHUTDOWN,
    QIO_CHANNEL_FEATURE_LISTEN,
    QIO_CHANNEL_FEATURE_WRITE_ZERO_COPY,
    QIO_CHANNEL_FEATURE_READ_MSG_PEEK,
    QIO_CHANNEL_FEATURE_SEEKABLE,
    QIO_CHANNEL_FEATURE_CONCURRENT_IO,
} QIOChannelFeature;
typedef enum QIOChannelShutdown {
    QIO_CHANNEL_SHUTDOWN_READ = 1,
    QIO_CHANNEL_SHUTDOWN_WRITE,
    QIO_CHANNEL_SHUTDOWN_BOTH,
} QIOChannelShutdown;

bool qemu_in_coroutine(void);
ssize_t qio_channel_read(QIOChannel *, char *, size_t, Error **);
ssize_t qio_channel_readv(QIOChannel *, const struct iovec *, size_t, Error **);
ssize_t qio_channel_readv_full(QIOChannel *, const struct iovec *, size_t, int **, size_t *,
                               int, Error **);
ssize_t qio_channel_write(QIOChannel *, const char *, size_t, Error **);
ssize_t qio_channel_writev(QIOChannel *, const struct iovec *, size_t, Error **);
ssize_t qio_channel_writev_full(QIOChannel *, const struct iovec *, size_t, int *, size_t, int,
                                Error **);
int qio_channel_writev_all(QIOChannel *, const struct iovec *, size_t, Error **);
int qio_channel_write_all(QIOChannel *, const char *, size_t, Error **);
int qio_channel_writev_full_all(QIOChannel *, const struct iovec *, size_t, int *, size_t, int,
                                Error **);
ssize_t qio_channel_pread(QIOChannel *, void *, size_t, off_t, Error **);
ssize_t qio_channel_pwrite(QIOChannel *, const void *, size_t, off_t, Error **);
ssize_t qio_channel_preadv(QIOChannel *, const struct iovec *, size_t, off_t, Error **);
ssize_t qio_channel_pwritev(QIOChannel *, const struct iovec *, size_t, off_t, Error **);
int qio_channel_pread_all(QIOChannel *, void *, size_t, off_t, Error **);
int qio_channel_pwrite_all(QIOChannel *, const void *, size_t, off_t, Error **);
off_t qio_channel_io_seek(QIOChannel *, off_t, int, Error **);
void qio_channel_yield(QIOChannel *, int);
void qio_channel_wait(QIOChannel *, int);
void qio_channel_wait_cond(QIOChannel *, int);
int qio_channel_close(QIOChannel *, Error **);
int qio_channel_shutdown(QIOChannel *, int, Error **);
bool qio_channel_has_feature(QIOChannel *, int);
/* -1 for a failure up to 10.1, where no caller looks; from 10.2 on true for success. */
bool qio_channel_set_blocking(QIOChannel *, bool, Error **);
#define qio_channel_set_name(channel, text) ((void)(channel), (void)(text))
#define qio_channel_set_delay(channel, on) ((void)(channel), (void)(on))
#define qio_channel_set_cork(channel, on) ((void)(channel), (void)(on))
#define qio_channel_flush(channel, errp) ((void)(channel), (void)(errp), 0)

static inline size_t iov_size(const struct iovec *pieces, unsigned int count)
{
    size_t len = 0;

    for (unsigned int i = 0; i < count; i++) {
        len += pieces[i].iov_len;
    }
    return len;
}

size_t iov_to_buf(const struct iovec *, unsigned int, size_t, void *, size_t);
size_t iov_from_buf(const struct iovec *, unsigned int, size_t, const void *, size_t);
unsigned int iov_copy(struct iovec *, unsigned int, const struct iovec *, unsigned int, size_t,
                      size_t);
bool buffer_is_zero(const void *memory, size_t len);

/* Pages, time, and a call that a signal has broken off. */
#define TARGET_PAGE_BITS 12
#define TARGET_PAGE_SIZE (1 << TARGET_PAGE_BITS)
#define TARGET_PAGE_MASK (-TARGET_PAGE_SIZE)
#define qemu_target_page_size() ((size_t)TARGET_PAGE_SIZE)
#define qemu_target_page_bits() TARGET_PAGE_BITS
#define qemu_real_host_page_size() ((uintptr_t)sysconf(_SC_PAGESIZE))
#define qemu_get_thread_id() ((int)getpid())
typedef enum { QEMU_CLOCK_REALTIME, QEMU_CLOCK_VIRTUAL, QEMU_CLOCK_HOST } QEMUClockType;
static inline int64_t qemu_clock_get_ns(QEMUClockType clock)
{
    struct timespec now;

    clock_gettime(clock == QEMU_CLOCK_HOST ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
#define qemu_clock_get_us(clock) (qemu_clock_get_ns(clock) / 1000)
#define qemu_clock_get_ms(clock) (qemu_clock_get_ns(clock) / 1000000)
#define RETRY_ON_EINTR(call)                                                   \
    ({                                                                         \
        int64_t answered;                                                      \
        do {                                                                   \
            answered = (call);                                                 \
        } while (answered == -1 && errno == EINTR);                            \
        answered;                                                              \
    })
#define TFR(call) RETRY_ON_EINTR(call)
#define qemu_log(...) ((void)0)
#define qemu_log_mask(mask, ...) ((void)0)

/* Releasing memory is recorded, never done: a real one would zero the caller's. */
#define QEMU_MADV_DONTNEED 4
int qemu_madvise(void *start, size_t len, int advice);

/* Descriptors are sinks of the host; SINK_BASE keeps them apart from real ones. */
#define SINK_BASE 0x40000000
ssize_t reference_write(int descriptor, const void *bytes, size_t len);
int reference_close(int descriptor);

#endif
