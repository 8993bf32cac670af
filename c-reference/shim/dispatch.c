/* The one entry into the original, and the table by which it is found. */
#include "qemu/osdep.h"
#include "host.h"
#include "internal.h"

#define ORIGINAL __attribute__((weak, visibility("hidden")))
#include "qemu-file.h"

/* Another version of the file may lack a function: its address is NULL then. */
static int has(uint32_t function)
{
    switch ((enum function)function) {
    case SHUTDOWN: return qemu_file_shutdown != NULL;
    case GET_RETURN_PATH: return qemu_file_get_return_path != NULL;
    case NEW_OUTPUT: return qemu_file_new_output != NULL;
    case NEW_INPUT: return qemu_file_new_input != NULL;
    case GET_ERROR_OBJ: return qemu_file_get_error_obj != NULL;
    case GET_ERROR_OBJ_ANY: return qemu_file_get_error_obj_any != NULL;
    case SET_ERROR_OBJ: return qemu_file_set_error_obj != NULL;
    case GET_ERROR: return qemu_file_get_error != NULL;
    case SET_ERROR: return qemu_file_set_error != NULL;
    case FFLUSH: return qemu_fflush != NULL;
    case FCLOSE: return qemu_fclose != NULL;
    case PUT_BUFFER_ASYNC: return qemu_put_buffer_async != NULL;
    case PUT_BUFFER: return qemu_put_buffer != NULL;
    case PUT_BYTE: return qemu_put_byte != NULL;
    case SKIP: return qemu_file_skip != NULL;
    case PEEK_BUFFER: return qemu_peek_buffer != NULL;
    case GET_BUFFER: return qemu_get_buffer != NULL;
    case GET_BUFFER_IN_PLACE: return qemu_get_buffer_in_place != NULL;
    case PEEK_BYTE: return qemu_peek_byte != NULL;
    case GET_BYTE: return qemu_get_byte != NULL;
    case TRANSFERRED: return qemu_file_transferred != NULL;
    case PUT_BE16: return qemu_put_be16 != NULL;
    case PUT_BE32: return qemu_put_be32 != NULL;
    case PUT_BE64: return qemu_put_be64 != NULL;
    case GET_BE16: return qemu_get_be16 != NULL;
    case GET_BE32: return qemu_get_be32 != NULL;
    case GET_BE64: return qemu_get_be64 != NULL;
    case PUT_COMPRESSION_DATA: return qemu_put_compression_data != NULL;
    case PUT_QEMU_FILE: return qemu_put_qemu_file != NULL;
    case BUFFER_EMPTY: return qemu_file_buffer_empty != NULL;
    case GET_COUNTED_STRING: return qemu_get_counted_string != NULL;
    case PUT_COUNTED_STRING: return qemu_put_counted_string != NULL;
    case SET_BLOCKING: return qemu_file_set_blocking != NULL;
    case GET_IOC: return qemu_file_get_ioc != NULL;
    case GET_TO_FD: return qemu_file_get_to_fd != NULL;
    case FUNCTIONS: break;
    }
    return 0;
}

static QIOChannel *channel(const struct call *call)
{
    return (QIOChannel *)(uintptr_t)(call->channel + 1);
}

/* Hands an error's text to the host, and gives the error back. */
static void answer(struct host *host, Error *error)
{
    if (error) {
        struct text text = reference_error_text(error);

        host->answer(host->context, text.start, text.len);
        error_free(error);
    }
}

