/* Counts the basic blocks that gcc reports where libFuzzer looks for counters. */
#include <stddef.h>
#include <stdint.h>

/* More than the bytes of code in the original and its shim, so that blocks do not collide. */
#define COUNTERS (1 << 16)

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

/* The beginning of the program in memory, which the linker knows. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

void reference_block_reached(void)
{
    uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__ehdr_start;

    counters[at % COUNTERS]++;
}
