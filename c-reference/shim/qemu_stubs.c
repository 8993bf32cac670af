/* The functions that the original calls, each after the contract of its own. */
#include "qemu/osdep.h"
#include "trace_events.h"
#include "host.h"
#include "internal.h"
#include "format.h"

/* qio_channel_writev_all copies the array; no version queues more than this. */
#define MOST_PIECES 1024

_Thread_local struct frame *reference_frame;

static struct host *host(void)
{
    return reference_frame->host;
}

/* Back to the entry, over frames of C alone. */
static _Noreturn void leave(enum ending ending)
{
    reference_frame->call->ending = ending;
    _longjmp(reference_frame->entry, 1);
}

static ptrdiff_t checked(ptrdiff_t answer)
{
    if (answer == HOST_LEAVE) {
        leave(LEFT);
    }
    return answer;
}

void reference_assertion(unsigned int line, const char *expression)
{
    reference_frame->call->line = line;
    reference_frame->call->expression = expression;
    leave(ASSERTED);
}

/* Memory. */

int qemu_madvise(void *start, size_t len, int advice)
{
    int error = 0;

    if (advice != QEMU_MADV_DONTNEED) {
        reference_assertion(0, "memory is released, and nothing else is advised");
    }
    if (checked(host()->release(host()->context, start, len, &error)) < 0) {
        errno = error;
        return -1;
    }
    return 0;
}

/* Errors. */

struct Error {
    char *text;
};

Error *reference_error(struct text text)
{
    Error *error = reference_allocated(malloc(sizeof(*error)));

    error->text = reference_allocated(malloc(text.len + 1));
    if (text.len) {
        memcpy(error->text, text.start, text.len);
    }
    error->text[text.len] = 0;
    return error;
}

struct text reference_error_text(const Error *error)
{
    return (struct text) { error->text, strlen(error->text) };
}

Error *error_copy(const Error *error)
{
    return reference_error(reference_error_text(error));
}

void error_free(Error *error)
{
    if (error) {
        free(error->text);
        free(error);
    }
}

/* The first error wins. */
void error_propagate(Error **place, Error *error)
{
    if (!error) {
        return;
    }
    if (place && !*place) {
        *place = error;
    } else {
        error_free(error);
    }
}

/* Fails in `place`, as a callee of the original's does. */
static void fail(Error **place, struct text text)
{
    if (place) {
        *place = reference_error(text);
    }
}

void error_setg_errno(Error **place, int os_error, const char *format, ...)
{
    int kept = errno;
    char room[256];
    struct string text = { 0 };
    va_list arguments;

    if (!place) {
        return;
    }
    if (*place) {
        reference_assertion(0, "an error is already set");
    }
    va_start(arguments, format);
    compose(&text, host(), format, arguments);
    va_end(arguments);
    if (os_error) {
        append(&text, ": ", 2);
        append_text(&text, strerror_r(os_error, room, sizeof(room)));
    }
    fail(place, (struct text) { text.start, text.len });
    free(text.start);
    errno = kept;
}

void error_report(const char *format, ...)
{
    struct string text = { 0 };
    ptrdiff_t answer;
    va_list arguments;

    va_start(arguments, format);
    compose(&text, host(), format, arguments);
    va_end(arguments);
    answer = host()->report(host()->context, text.start, text.len);
    free(text.start);
    checked(answer);
}

void error_report_err(Error *error)
{
    struct text text = reference_error_text(error);
    ptrdiff_t answer = host()->report(host()->context, text.start, text.len);

    error_free(error);
    checked(answer);
}

/* Counters. */

_Static_assert(sizeof(struct reference_counters) == sizeof(uint64_t),
               "the host keeps one counter");

struct reference_counters *reference_counters(void)
{
    return (struct reference_counters *)&host()->transferred;
}

/* Channels. A channel's address is its number plus one, so that none is NULL. */

static size_t number(const void *channel)
{
    return (uintptr_t)channel - 1;
}

bool qemu_in_coroutine(void)
{
    return checked(host()->in_coroutine(host()->context)) != 0;
}