__attribute__((noinline)) static void dispatch(struct host *host, struct call *call)
{
    QEMUFile *file = call->file;
    uint8_t *bytes = call->bytes;
    Error *error = NULL;

    switch ((enum function)call->function) {
    case SHUTDOWN:
        call->number = qemu_file_shutdown(file);
        break;
    case GET_RETURN_PATH:
        call->made = qemu_file_get_return_path(file);
        break;
    case NEW_OUTPUT:
        call->made = qemu_file_new_output(channel(call));
        break;
    case NEW_INPUT:
        call->made = qemu_file_new_input(channel(call));
        break;
    case GET_ERROR_OBJ:
        call->number = qemu_file_get_error_obj(file, &error);
        /* A caller may do without the text. */
        if ((int)call->number != qemu_file_get_error_obj(file, NULL)) {
            reference_assertion(0, "the code does not depend on who asks for the text");
        }
        answer(host, error);
        break;
    case GET_ERROR_OBJ_ANY:
        call->number = qemu_file_get_error_obj_any(file, call->other, &error);
        if ((int)call->number != qemu_file_get_error_obj_any(file, call->other, NULL)) {
            reference_assertion(0, "the code does not depend on who asks for the text");
        }
        answer(host, error);
        break;
    case SET_ERROR_OBJ:
        if (call->text.start) {
            error = reference_error(call->text);
        }
        qemu_file_set_error_obj(file, (int)call->value, error);
        break;
    case GET_ERROR:
        call->number = qemu_file_get_error(file);
        break;
    case SET_ERROR:
        qemu_file_set_error(file, (int)call->value);
        break;
    case FFLUSH:
        call->number = qemu_fflush(file);
        break;
    case FCLOSE:
        call->number = qemu_fclose(file);
        break;
    case PUT_BUFFER_ASYNC:
        qemu_put_buffer_async(file, bytes, call->len, call->value != 0);
        break;
    case PUT_BUFFER:
        qemu_put_buffer(file, bytes, call->len);
        break;
    case PUT_BYTE:
        qemu_put_byte(file, (int)call->value);
        break;
    case SKIP:
        qemu_file_skip(file, (int)call->value);
        break;
    case PEEK_BUFFER:
        call->number = qemu_peek_buffer(file, &bytes, call->len, call->offset);
        call->address = bytes;
        break;
    case GET_BUFFER:
        call->number = qemu_get_buffer(file, bytes, call->len);
        break;
    case GET_BUFFER_IN_PLACE:
        call->number = qemu_get_buffer_in_place(file, &bytes, call->len);
        call->address = bytes;
        break;
    case PEEK_BYTE:
        call->number = qemu_peek_byte(file, (int)call->value);
        break;
    case GET_BYTE:
        call->number = qemu_get_byte(file);
        break;
    case TRANSFERRED:
        call->number = qemu_file_transferred(file);
        break;
    case PUT_BE16:
        qemu_put_be16(file, (unsigned int)call->value);
        break;
    case PUT_BE32:
        qemu_put_be32(file, (unsigned int)call->value);
        break;
    case PUT_BE64:
        qemu_put_be64(file, (uint64_t)call->value);
        break;
    case GET_BE16:
        call->number = qemu_get_be16(file);
        break;
    case GET_BE32:
        call->number = qemu_get_be32(file);
        break;
    case GET_BE64:
        call->number = qemu_get_be64(file);
        break;
    case PUT_COMPRESSION_DATA:
        call->number = qemu_put_compression_data(file, call->stream, bytes, call->len);
        break;
    case PUT_QEMU_FILE:
        call->number = qemu_put_qemu_file(file, call->other);
        break;
    case BUFFER_EMPTY:
        call->number = qemu_file_buffer_empty(file);
        break;
    case GET_COUNTED_STRING:
        call->number = qemu_get_counted_string(file, (char *)bytes);
        break;
    case PUT_COUNTED_STRING:
        qemu_put_counted_string(file, (const char *)bytes);
        break;
    case SET_BLOCKING:
        qemu_file_set_blocking(file, call->value != 0);
        break;
    case GET_IOC:
        call->number = (uintptr_t)qemu_file_get_ioc(file) - 1;
        break;
    case GET_TO_FD:
        call->number = qemu_file_get_to_fd(file, SINK_BASE + (int)call->value, call->len);
        break;
    case FUNCTIONS:
        break;
    }
}

void reference_run(struct host *host, struct call *call)
{
    struct frame frame = { .outer = reference_frame, .host = host, .call = call };

    call->ending = RETURNED;
    if (!has(call->function)) {
        call->ending = MISSING;
        return;
    }
    reference_frame = &frame;
    if (_setjmp(frame.entry) == 0) {
        dispatch(host, call);
    }
    reference_frame = frame.outer;
}

/* Of all that a shared object holds, this alone is seen from outside. */
__attribute__((visibility("default"))) extern const struct table qemu_file_reference;

const struct table qemu_file_reference = {
    .interface = INTERFACE,
    .functions = FUNCTIONS,
    .host_len = sizeof(struct host),
    .call_len = sizeof(struct call),
    .sha256 = reference_sha256,
    .layout = &reference_layout,
    .has = has,
    .run = reference_run,
    .look = reference_look,
    .discard = reference_discard,
    .empty = reference_empty,
};
