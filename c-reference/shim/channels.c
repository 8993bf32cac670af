/* Channels and descriptors: each call ends in one of the host's. */
#include "qemu/osdep.h"
#include "internal.h"

/* qio_channel_writev_all copies the array; no version queues more than this. */
#define MOST_PIECES 1024
#define MOST_CHANNELS 65536

/* Never written to: a channel is an address in here, and has no name. */
static QIOChannel channels[MOST_CHANNELS];

QIOChannel *reference_channel(size_t number)
{
    return number < MOST_CHANNELS ? &channels[number] : NULL;
}

size_t reference_number(const void *channel)
{
    return (size_t)((const QIOChannel *)channel - channels);
}

/* Where the error of the stream is set before its channel is shut down or after is seen here. */
void reference_observe(enum channel_call channel_call)
{
    const struct call *call = reference_frame->call;
    struct view view;

    if (call->file && call->file != call->freed) {
        reference_look(call->file, &view);
        reference_checked(host()->observed(host()->context, channel_call, view.error));
    }
}

bool qemu_in_coroutine(void)
{
    return reference_checked(host()->in_coroutine(host()->context)) != 0;
}

static void wait_for(QIOChannel *channel, int condition, int yielded)
{
    if (condition != G_IO_IN && condition != G_IO_OUT) {
        reference_assertion(0, "a wait is for input or for output");
    }
    reference_checked(host()->wait(host()->context, reference_number(channel),
                                   condition == G_IO_OUT, yielded));
}

void qio_channel_yield(QIOChannel *channel, int condition)
{
    wait_for(channel, condition, 1);
}

void qio_channel_wait(QIOChannel *channel, int condition)
{
    wait_for(channel, condition, 0);
}

void qio_channel_wait_cond(QIOChannel *channel, int condition)
{
    wait_for(channel, condition, qemu_in_coroutine());
}

ssize_t qio_channel_read(QIOChannel *channel, char *into, size_t len, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    reference_observe(CHANNEL_READ);
    answer = reference_checked(host()->read(host()->context, reference_number(channel),
                                            (uint8_t *)into, len, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    }
    return answer;
}

ssize_t qio_channel_readv(QIOChannel *channel, const struct iovec *pieces, size_t count,
                          Error **error)
{
    if (count != 1) {
        reference_assertion(0, "one piece is read at a time");
    }
    return qio_channel_read(channel, pieces->iov_base, pieces->iov_len, error);
}

ssize_t qio_channel_writev(QIOChannel *channel, const struct iovec *pieces, size_t count,
                           Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    if (count > MOST_PIECES) {
        reference_fault(TOO_MANY_PIECES);
    }
    reference_observe(CHANNEL_WRITE);
    answer = reference_checked(host()->write_pieces(host()->context, reference_number(channel),
                                                    pieces, count, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    }
    return answer;
}

ssize_t qio_channel_write(QIOChannel *channel, const char *bytes, size_t len, Error **error)
{
    struct iovec piece = { (void *)bytes, len };

    return qio_channel_writev(channel, &piece, 1, error);
}

int qio_channel_writev_all(QIOChannel *channel, const struct iovec *pieces,
                           size_t count, Error **error)
{
    struct iovec left[MOST_PIECES];
    size_t first = 0, end = 0;

    if (count > MOST_PIECES) {
        reference_fault(TOO_MANY_PIECES);
    }
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].iov_len > 0) {
            left[end++] = pieces[i];
        }
    }
    while (first < end) {
        ptrdiff_t answer = qio_channel_writev(channel, left + first, end - first, error);
        size_t taken = answer;

        if (answer == HOST_WOULD_BLOCK) {
            wait_for(channel, G_IO_OUT, qemu_in_coroutine());
            continue;
        }
        if (answer < 0) {
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

int qio_channel_write_all(QIOChannel *channel, const char *bytes, size_t len, Error **error)
{
    struct iovec piece = { (void *)bytes, len };

    return qio_channel_writev_all(channel, &piece, 1, error);
}

static int finished(ptrdiff_t answer, Error **error, struct text failure)
{
    if (reference_checked(answer) == 0) {
        return 0;
    }
    reference_fail(error, failure);
    return -1;
}

int qio_channel_close(QIOChannel *channel, Error **error)
{
    struct text failure = { 0 };

    reference_observe(CHANNEL_CLOSE);
    return finished(host()->close(host()->context, reference_number(channel), &failure),
                    error, failure);
}

int qio_channel_shutdown(QIOChannel *channel, int how, Error **error)
{
    struct text failure = { 0 };

    if (how != QIO_CHANNEL_SHUTDOWN_BOTH) {
        reference_assertion(0, "both directions are shut down");
    }
    reference_observe(CHANNEL_SHUTDOWN);
    return finished(host()->shutdown(host()->context, reference_number(channel), &failure),
                    error, failure);
}

bool qio_channel_has_feature(QIOChannel *channel, int feature)
{
    ptrdiff_t (*ask)(void *context, size_t channel);

    switch (feature) {
    case QIO_CHANNEL_FEATURE_SHUTDOWN:
        ask = host()->can_shutdown;
        break;
    case QIO_CHANNEL_FEATURE_SEEKABLE:
        ask = host()->can_seek;
        break;
    case QIO_CHANNEL_FEATURE_FD_PASS:
        ask = host()->can_pass;
        break;
    default:
        return false;
    }
    return reference_checked(ask(host()->context, reference_number(channel))) != 0;
}

bool qio_channel_set_blocking(QIOChannel *channel, bool blocking, Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer = host()->set_blocking(host()->context, reference_number(channel),
                                            blocking, &failure);

    return finished(answer, error, failure) == 0;
}

Object *object_ref(void *object)
{
    if (object) {
        reference_checked(host()->reference(host()->context, reference_number(object)));
    }
    return object;
}

void object_unref(void *object)
{
    if (object) {
        reference_checked(host()->unreference(host()->context, reference_number(object)));
    }
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
    answer = reference_checked(host()->sink_write(host()->context,
                                                  (size_t)descriptor - SINK_BASE,
                                                  bytes, len, &error));
    if (answer < 0) {
        errno = error;
        return -1;
    }
    return answer;
}

int reference_close(int descriptor)
{
    reference_checked(host()->close_fd(host()->context, descriptor));
    return 0;
}
