/*
 * The functions of the original, of all versions. It sees them too, so a file
 * whose functions take or give something else does not compile.
 */
#ifndef REFERENCE_QEMU_FILE_H
#define REFERENCE_QEMU_FILE_H

#include <zlib.h>

/* A caller may want to find a function absent instead of failing to link. */
#ifndef ORIGINAL
#define ORIGINAL
#endif

/* Of one type in every version that has it. */
ORIGINAL int qemu_file_shutdown(QEMUFile *);
ORIGINAL QEMUFile *qemu_file_get_return_path(QEMUFile *);
ORIGINAL QEMUFile *qemu_file_new_output(QIOChannel *);
ORIGINAL QEMUFile *qemu_file_new_input(QIOChannel *);
ORIGINAL int qemu_file_get_error_obj_any(QEMUFile *, QEMUFile *, Error **);
ORIGINAL void qemu_file_set_error_obj(QEMUFile *, int, Error *);
ORIGINAL int qemu_file_get_error(QEMUFile *);
ORIGINAL void qemu_file_set_error(QEMUFile *, int);
ORIGINAL int qemu_fclose(QEMUFile *);
ORIGINAL void qemu_put_buffer_async(QEMUFile *, const uint8_t *, size_t, bool);
ORIGINAL void qemu_put_buffer(QEMUFile *, const uint8_t *, size_t);
ORIGINAL void qemu_put_byte(QEMUFile *, int);
ORIGINAL void qemu_file_skip(QEMUFile *, int);
ORIGINAL size_t qemu_peek_buffer(QEMUFile *, uint8_t **, size_t, size_t);
ORIGINAL size_t qemu_get_buffer(QEMUFile *, uint8_t *, size_t);
ORIGINAL size_t qemu_get_buffer_in_place(QEMUFile *, uint8_t **, size_t);
ORIGINAL int qemu_peek_byte(QEMUFile *, int);
ORIGINAL int qemu_get_byte(QEMUFile *);
ORIGINAL uint64_t qemu_file_transferred(QEMUFile *);
ORIGINAL void qemu_put_be16(QEMUFile *, unsigned int);
ORIGINAL void qemu_put_be32(QEMUFile *, unsigned int);
ORIGINAL void qemu_put_be64(QEMUFile *, uint64_t);
ORIGINAL unsigned int qemu_get_be16(QEMUFile *);
ORIGINAL unsigned int qemu_get_be32(QEMUFile *);
ORIGINAL uint64_t qemu_get_be64(QEMUFile *);
ORIGINAL ssize_t qemu_put_compression_data(QEMUFile *, z_stream *, const uint8_t *, size_t);
ORIGINAL int qemu_put_qemu_file(QEMUFile *, QEMUFile *);
ORIGINAL bool qemu_file_buffer_empty(QEMUFile *);
ORIGINAL size_t qemu_get_counted_string(QEMUFile *, char[256]);
ORIGINAL void qemu_put_counted_string(QEMUFile *, const char *);
ORIGINAL QIOChannel *qemu_file_get_ioc(QEMUFile *);
ORIGINAL int qemu_file_get_to_fd(QEMUFile *, int, size_t);
/* From 9.0 on. */
ORIGINAL bool qemu_file_is_seekable(QEMUFile *);
ORIGINAL void qemu_put_buffer_at(QEMUFile *, const uint8_t *, size_t, off_t);
ORIGINAL void qemu_set_offset(QEMUFile *, off_t, int);
ORIGINAL off_t qemu_get_offset(QEMUFile *);
/* From 10.0 on. */
ORIGINAL int qemu_file_put_fd(QEMUFile *, int);
/* Up to 8.1. */
ORIGINAL uint64_t qemu_file_transferred_noflush(QEMUFile *);
ORIGINAL int64_t qemu_file_total_transferred(QEMUFile *);
ORIGINAL int64_t qemu_file_total_transferred_fast(QEMUFile *);
ORIGINAL void qemu_file_credit_transfer(QEMUFile *, size_t);

/*
 * Of several types, so that nothing is said of what they take. qemu_fflush and
 * qemu_file_set_blocking, which every version has, and qemu_file_get_error_obj,
 * which one keeps to itself, are not declared here at all.
 */
ORIGINAL int qemu_file_get_fd();
ORIGINAL size_t qemu_get_buffer_at();

#define QEMU_COUNTED_STRING_SIZE 256

/* Up to 8.1: hooks of RDMA, which nobody sets. */
#define RAM_CONTROL_HOOK 2
#define RAM_SAVE_CONTROL_NOT_SUPP (-1000)
#define RAM_SAVE_CONTROL_DELAYED (-2000)
typedef struct QEMUFileHooks {
    int (*before_ram_iterate)(QEMUFile *, uint64_t, void *);
    int (*after_ram_iterate)(QEMUFile *, uint64_t, void *);
    int (*hook_ram_load)(QEMUFile *, uint64_t, void *);
    size_t (*save_page)(QEMUFile *, ram_addr_t, ram_addr_t, size_t, uint64_t *);
} QEMUFileHooks;

#endif
