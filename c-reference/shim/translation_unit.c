/*
 * The original, unmodified, and behind it what has to see its structure. The
 * build puts the file alone into a directory of its own: beside QEMU's other
 * files the compiler would take their headers instead of the shim's.
 */
#include "qemu/osdep.h"
#include "qemu-file.h"
#include "reference_include.h"
#include "in_file.h"
#include <qemu-file.c>
#include "out_of_file.h"

#include "internal.h"

void reference_look(QEMUFile *file, struct view *view)
{
    view->buf = file->buf;
    view->writable = file->is_writable;
    view->index = file->buf_index;
    view->size = file->buf_size;
    view->pieces = file->iovcnt;
    view->error = file->last_error;
    view->channel = reference_number(file->ioc);
}

/* Gives a stream back without closing it; its channel hears nothing of it. */
void reference_discard(struct host *host, QEMUFile *file)
{
    reference_drop_error(host, file->last_error_obj);
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

/* Types of the functions that have had several; the file alone knows which. */
#define IS(function, type) __builtin_types_compatible_p(__typeof__(function), type)
typedef int returns_int(QEMUFile *);
typedef bool returns_bool(QEMUFile *, bool, Error **);
typedef int fills(QEMUFile *, int *);
typedef size_t takes_const(QEMUFile *, const uint8_t *, size_t, off_t);
typedef size_t takes_errp(QEMUFile *, uint8_t *, size_t, off_t, Error **);

const struct kinds reference_kinds = {
    .fflush_returns = IS(qemu_fflush, returns_int),
    .set_blocking_returns = IS(qemu_file_set_blocking, returns_bool),
    .get_fd_fills = IS(qemu_file_get_fd, fills),
    .get_buffer_at_is_const = IS(qemu_get_buffer_at, takes_const),
    .get_buffer_at_errp = IS(qemu_get_buffer_at, takes_errp),
};

/* A file without an assertion has a table of them too. */
static const struct reference_site no_site = { "", "", 0, 0 };
REFERENCE_SITES static const struct reference_site *const end_of_sites = &no_site;

const char reference_sha256[] = REFERENCE_SHA256;
