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

static inline struct host *host(void)
{
    return reference_frame->host;
}

_Noreturn void reference_leave(enum ending ending);
_Noreturn void reference_fault(enum fault fault);
ptrdiff_t reference_checked(ptrdiff_t answer);
void reference_run(struct host *host, struct call *call);
void reference_look(QEMUFile *file, struct view *view);

/* Memory: memory.c. */
void *reference_block(enum block_kind kind, size_t len);
void reference_unblock(void *memory);
size_t reference_block_len(const void *memory);
void reference_live(const void *memory);
void reference_abandon(void);
void reference_discard(struct host *host, QEMUFile *file);
void reference_keep(struct host *host, void *memory);
void reference_empty(struct host *host);
void reference_leaks(struct host *host, QEMUFile *const *streams, size_t count,
                     void (*tell)(void *context, const struct leak *leak), void *context);
uint32_t reference_settle(struct host *host, struct leak *place);

/* Coverage, where it is compiled in. */
void reference_blocks(void (*tell)(void *context, uint32_t block), void *context);

/* Errors. */
Error *reference_error(struct text text);
struct text reference_error_text(const Error *error);
void reference_fail(Error **place, struct text text);
void reference_drop_error(struct host *host, Error *error);

/* Channels. */
QIOChannel *reference_channel(size_t number);
size_t reference_number(const void *channel);
void reference_observe(enum channel_call channel_call);

extern const struct layout reference_layout;
extern const struct kinds reference_kinds;
extern const char reference_sha256[];

#endif
