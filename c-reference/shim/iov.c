/* Vectors of bytes, and bytes that are zero. */
#include "qemu/osdep.h"

/* Copies between `bytes` and the vector from `offset` on; bytes copied. */
static size_t copy(const struct iovec *pieces, unsigned int count, size_t offset, uint8_t *bytes,
                   size_t len, bool into_pieces)
{
    size_t done = 0;

    for (unsigned int i = 0; i < count && done < len; i++) {
        uint8_t *place = (uint8_t *)pieces[i].iov_base + offset;
        size_t part;

        if (offset >= pieces[i].iov_len) {
            offset -= pieces[i].iov_len;
            continue;
        }
        part = MIN(pieces[i].iov_len - offset, len - done);
        if (into_pieces) {
            memcpy(place, bytes + done, part);
        } else {
            memcpy(bytes + done, place, part);
        }
        done += part;
        offset = 0;
    }
    return done;
}

size_t iov_to_buf(const struct iovec *pieces, unsigned int count, size_t offset, void *into,
                  size_t len)
{
    return copy(pieces, count, offset, into, len, false);
}

size_t iov_from_buf(const struct iovec *pieces, unsigned int count, size_t offset,
                    const void *bytes, size_t len)
{
    return copy(pieces, count, offset, (uint8_t *)bytes, len, true);
}

unsigned int iov_copy(struct iovec *into, unsigned int room, const struct iovec *pieces,
                      unsigned int count, size_t offset, size_t len)
{
    unsigned int made = 0;

    for (unsigned int i = 0; i < count && made < room && len > 0; i++) {
        size_t part;

        if (offset >= pieces[i].iov_len) {
            offset -= pieces[i].iov_len;
            continue;
        }
        part = MIN(pieces[i].iov_len - offset, len);
        into[made++] = (struct iovec) { (uint8_t *)pieces[i].iov_base + offset, part };
        len -= part;
        offset = 0;
    }
    return made;
}

bool buffer_is_zero(const void *memory, size_t len)
{
    const uint8_t *bytes = memory;

    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}
