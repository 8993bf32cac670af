/* libc's, which a file may take in after the shim's own: the assertion stays the shim's. */
#include_next <assert.h>
#ifdef REFERENCE_COMPILER_H
#include "parts/assertion.h"
#endif
