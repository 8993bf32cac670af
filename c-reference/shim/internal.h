/* What the source files of the shim have in common. */
#ifndef REFERENCE_INTERNAL_H
#define REFERENCE_INTERNAL_H

#include <setjmp.h>

#include "host.h"

/* One entry into the original; entries nest when a callback makes one. */
struct frame {
    struct frame *outer;
    struct host *host;
    struct call *call;
    jmp_buf entry;
};

extern _Thread_local struct frame *reference_frame;

void reference_run(struct host *host, struct call *call);
void reference_look(QEMUFile *file, struct view *view);
void reference_discard(struct host *host, QEMUFile *file);
void reference_empty(struct host *host);
void *reference_allocated(void *memory);
void reference_keep(struct host *host, void *memory);
Error *reference_error(struct text text);
struct text reference_error_text(const Error *error);
extern const struct layout reference_layout;
extern const char reference_sha256[];

#endif
