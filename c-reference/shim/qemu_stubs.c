/* Assertions, errors, reports and counters, each after the contract of its own. */
#include "qemu/osdep.h"
#include "trace_events.h"
#include "internal.h"
#include "format.h"

_Thread_local struct frame *reference_frame;

/* Back to the entry, over frames of C alone. */
_Noreturn void reference_leave(enum ending ending)
{
    reference_abandon();
    reference_frame->call->ending = ending;
    _longjmp(reference_frame->entry, 1);
}

_Noreturn void reference_fault(enum fault fault)
{
    reference_frame->call->fault = fault;
    reference_leave(FAULTED);
}

ptrdiff_t reference_checked(ptrdiff_t answer)
{
    if (answer == HOST_LEAVE) {
        reference_leave(LEFT);
    }
    return answer;
}

/* Assertions. */

#ifdef __APPLE__
extern const struct reference_site *const first_site __asm("section$start$__DATA$refsites");
extern const struct reference_site *const after_sites __asm("section$end$__DATA$refsites");
#else
extern const struct reference_site *const first_site
    __asm__("__start_reference_sites") __attribute__((visibility("hidden")));
extern const struct reference_site *const after_sites
    __asm__("__stop_reference_sites") __attribute__((visibility("hidden")));
#endif

_Noreturn void reference_asserted(const struct reference_site *site)
{
    struct call *call = reference_frame->call;

    call->ordinal = 0;
    call->of = 0;
    for (const struct reference_site *const *other = &first_site; other != &after_sites; other++) {
        if (strcmp((*other)->function, site->function) == 0) {
            call->of++;
            call->ordinal += (*other)->order < site->order;
        }
    }
    call->function_name = site->function;
    call->line = site->line;
    call->expression = site->expression;
    reference_leave(ASSERTED);
}

/* One of the shim's own, of what no version does. */
_Noreturn void reference_assertion(unsigned int line, const char *expression)
{
    (void)line;
    reference_frame->call->expression = expression;
    reference_fault(BAD_ARGUMENT);
}

/* Memory. */

int qemu_madvise(void *start, size_t len, int advice)
{
    int error = 0;

    if (advice != QEMU_MADV_DONTNEED) {
        reference_assertion(0, "memory is released, and nothing else is advised");
    }
    if (reference_checked(host()->release(host()->context, start, len, &error)) < 0) {
        errno = error;
        return -1;
    }
    return 0;
}

/* Errors. */

struct Error {
    size_t len;
    char text[];
};

Error *error_abort, *error_fatal, *error_warn;

Error *reference_error(struct text text)
{
    Error *error = reference_block(BLOCK_ERROR, sizeof(*error) + text.len + 1);

    error->len = text.len;
    if (text.len) {
        memcpy(error->text, text.start, text.len);
    }
    error->text[text.len] = 0;
    return error;
}

static const Error *there(const Error *error)
{
    if (!error) {
        reference_fault(NULL_ERROR);
    }
    reference_live(error);
    return error;
}

struct text reference_error_text(const Error *error)
{
    there(error);
    return (struct text) { error->text, error->len };
}

const char *error_get_pretty(const Error *error)
{
    return there(error)->text;
}

Error *error_copy(const Error *error)
{
    return reference_error(reference_error_text(error));
}

void error_free(Error *error)
{
    reference_unblock(error);
}

void error_free_or_abort(Error **place)
{
    if (!place || !*place) {
        reference_assertion(0, "there is an error to free");
    }
    error_free(*place);
    *place = NULL;
}

/* Whether an error in that place ends the program. */
static void end_of_program(Error **place)
{
    if (place == &error_abort || place == &error_fatal) {
        reference_assertion(0, "nothing fails where an error ends the program");
    }
}

/* The first error wins. */
void error_propagate(Error **place, Error *error)
{
    if (!error) {
        return;
    }
    end_of_program(place);
    there(error);
    if (place && !*place) {
        *place = error;
    } else {
        error_free(error);
    }
}

