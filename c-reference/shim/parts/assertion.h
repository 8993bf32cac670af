/* The assertion of libc, as often as its header is taken in. */
#undef assert
#define assert(condition)                                                      \
    (likely(condition) ? (void)0 : reference_asserted(REFERENCE_SITE(#condition)))
