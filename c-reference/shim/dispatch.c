/* The one entry into the original, and the table by which it is found. */
#include "qemu/osdep.h"
#include "internal.h"

/* A version of the file may lack a function: its address is NULL then. */
#define ORIGINAL __attribute__((weak, visibility("hidden")))
#include "qemu-file.h"

/* 8.1 keeps it to itself; what it tells, ..._any tells of one stream. */
ORIGINAL int qemu_file_get_error_obj(QEMUFile *, Error **);

/* Of more than one type: a declaration for each, and reference_kinds says which is true. */
#define AS(name) __asm__(stringify(__USER_LABEL_PREFIX__) name)
ORIGINAL int fflush_returns(QEMUFile *) AS("qemu_fflush");
ORIGINAL void fflush_is_silent(QEMUFile *) AS("qemu_fflush");
ORIGINAL bool set_blocking_returns(QEMUFile *, bool, Error **) AS("qemu_file_set_blocking");
ORIGINAL void set_blocking_is_silent(QEMUFile *, bool) AS("qemu_file_set_blocking");
ORIGINAL int get_fd_returns(QEMUFile *) AS("qemu_file_get_fd");
ORIGINAL int get_fd_fills(QEMUFile *, int *) AS("qemu_file_get_fd");
ORIGINAL size_t get_buffer_at_sets(QEMUFile *, const uint8_t *, size_t, off_t)
    AS("qemu_get_buffer_at");
ORIGINAL size_t get_buffer_at_tells(QEMUFile *, uint8_t *, size_t, off_t, Error **)
    AS("qemu_get_buffer_at");

static QIOChannel *channel(const struct call *call)
{
    return reference_channel(call->channel);
}

static uint8_t **address(struct call *call)
{
    call->address = call->bytes;
    return (uint8_t **)&call->address;
}

static Error *given_error(const struct call *call)
{
    return call->text.start ? reference_error(call->text) : NULL;
}

/* Hands an error's text to the host, and gives the error back. */
static void answer(Error *error)
{
    if (error) {
        struct text text = reference_error_text(error);

        reference_checked(host()->answer(host()->context, text.start, text.len));
        error_free(error);
    }
}

static int get_error_obj(const struct call *call, Error **error)
{
    return qemu_file_get_error_obj ? qemu_file_get_error_obj(call->file, error)
                                   : qemu_file_get_error_obj_any(call->file, NULL, error);
}

static int get_error_obj_any(const struct call *call, Error **error)
{
    return qemu_file_get_error_obj_any(call->file, call->other, error);
}

/* A caller may do without the text, and gets the same code. */
static void error_of(struct call *call, int (*ask)(const struct call *call, Error **error))
{
    Error *error = NULL;

    call->number = ask(call, &error);
    if ((int)call->number != ask(call, NULL)) {
        reference_assertion(0, "the code does not depend on who asks for the text");
    }
    answer(error);
}

static int flush(QEMUFile *file)
{
    if (reference_kinds.fflush_returns) {
        return fflush_returns(file);
    }
    fflush_is_silent(file);
    return qemu_file_get_error(file);
}

/* 8.1 has two of that name, and the other one flushes. */
static uint64_t transferred(QEMUFile *file)
{
    if (qemu_file_transferred_noflush) {
        return qemu_file_transferred_noflush(file);
    }
    if (qemu_file_total_transferred_fast) {
        return (uint64_t)qemu_file_total_transferred_fast(file);
    }
    return qemu_file_transferred(file);
}

static void set_blocking(struct call *call)
{
    Error *error = NULL;

    if (reference_kinds.set_blocking_returns) {
        call->number = set_blocking_returns(call->file, call->value != 0,
                                            call->len ? &error : NULL);
        answer(error);
        return;
    }
    set_blocking_is_silent(call->file, call->value != 0);
    call->number = 1;
}

static void get_buffer_at(struct call *call)
{
    Error *error = NULL;

    if (reference_kinds.get_buffer_at_errp) {
        call->number = get_buffer_at_tells(call->file, call->bytes, call->len, call->value,
                                           &error);
        answer(error);
        return;
    }
    call->number = get_buffer_at_sets(call->file, call->bytes, call->len, call->value);
}

/* The descriptor goes into `offset`, -1 where there is none. */
static void get_fd(struct call *call)
{
    int descriptor = -1;

    if (reference_kinds.get_fd_fills) {
        call->number = get_fd_fills(call->file, &descriptor);
    } else {
        descriptor = get_fd_returns(call->file);
        call->number = descriptor < 0 ? -1 : 0;
    }
    call->offset = (size_t)descriptor;
}

#define FUNCTION(number, function, ...) \
    static void call_##number(struct call *call) { __VA_ARGS__; }
#include "functions.def"
#undef FUNCTION

typedef void address_of_function(void);

static const struct {
    address_of_function *function;
    void (*call)(struct call *call);
} functions[FUNCTIONS] = {
#define FUNCTION(number, function, ...) \
    [number] = { (address_of_function *)function, call_##number },
#include "functions.def"
#undef FUNCTION
};

static int has(uint32_t function)
{
    if (function == TRANSFERRED) {
        return qemu_file_transferred_noflush || qemu_file_total_transferred_fast ||
               qemu_file_transferred;
    }
    return function < FUNCTIONS && functions[function].function;
}

static int has_beside(int which)
{
    return which ? qemu_file_total_transferred_fast != NULL : qemu_file_transferred_noflush != NULL;
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
        functions[call->function].call(call);
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
    .kinds = &reference_kinds,
    .has = has,
    .has_beside = has_beside,
    .run = reference_run,
    .look = reference_look,
    .discard = reference_discard,
    .empty = reference_empty,
    .leaks = reference_leaks,
    .settle = reference_settle,
#ifdef REFERENCE_COVERAGE
    .blocks = reference_blocks,
#endif
};
