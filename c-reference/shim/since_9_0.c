/*
 * What versions from 9.0 on call beside the rest. No channel of a host can seek,
 * so each of these fails as it does for a socket.
 */
#include "qemu/osdep.h"

ssize_t qio_channel_pread(QIOChannel *channel, void *into, size_t len, off_t offset,
                          Error **error)
{
    (void)channel, (void)into, (void)len, (void)offset;
    error_setg(error, "this channel cannot seek: no read at an offset");
    return -1;
}

ssize_t qio_channel_pwrite(QIOChannel *channel, void *bytes, size_t len, off_t offset,
                           Error **error)
{
    (void)channel, (void)bytes, (void)len, (void)offset;
    error_setg(error, "this channel cannot seek: no write at an offset");
    return -1;
}

off_t qio_channel_io_seek(QIOChannel *channel, off_t offset, int whence, Error **error)
{
    (void)channel, (void)offset, (void)whence;
    error_setg(error, "this channel cannot seek");
    return -1;
}
