/*
 * Which blocks of the file a thread has passed through. The compiler calls
 * __sanitizer_cov_trace_pc at the beginning of each, where it is asked to; no
 * more than that is known here, and debugging information leads to the lines.
 */
#include "qemu/osdep.h"
#include "internal.h"

/* No version has as many; more than this are not told apart. */
#define MOST_BLOCKS 8192

/* The beginning of the object in memory, which the linker knows. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static _Thread_local uint32_t blocks[MOST_BLOCKS];

void reference_block_passed(void) __asm__("__sanitizer_cov_trace_pc")
    __attribute__((visibility("hidden")));

void reference_block_passed(void)
{
    /* The call, not what follows it, is in the block. */
    uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__ehdr_start - 1;
    size_t place = at * 2654435761u % MOST_BLOCKS;

    for (size_t i = 0; i < MOST_BLOCKS; i++, place = (place + 1) % MOST_BLOCKS) {
        if (blocks[place] == (uint32_t)at) {
            return;
        }
        if (!blocks[place]) {
            blocks[place] = (uint32_t)at;
            return;
        }
    }
}

void reference_blocks(void (*tell)(void *context, uint32_t block), void *context)
{
    for (size_t i = 0; i < MOST_BLOCKS; i++) {
        if (blocks[i]) {
            tell(context, blocks[i]);
            blocks[i] = 0;
        }
    }
}