/* Fails in `place`, as a callee of the original's does. */
void reference_fail(Error **place, struct text text)
{
    end_of_program(place);
    if (place) {
        if (*place) {
            reference_fault(ERROR_ALREADY_SET);
        }
        *place = reference_error(text);
    }
}

void error_setg_errno(Error **place, int os_error, const char *format, ...)
{
    int kept = errno;
    char room[256];
    struct string text = { 0 };
    va_list arguments;

    if (!place) {
        return;
    }
    end_of_program(place);
    if (*place) {
        reference_fault(ERROR_ALREADY_SET);
    }
    va_start(arguments, format);
    compose(&text, host(), format, arguments);
    va_end(arguments);
    if (os_error) {
        append(&text, ": ", 2);
        append_text(&text, strerror_r(os_error, room, sizeof(room)));
    }
    reference_fail(place, (struct text) { text.start, text.len });
    free(text.start);
    errno = kept;
}

/* Puts a text in front of that of an error, which is made anew. */
void error_prepend(Error **place, const char *format, ...)
{
    struct string text = { 0 };
    va_list arguments;
    Error *longer;

    if (!place || !*place) {
        return;
    }
    there(*place);
    va_start(arguments, format);
    compose(&text, host(), format, arguments);
    va_end(arguments);
    append(&text, (*place)->text, (*place)->len);
    longer = reference_error((struct text) { text.start, text.len });
    free(text.start);
    error_free(*place);
    *place = longer;
}

/* A hint is for people who read a report on a terminal, and no part of the text. */
void error_append_hint(Error **place, const char *format, ...)
{
    (void)format;
    if (place && *place) {
        there(*place);
    }
}

/* Reports. */

static void say(struct string *text)
{
    ptrdiff_t answer = host()->report(host()->context, text->start, text->len);

    free(text->start);
    reference_checked(answer);
}

#define REPORT(before, format)                                                 \
    do {                                                                       \
        struct string text = { 0 };                                            \
        va_list arguments;                                                     \
                                                                               \
        append(&text, before, sizeof(before) - 1);                             \
        va_start(arguments, format);                                           \
        compose(&text, host(), format, arguments);                             \
        va_end(arguments);                                                     \
        say(&text);                                                            \
    } while (0)

void error_report(const char *format, ...)
{
    REPORT("", format);
}

void warn_report(const char *format, ...)
{
    REPORT("warning: ", format);
}

void info_report(const char *format, ...)
{
    REPORT("info: ", format);
}

static void report_error(const char *before, const char *format, va_list *arguments, Error *error)
{
    struct text own = reference_error_text(error);
    struct string text = { 0 };

    append_text(&text, before);
    if (format) {
        compose(&text, host(), format, *arguments);
    }
    append(&text, own.start, own.len);
    error_free(error);
    say(&text);
}

void error_report_err(Error *error)
{
    report_error("", NULL, NULL, error);
}

void warn_report_err(Error *error)
{
    report_error("warning: ", NULL, NULL, error);
}

void error_reportf_err(Error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report_error("", format, &arguments, error);
    va_end(arguments);
}

void warn_reportf_err(Error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report_error("warning: ", format, &arguments, error);
    va_end(arguments);
}

/* Counters. */

_Static_assert(sizeof(struct reference_counters) == sizeof(uint64_t),
               "the host keeps one counter");

struct reference_counters *reference_counters(void)
{
    return (struct reference_counters *)&host()->transferred;
}

/* Trace events. */

void trace_qemu_file_fclose(void)
{
    reference_checked(host()->closed(host()->context));
}

void trace_qemu_file_put_fd(const char *name, int descriptor, int result)
{
    (void)name, (void)descriptor, (void)result;
}

void trace_qemu_file_get_fd(const char *name, int descriptor)
{
    (void)name, (void)descriptor;
}
