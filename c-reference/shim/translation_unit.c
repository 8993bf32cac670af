/*
 * The original, unmodified, and behind it what has to see its structure. The
 * build puts the file alone into a directory of its own: beside QEMU's other
 * files the compiler would take their headers instead of the shim's.
 */
#include <qemu-file.c>

#include "host.h"
#include "internal.h"

void reference_look(QEMUFile *file, struct view *view)
{
    view->buf = file->buf;
    view->writable = file->is_writable;
    view->index = file->buf_index;
    view->size = file->buf_size;
    view->pieces = file->iovcnt;
    view->error = file->last_error;
}

/* Gives a stream back without closing it; its channel hears nothing of it. */
void reference_discard(struct host *host, QEMUFile *file)
{
    error_free(file->last_error_obj);
    reference_keep(host, file);
}

const struct layout reference_layout = {
    .file = sizeof(struct QEMUFile),
    .buf = offsetof(struct QEMUFile, buf),
    .buf_len = sizeof(((struct QEMUFile *)0)->buf),
    .may_free = offsetof(struct QEMUFile, may_free),
    .iov = offsetof(struct QEMUFile, iov),
    .z_stream = sizeof(z_stream),
};

const char reference_sha256[] = REFERENCE_SHA256;
