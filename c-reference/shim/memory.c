/* The memory of streams: handed out, given back, and kept in between. */
#include "qemu/osdep.h"
#include "host.h"
#include "internal.h"

void *reference_allocated(void *memory)
{
    if (!memory) {
        fputs("c-reference: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* AddressSanitizer sees a use of what is kept as one of what is free. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(const volatile void *start, size_t len);
void __asan_unpoison_memory_region(const volatile void *start, size_t len);
#define close_off(memory) __asan_poison_memory_region(memory, reference_layout.file)
#define open_up(memory) __asan_unpoison_memory_region(memory, reference_layout.file)
#else
#define close_off(memory) ((void)(memory))
#define open_up(memory) ((void)(memory))
#endif

/* Keeps the memory of a stream for the next one: asking for it anew costs more than most traces. */
void reference_keep(struct host *host, void *memory)
{
    for (size_t i = 0; i < SPARE; i++) {
        if (!host->spare[i]) {
            host->spare[i] = memory;
            close_off(memory);
            return;
        }
    }
    free(memory);
}

void reference_empty(struct host *host)
{
    for (size_t i = 0; i < SPARE; i++) {
        if (host->spare[i]) {
            open_up(host->spare[i]);
            free(host->spare[i]);
            host->spare[i] = NULL;
        }
    }
}

static void *kept(struct host *host)
{
    for (size_t i = 0; i < SPARE; i++) {
        void *memory = host->spare[i];

        if (memory) {
            host->spare[i] = NULL;
            open_up(memory);
            return memset(memory, 0, reference_layout.file);
        }
    }
    return NULL;
}

/* The original allocates streams only; the caller gets them back if a call is left. */
void *reference_allocate(size_t size)
{
    void *memory = size == reference_layout.file ? kept(reference_frame->host) : NULL;

    if (!memory) {
        memory = reference_allocated(calloc(1, size));
    }
    reference_frame->call->made = memory;
    return memory;
}

void reference_free(void *memory)
{
    reference_frame->call->freed = memory;
    reference_keep(reference_frame->host, memory);
}
