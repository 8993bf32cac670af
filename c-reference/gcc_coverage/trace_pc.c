/* Counts the basic blocks that gcc reports where libFuzzer looks for counters. */
#include <stddef.h>
#include <stdint.h>

/*
 * Each block has its own: the calls that report them are longer than 4 bytes, and the original has
 * less than 32 KiB of code. The engine looks at all counters after each run, so there are no more.
 */
#define COUNTERS (1 << 13)

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

/* The beginning of the program in memory, which the linker knows. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

void reference_block_reached(void)
{
    uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__ehdr_start;

    counters[at / 4 % COUNTERS]++;
}
