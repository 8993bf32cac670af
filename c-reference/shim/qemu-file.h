/*
 * The functions of the original. It sees them too, so a file whose functions
 * take or give something else does not compile.
 */
#ifndef REFERENCE_QEMU_FILE_H
#define REFERENCE_QEMU_FILE_H

/* A caller may want to find a function absent instead of failing to link. */
#ifndef ORIGINAL
#define ORIGINAL
#endif

ORIGINAL int qemu_file_shutdown(QEMUFile *);
ORIGINAL QEMUFile *qemu_file_get_return_path(QEMUFile *);
ORIGINAL QEMUFile *qemu_file_new_output(QIOChannel *);
ORIGINAL QEMUFile *qemu_file_new_input(QIOChannel *);
ORIGINAL int qemu_file_get_error_obj(QEMUFile *, Error **);
ORIGINAL int qemu_file_get_error_obj_any(QEMUFile *, QEMUFile *, Error **);
ORIGINAL void qemu_file_set_error_obj(QEMUFile *, int, Error *);
ORIGINAL int qemu_file_get_error(QEMUFile *);
ORIGINAL void qemu_file_set_error(QEMUFile *, int);
ORIGINAL int qemu_fflush(QEMUFile *);
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
ORIGINAL void qemu_file_set_blocking(QEMUFile *, bool);
ORIGINAL QIOChannel *qemu_file_get_ioc(QEMUFile *);
ORIGINAL int qemu_file_get_to_fd(QEMUFile *, int, size_t);

#endif
