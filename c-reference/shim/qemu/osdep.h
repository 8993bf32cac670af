/*
 * All that the original, or a patch to it, takes from the rest of QEMU, glib
 * and libc. The other headers that migration code names exist, and carry
 * nothing but this one.
 */
#ifndef REFERENCE_OSDEP_H
#define REFERENCE_OSDEP_H

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "parts/compiler.h"
#include "parts/numbers.h"
#include "parts/glib.h"
#include "parts/queue.h"
#include "parts/qemu.h"

#endif
