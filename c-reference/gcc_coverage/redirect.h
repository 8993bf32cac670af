/* gcc reports each basic block to this function; libFuzzer has none of that name. */
__asm__(".set __sanitizer_cov_trace_pc, reference_block_reached");
