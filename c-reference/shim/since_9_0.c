/*
 * What versions from 9.0 on call beside the rest: transfers at an offset, seeks,
 * and from 10.0 on descriptors that come with bytes.
 */
#include "qemu/osdep.h"
#include "internal.h"

/* A channel that has no such feature fails without being called. */
static bool lacks(QIOChannel *channel, int feature, const char *text, Error **error)
{
    if (qio_channel_has_feature(channel, feature)) {
        return false;
    }
    error_setg_errno(error, EINVAL, "%s", text);
    return true;
}

static bool cannot_seek(QIOChannel *channel, Error **error)
{
    return lacks(channel, QIO_CHANNEL_FEATURE_SEEKABLE, "Requested channel is not seekable",
                 error);
}

static bool cannot_pass(QIOChannel *channel, Error **error)
{
    return lacks(channel, QIO_CHANNEL_FEATURE_FD_PASS,
                 "Channel does not support file descriptor passing", error);
}

ssize_t qio_channel_pread(QIOChannel *channel, void *into, size_t len, off_t offset,
                          Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    if (cannot_seek(channel, error)) {
        return -1;
    }
    reference_observe(CHANNEL_READ);
    answer = reference_checked(host()->read_at(host()->context, reference_number(channel),
                                               into, len, offset, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    }
    return answer;
}

ssize_t qio_channel_pwrite(QIOChannel *channel, const void *bytes, size_t len, off_t offset,
                           Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    if (cannot_seek(channel, error)) {
        return -1;
    }
    reference_observe(CHANNEL_WRITE);
    answer = reference_checked(host()->write_at(host()->context, reference_number(channel),
                                                bytes, len, offset, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    }
    return answer;
}

ssize_t qio_channel_preadv(QIOChannel *channel, const struct iovec *pieces, size_t count,
                           off_t offset, Error **error)
{
    if (count != 1) {
        reference_assertion(0, "one piece is read at an offset");
    }
    return qio_channel_pread(channel, pieces->iov_base, pieces->iov_len, offset, error);
}

ssize_t qio_channel_pwritev(QIOChannel *channel, const struct iovec *pieces, size_t count,
                            off_t offset, Error **error)
{
    if (count != 1) {
        reference_assertion(0, "one piece is written at an offset");
    }
    return qio_channel_pwrite(channel, pieces->iov_base, pieces->iov_len, offset, error);
}

int qio_channel_pread_all(QIOChannel *channel, void *into, size_t len, off_t offset,
                          Error **error)
{
    while (len > 0) {
        ssize_t answer = qio_channel_pread(channel, into, len, offset, error);

        if (answer == QIO_CHANNEL_ERR_BLOCK) {
            qio_channel_wait_cond(channel, G_IO_IN);
            continue;
        }
        if (answer < 0) {
            return -1;
        }
        if (answer == 0) {
            error_setg(error, "Unexpected end-of-file before all data were read");
            return -1;
        }
        into = (uint8_t *)into + answer;
        len -= (size_t)answer;
        offset += answer;
    }
    return 0;
}

int qio_channel_pwrite_all(QIOChannel *channel, const void *bytes, size_t len, off_t offset,
                           Error **error)
{
    while (len > 0) {
        ssize_t answer = qio_channel_pwrite(channel, bytes, len, offset, error);

        if (answer == QIO_CHANNEL_ERR_BLOCK) {
            qio_channel_wait_cond(channel, G_IO_OUT);
            continue;
        }
        if (answer < 0) {
            return -1;
        }
        if (answer == 0) {
            reference_assertion(0, "a write of nothing is repeated for ever");
        }
        bytes = (const uint8_t *)bytes + answer;
        len -= (size_t)answer;
        offset += answer;
    }
    return 0;
}

off_t qio_channel_io_seek(QIOChannel *channel, off_t offset, int whence, Error **error)
{
    struct text failure = { 0 };
    int64_t place = host()->seek(host()->context, reference_number(channel), offset, whence,
                                 &failure);

    if (place == INT64_MIN) {
        reference_leave(LEFT);
    }
    if (place < 0) {
        reference_fail(error, failure);
        return -1;
    }
    return place;
}

ssize_t qio_channel_readv_full(QIOChannel *channel, const struct iovec *pieces, size_t count,
                               int **descriptors, size_t *descriptor_count, int flags,
                               Error **error)
{
    int received[MOST_DESCRIPTORS];
    struct text failure = { 0 };
    size_t came = 0;
    ptrdiff_t answer;

    if (count != 1 || (flags & ~QIO_CHANNEL_READ_FLAG_FD_PRESERVE_BLOCKING)) {
        reference_assertion(0, "one piece is read, without peeking");
    }
    if (!descriptors && !descriptor_count) {
        return qio_channel_read(channel, pieces->iov_base, pieces->iov_len, error);
    }
    if (cannot_pass(channel, error)) {
        return -1;
    }
    *descriptors = NULL;
    *descriptor_count = 0;
    reference_observe(CHANNEL_READ);
    answer = reference_checked(host()->read_fds(host()->context, reference_number(channel),
                                                pieces->iov_base, pieces->iov_len, flags != 0,
                                                received, &came, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    } else if (answer >= 0 && came > 0) {
        *descriptors = reference_memdup(received, came * sizeof(*received));
        *descriptor_count = came;
    }
    return answer;
}

ssize_t qio_channel_writev_full(QIOChannel *channel, const struct iovec *pieces, size_t count,
                                int *descriptors, size_t descriptor_count, int flags,
                                Error **error)
{
    struct text failure = { 0 };
    ptrdiff_t answer;

    if (flags & ~QIO_CHANNEL_WRITE_FLAG_ZERO_COPY) {
        reference_assertion(0, "a write has no flag but that of no copy");
    }
    if (!descriptors && !descriptor_count) {
        return qio_channel_writev(channel, pieces, count, error);
    }
    if (count != 1) {
        reference_assertion(0, "descriptors come with one piece");
    }
    if (cannot_pass(channel, error)) {
        return -1;
    }
    reference_observe(CHANNEL_WRITE);
    answer = reference_checked(host()->write_fds(host()->context, reference_number(channel),
                                                 pieces->iov_base, pieces->iov_len,
                                                 descriptors, descriptor_count, &failure));
    if (answer == HOST_FAILED) {
        reference_fail(error, failure);
    }
    return answer;
}

int qio_channel_writev_full_all(QIOChannel *channel, const struct iovec *pieces, size_t count,
                                int *descriptors, size_t descriptor_count, int flags,
                                Error **error)
{
    if (descriptors || descriptor_count) {
        reference_assertion(0, "descriptors are sent by one call of qio_channel_writev_full");
    }
    (void)flags;
    return qio_channel_writev_all(channel, pieces, count, error);
}
