/* The trace events that the originals have. */
#ifndef REFERENCE_TRACE_EVENTS_H
#define REFERENCE_TRACE_EVENTS_H

void trace_qemu_file_fclose(void);
void trace_qemu_file_put_fd(const char *name, int descriptor, int result);
void trace_qemu_file_get_fd(const char *name, int descriptor);

#endif
