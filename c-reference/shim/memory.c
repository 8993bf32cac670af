/*
 * Memory of a reference: who allocated it and where, what is still in use, and
 * what was freed. Freed memory is filled and kept back until the trace is over,
 * so that a second free, a use and a write are seen.
 */
#include "qemu/osdep.h"
#include "internal.h"

#define FILLED 0xde
#define GUARD UINT64_C(0xa5c35a3ca5c35a3c)
/* Most streams that are kept for the next ones. */
#define SPARE 32

struct block {
    struct block *next;
    struct block **previous;
    /* The address, turned over lest LeakSanitizer take it for a use; as it is, once it is free. */
    uintptr_t hidden;
    void *kept;
    const char *function;
    const struct call *call;
    size_t len;
    uint32_t line;
    uint32_t kind;
    /* Its call was broken off, or a search has found it in use. */
    uint32_t abandoned;
};

struct heap {
    struct block *live;
    struct block *dead;
    struct block *spare[SPARE];
};

/* AddressSanitizer sees a use of what is kept as one of what is free. */
#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(const volatile void *start, size_t len);
void __asan_unpoison_memory_region(const volatile void *start, size_t len);
#define close_off(memory, len) __asan_poison_memory_region(memory, len)
#define open_up(memory, len) __asan_unpoison_memory_region(memory, len)
#else
#define close_off(memory, len) ((void)(memory), (void)(len))
#define open_up(memory, len) ((void)(memory), (void)(len))
#endif

