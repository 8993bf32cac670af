/*
 * What the file given sees instead of plain names: each call that allocates,
 * frees or copies first notes the line and the function that makes it.
 */

#define REFERENCE_HERE (reference_at(__func__, __LINE__))

#define g_malloc(len) (REFERENCE_HERE, reference_allocate(len))
#define g_malloc0(len) (REFERENCE_HERE, reference_allocate(len))
#define g_try_malloc(len) (REFERENCE_HERE, reference_allocate(len))
#define g_try_malloc0(len) (REFERENCE_HERE, reference_allocate(len))
#define g_malloc_n(count, len) (REFERENCE_HERE, reference_allocate_n(count, len))
#define g_malloc0_n(count, len) (REFERENCE_HERE, reference_allocate_n(count, len))
#define g_realloc(memory, len) (REFERENCE_HERE, reference_reallocate(memory, len))
#define g_realloc_n(memory, count, len) g_realloc(memory, (size_t)(count) * (len))
#define malloc(len) (REFERENCE_HERE, reference_allocate(len))
#define calloc(count, len) (REFERENCE_HERE, reference_allocate_n(count, len))
#define realloc(memory, len) (REFERENCE_HERE, reference_reallocate(memory, len))
#define free(memory) (REFERENCE_HERE, reference_free(memory))
#define g_new(type, count) ((type *)g_malloc_n(count, sizeof(type)))
#define g_new0(type, count) ((type *)g_malloc0_n(count, sizeof(type)))
#define g_try_new(type, count) g_new(type, count)
#define g_try_new0(type, count) g_new0(type, count)
#define g_renew(type, memory, count) ((type *)g_realloc(memory, sizeof(type) * (count)))
#define g_free(memory) (REFERENCE_HERE, reference_free(memory))
#define g_strdup(text) (REFERENCE_HERE, reference_strdup(text))
#define g_strndup(text, len) (REFERENCE_HERE, reference_strndup(text, len))
#define g_strdup_printf(...) (REFERENCE_HERE, reference_strdup_printf(__VA_ARGS__))
#define g_strdup_vprintf(format, arguments) (REFERENCE_HERE, reference_strdup_vprintf(format, arguments))
#define strdup(text) g_strdup(text)
#define strndup(text, len) g_strndup(text, len)
#define g_memdup(memory, len) (REFERENCE_HERE, reference_memdup(memory, len))
#define g_memdup2(memory, len) (REFERENCE_HERE, reference_memdup(memory, len))
#define qemu_memalign(alignment, len) (REFERENCE_HERE, (void)(alignment), reference_allocate(len))
#define qemu_try_memalign(alignment, len) qemu_memalign(alignment, len)
#define qemu_vfree(memory) g_free(memory)

/* AddressSanitizer looks at copies by itself; a benchmark wants them as they are. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(REFERENCE_PLAIN)
#undef memcpy
#define memcpy(to, from, len) (REFERENCE_HERE, reference_memcpy(to, from, len))
#endif

#define error_setg_errno(...) (REFERENCE_HERE, error_setg_errno(__VA_ARGS__))
#define error_copy(error) (REFERENCE_HERE, error_copy(error))
#define error_free(error) (REFERENCE_HERE, error_free(error))
#define error_propagate(place, error) (REFERENCE_HERE, error_propagate(place, error))
#define error_report_err(error) (REFERENCE_HERE, error_report_err(error))
#define warn_report_err(error) (REFERENCE_HERE, warn_report_err(error))
#define error_get_pretty(error) (REFERENCE_HERE, error_get_pretty(error))

#define qio_channel_read(...) (REFERENCE_HERE, qio_channel_read(__VA_ARGS__))
#define qio_channel_readv(...) (REFERENCE_HERE, qio_channel_readv(__VA_ARGS__))
#define qio_channel_readv_full(...) (REFERENCE_HERE, qio_channel_readv_full(__VA_ARGS__))
#define qio_channel_write(...) (REFERENCE_HERE, qio_channel_write(__VA_ARGS__))
#define qio_channel_writev(...) (REFERENCE_HERE, qio_channel_writev(__VA_ARGS__))
#define qio_channel_writev_full(...) (REFERENCE_HERE, qio_channel_writev_full(__VA_ARGS__))
#define qio_channel_writev_all(...) (REFERENCE_HERE, qio_channel_writev_all(__VA_ARGS__))
#define qio_channel_write_all(...) (REFERENCE_HERE, qio_channel_write_all(__VA_ARGS__))
#define qio_channel_writev_full_all(...) (REFERENCE_HERE, qio_channel_writev_full_all(__VA_ARGS__))
#define qio_channel_pread(...) (REFERENCE_HERE, qio_channel_pread(__VA_ARGS__))
#define qio_channel_pwrite(...) (REFERENCE_HERE, qio_channel_pwrite(__VA_ARGS__))
#define qio_channel_pread_all(...) (REFERENCE_HERE, qio_channel_pread_all(__VA_ARGS__))
#define qio_channel_pwrite_all(...) (REFERENCE_HERE, qio_channel_pwrite_all(__VA_ARGS__))
#define qio_channel_preadv(...) (REFERENCE_HERE, qio_channel_preadv(__VA_ARGS__))
#define qio_channel_pwritev(...) (REFERENCE_HERE, qio_channel_pwritev(__VA_ARGS__))
#define qio_channel_io_seek(...) (REFERENCE_HERE, qio_channel_io_seek(__VA_ARGS__))
#define qio_channel_close(...) (REFERENCE_HERE, qio_channel_close(__VA_ARGS__))
#define qio_channel_shutdown(...) (REFERENCE_HERE, qio_channel_shutdown(__VA_ARGS__))
#define qio_channel_set_blocking(...) (REFERENCE_HERE, qio_channel_set_blocking(__VA_ARGS__))

/* Descriptors are the host's: none is one of the process. */
#define write(descriptor, bytes, len) reference_write(descriptor, bytes, len)
#define close(descriptor) reference_close(descriptor)