static void wait_for(QIOChannel *channel, int condition, int yielded)
{
    if (condition != G_IO_IN && condition != G_IO_OUT) {
        reference_assertion(0, "a wait is for input or for output");
    }
    checked(host()->wait(host()->context, number(channel), condition == G_IO_OUT, yielded));
}

void qio_channel_yield(QIOChannel *channel, int condition)
{
    wait_for(channel, condition, 1);
}

void qio_channel_wait(QIOChannel *channel, int condition)
{
    wait_for(channel, condition, 0);
}

ssize_t qio_channel_read(QIOChannel *channel, char *into, size_t len, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer = checked(host()->read(host()->context, number(channel),
                                            (uint8_t *)into, len, &failure));

    if (answer == HOST_FAILED) {
        fail(error, failure);
    }
    return answer;
}

int qio_channel_writev_all(QIOChannel *channel, const struct iovec *pieces,
                           size_t count, Error **error)
{
    struct iovec left[MOST_PIECES];
    size_t first = 0, end = 0;

    if (count > MOST_PIECES) {
        leave(LEFT);
    }
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].iov_len > 0) {
            left[end++] = pieces[i];
        }
    }
    while (first < end) {
        struct text failure = { 0 };
        ptrdiff_t answer = checked(host()->write_pieces(host()->context, number(channel),
                                                        left + first, end - first,
                                                        &failure));
        size_t taken = answer;

        if (answer == HOST_WOULD_BLOCK) {
            wait_for(channel, G_IO_OUT, qemu_in_coroutine());
            continue;
        }
        if (answer < 0) {
            fail(error, failure);
            return -1;
        }
        while (first < end && taken >= left[first].iov_len) {
            taken -= left[first++].iov_len;
        }
        if (taken > 0) {
            left[first].iov_base = (uint8_t *)left[first].iov_base + taken;
            left[first].iov_len -= taken;
        }
    }
    return 0;
}

static int finished(ptrdiff_t answer, Error **error, struct text failure)
{
    if (checked(answer) == 0) {
        return 0;
    }
    fail(error, failure);
    return -1;
}

int qio_channel_close(QIOChannel *channel, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer = host()->close(host()->context, number(channel), &failure);

    return finished(answer, error, failure);
}

int qio_channel_shutdown(QIOChannel *channel, int how, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    if (how != QIO_CHANNEL_SHUTDOWN_BOTH) {
        reference_assertion(0, "both directions are shut down");
    }
    answer = host()->shutdown(host()->context, number(channel), &failure);
    return finished(answer, error, failure);
}

bool qio_channel_has_feature(QIOChannel *channel, int feature)
{
    return feature == QIO_CHANNEL_FEATURE_SHUTDOWN &&
           checked(host()->can_shutdown(host()->context, number(channel))) != 0;
}

int qio_channel_set_blocking(QIOChannel *channel, bool blocking, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer = host()->set_blocking(host()->context, number(channel),
                                            blocking, &failure);

    return finished(answer, error, failure);
}

void object_ref(void *object)
{
    if (object) {
        checked(host()->reference(host()->context, number(object)));
    }
}

void object_unref(void *object)
{
    if (object) {
        checked(host()->unreference(host()->context, number(object)));
    }
}

void trace_qemu_file_fclose(void)
{
    checked(host()->closed(host()->context));
}

/* Descriptors. */

ssize_t reference_write(int descriptor, const void *bytes, size_t len)
{
    int error = EBADF;
    ptrdiff_t answer;

    if (descriptor < SINK_BASE) {
        errno = EBADF;
        return -1;
    }
    answer = checked(host()->sink_write(host()->context, (size_t)descriptor - SINK_BASE,
                                        bytes, len, &error));
    if (answer < 0) {
        errno = error;
        return -1;
    }
    return answer;
}

/* zlib, the host's. */

int deflate(z_stream *stream, int flush)
{
    return host()->deflate(stream, flush);
}

int deflateReset(z_stream *stream)
{
    return host()->deflate_reset(stream);
}

uLong compressBound(uLong len)
{
    return host()->compress_bound(len);
}