static void *checked(void *memory)
{
    if (!memory) {
        fputs("c-reference: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static struct heap *heap(struct host *host)
{
    if (!host->heap) {
        host->heap = checked(calloc(1, sizeof(*host->heap)));
    }
    return host->heap;
}

static void insert(struct block **list, struct block *block)
{
    block->next = *list;
    block->previous = list;
    if (*list) {
        (*list)->previous = &block->next;
    }
    *list = block;
}

static void unlink_block(struct block *block)
{
    *block->previous = block->next;
    if (block->next) {
        block->next->previous = block->previous;
    }
}

static void *memory_of(const struct block *block)
{
    return (void *)~block->hidden;
}

/* AddressSanitizer has guards of its own. */
#ifdef __SANITIZE_ADDRESS__
#define GUARDED 0
#else
#define GUARDED sizeof(uint64_t)
#endif

static bool guard_is_whole(const struct block *block)
{
    uint64_t guard = GUARD;

    return memcmp((char *)memory_of(block) + block->len, &guard, GUARDED) == 0;
}

static struct block *fresh(struct host *host, size_t len)
{
    struct heap *of = heap(host);
    struct block *block;

    for (size_t i = 0; len == reference_layout.file && i < SPARE; i++) {
        block = of->spare[i];
        if (block) {
            of->spare[i] = NULL;
            open_up(memory_of(block), len);
            memset(memory_of(block), 0, len);
            return block;
        }
    }
    block = checked(malloc(sizeof(*block)));
    block->hidden = ~(uintptr_t)checked(calloc(1, len + GUARDED));
    block->len = len;
    return block;
}

void *reference_block(enum block_kind kind, size_t len)
{
    struct block *block = fresh(host(), len);
    uint64_t guard = GUARD;

    block->kept = NULL;
    block->function = reference_frame->call->function_name;
    block->line = reference_frame->call->line;
    block->kind = kind;
    block->abandoned = 0;
    block->call = reference_frame->call;
    memcpy((char *)memory_of(block) + len, &guard, GUARDED);
    insert(&heap(host())->live, block);
    return memory_of(block);
}

/* The block of an address, which may be anybody's: it is looked for, not looked at. */
static struct block *found(struct block *list, const void *memory)
{
    while (list && list->hidden != ~(uintptr_t)memory) {
        list = list->next;
    }
    return list;
}

/* The length of memory in use. */
size_t reference_block_len(const void *memory)
{
    struct block *block = found(heap(host())->live, memory);

    if (!block) {
        reference_fault(found(heap(host())->dead, memory) ? USE_AFTER_FREE : FREE_OF_NOTHING);
    }
    return block->len;
}

/* Demands that memory is in use. */
void reference_live(const void *memory)
{
    if (found(heap(host())->dead, memory)) {
        reference_fault(USE_AFTER_FREE);
    }
}

static void bury(struct host *host, struct block *block)
{
    unlink_block(block);
    block->kept = memory_of(block);
    memset(block->kept, FILLED, block->len);
    close_off(block->kept, block->len);
    insert(&heap(host)->dead, block);
}

void reference_unblock(void *memory)
{
    struct block *block;

    if (!memory) {
        return;
    }
    block = found(heap(host())->live, memory);
    if (!block) {
        reference_fault(found(heap(host())->dead, memory) ? DOUBLE_FREE : FREE_OF_NOTHING);
    }
    if (!guard_is_whole(block)) {
        reference_fault(WRITE_BEHIND_BLOCK);
    }
    if (block->kind == BLOCK_STREAM) {
        reference_frame->call->freed = memory;
    }
    bury(host(), block);
}

/* A call is broken off: what it has allocated, nobody can free any more. */
void reference_abandon(void)
{
    for (struct block *block = heap(host())->live; block; block = block->next) {
        if (block->call == reference_frame->call) {
            block->abandoned = 1;
        }
    }
}

void reference_keep(struct host *host, void *memory)
{
    struct block *block = found(heap(host)->live, memory);

    if (block) {
        bury(host, block);
    }
}

void reference_drop_error(struct host *host, Error *error)
{
    reference_keep(host, error);
}

/* Whether memory holds an address of the block's. */
static int leads_to(const void *memory, size_t len, const struct block *block)
{
    const uintptr_t *words = memory, start = ~block->hidden;

    for (size_t i = 0; i < len / sizeof(*words); i++) {
        if (words[i] >= start && words[i] - start < block->len) {
            return 1;
        }
    }
    return 0;
}

enum { UNSEEN, ABANDONED, IN_USE };

void reference_leaks(struct host *host, QEMUFile *const *streams, size_t count,
                     void (*tell)(void *context, const struct leak *leak), void *context)
{
    struct block *live = heap(host)->live, *block;
    int more = 1;

    for (size_t i = 0; i < count; i++) {
        block = found(live, streams[i]);
        if (block) {
            block->abandoned = IN_USE;
        }
    }
    while (more) {
        more = 0;
        for (block = live; block; block = block->next) {
            for (struct block *from = live; from && block->abandoned == UNSEEN; from = from->next) {
                if (from->abandoned == IN_USE && leads_to(memory_of(from), from->len, block)) {
                    block->abandoned = IN_USE;
                    more = 1;
                }
            }
        }
    }
    for (block = live; block; block = block->next) {
        if (block->abandoned == UNSEEN) {
            struct leak leak = {
                .kind = block->kind,
                .line = block->line,
                .function = block->function,
                .len = block->len,
            };
            tell(context, &leak);
        }
        /* Asked again, the answer is the same. */
        block->abandoned = block->abandoned == ABANDONED ? ABANDONED : UNSEEN;
    }
}

static int is_filled(const struct block *block)
{
    const unsigned char *bytes = block->kept;

    return block->len == 0 ||
           (bytes[0] == FILLED && memcmp(bytes, bytes + 1, block->len - 1) == 0);
}

static void recycle(struct heap *of, struct block *block)
{
    for (size_t i = 0; block->len == reference_layout.file && i < SPARE; i++) {
        if (!of->spare[i]) {
            of->spare[i] = block;
            close_off(block->kept, block->len);
            return;
        }
    }
    free(block->kept);
    free(block);
}

uint32_t reference_settle(struct host *host, struct leak *place)
{
    struct heap *of = heap(host);
    uint32_t fault = NO_FAULT;

    while (of->live) {
        bury(host, of->live);
    }
    while (of->dead) {
        struct block *block = of->dead;

        unlink_block(block);
        open_up(block->kept, block->len);
        if (!is_filled(block)) {
            fault = WRITE_AFTER_FREE;
            *place = (struct leak) { block->kind, block->line, block->function, block->len };
        }
        recycle(of, block);
    }
    return fault;
}

void reference_empty(struct host *host)
{
    struct leak place;

    reference_settle(host, &place);
    for (size_t i = 0; i < SPARE; i++) {
        if (host->heap->spare[i]) {
            open_up(host->heap->spare[i]->kept, host->heap->spare[i]->len);
            free(host->heap->spare[i]->kept);
            free(host->heap->spare[i]);
        }
    }
    free(host->heap);
    host->heap = NULL;
}
