/*
 * Trace events. The build writes reference_trace.h for each file: events that
 * the shim does not know, which do nothing but take their arguments.
 */
#ifndef REFERENCE_TRACE_H
#define REFERENCE_TRACE_H

#include "qemu/osdep.h"

#include "trace_events.h"

static inline void reference_trace(int none, ...)
{
    (void)none;
}
#define trace_event_get_state(event) 0
#define trace_event_get_state_backends(event) 0

#include "reference_trace.h"

#endif
