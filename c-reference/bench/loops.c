/*
 * The original called in loops, as QEMU's callers call it: from another source
 * file, over a channel that costs nothing. src/bench.rs mirrors the structures.
 */
#include "qemu/osdep.h"
#include "host.h"
#include "internal.h"
#include "qemu-file.h"

int qemu_fflush(QEMUFile *);

#define PAGE 4096
#define PAGES 32

enum operation {
    LOOP_PUT_BYTE,
    LOOP_PUT_BE16,
    LOOP_PUT_BE32,
    LOOP_PUT_BE64,
    LOOP_PUT_BUFFER,
    LOOP_PUT_STRING,
    LOOP_PUT_PAGE,
    LOOP_PUT_COMPRESSED,
    LOOP_GET_BYTE,
    LOOP_GET_BE16,
    LOOP_GET_BE32,
    LOOP_GET_BE64,
    LOOP_GET_BUFFER,
    LOOP_GET_IN_PLACE,
    LOOP_PEEK_SKIP,
    LOOP_GET_STRING,
    LOOP_WRITE_STREAM,
    LOOP_READ_STREAM
};

enum step_kind {
    STEP_BYTE,
    STEP_BE16,
    STEP_BE32,
    STEP_BE64,
    STEP_BUFFER,
    STEP_STRING,
    STEP_PAGE,
    STEP_PEEK
};

/* One call that a real stream is made of. */
struct step {
    uint32_t kind;
    uint32_t len;
};

struct bench {
    const uint8_t *content;
    size_t content_len;
    /* Room for what is read, as long as the longest request. */
    uint8_t *room;
    z_stream *stream;
    const struct zlib *zlib;
    const struct step *steps;
    size_t step_count;
    /* The channel repeats its first answer, which the buffer still holds. */
    int32_t repeats;
    /* What is written goes into the sum. */
    int32_t keeps;
    /* Set by bench_open. */
    QEMUFile *file;
    size_t position;
    uint64_t sum;
    struct heap *heap;
};

static uint64_t mix(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3;
    }
    return sum;
}

static ptrdiff_t bench_read(void *context, size_t channel, uint8_t *into, size_t len,
                            struct text *failure)
{
    struct bench *bench = context;
    size_t left = bench->content_len - bench->position;

    (void)channel, (void)failure;
    if (bench->repeats && bench->position > 0) {
        return len == bench->content_len ? (ptrdiff_t)len : HOST_LEAVE;
    }
    if (left == 0) {
        bench->position = 0;
        left = bench->content_len;
    }
    if (len > left) {
        len = left;
    }
    memcpy(into, bench->content + bench->position, len);
    bench->position += len;
    return len;
}

static ptrdiff_t bench_write(void *context, size_t channel, const struct iovec *pieces,
                             size_t count, struct text *failure)
{
    struct bench *bench = context;

    (void)channel, (void)failure;
    if (bench->keeps) {
        for (size_t i = 0; i < count; i++) {
            bench->sum = mix(bench->sum, pieces[i].iov_base, pieces[i].iov_len);
        }
    }
    return iov_size(pieces, count);
}

static ptrdiff_t bench_unobserved(void *context, uint32_t channel_call, int error)
{
    (void)context, (void)channel_call, (void)error;
    return 0;
}

static ptrdiff_t bench_nothing(void *context, size_t channel)
{
    (void)context, (void)channel;
    return 0;
}

static ptrdiff_t bench_no_coroutine(void *context)
{
    (void)context;
    return 0;
}

static void open_file(struct bench *bench, int reads)
{
    bench->file = reads ? qemu_file_new_input((QIOChannel *)1)
                        : qemu_file_new_output((QIOChannel *)1);
}

static void put_step(struct bench *bench, const struct step *step, const uint8_t *at)
{
    QEMUFile *file = bench->file;
    uint64_t be64;
    uint32_t be32;
    uint16_t be16;

    switch ((enum step_kind)step->kind) {
    case STEP_BYTE:
        qemu_put_byte(file, *at);
        break;
    case STEP_BE16:
        memcpy(&be16, at, sizeof(be16));
        qemu_put_be16(file, __builtin_bswap16(be16));
        break;
    case STEP_BE32:
        memcpy(&be32, at, sizeof(be32));
        qemu_put_be32(file, __builtin_bswap32(be32));
        break;
    case STEP_BE64:
        memcpy(&be64, at, sizeof(be64));
        qemu_put_be64(file, __builtin_bswap64(be64));
        break;
    case STEP_BUFFER:
        qemu_put_buffer(file, at, step->len);
        break;
    case STEP_STRING:
        /* A counted string ends at a zero in C; here its length is known. */
        qemu_put_byte(file, step->len - 1);
        qemu_put_buffer(file, at + 1, step->len - 1);
        break;
    case STEP_PAGE:
        qemu_put_buffer_async(file, at, step->len, false);
        break;
    case STEP_PEEK:
        break;
    }
}

static uint64_t get_step(struct bench *bench, const struct step *step, uint8_t *into)
{
    QEMUFile *file = bench->file;
    char text[256];

    switch ((enum step_kind)step->kind) {
    case STEP_BYTE:
        return qemu_get_byte(file);
    case STEP_BE16:
        return qemu_get_be16(file);
    case STEP_BE32:
        return qemu_get_be32(file);
    case STEP_BE64:
        return qemu_get_be64(file);
    case STEP_BUFFER:
    case STEP_PAGE:
        return qemu_get_buffer(file, into, step->len) + into[0];
    case STEP_STRING:
        return qemu_get_counted_string(file, text);
    case STEP_PEEK:
        return qemu_peek_byte(file, 0);
    }
    return 0;
}

static size_t advance(const struct step *step)
{
    return step->kind == STEP_PEEK ? 0 : step->len;
}

static void put_loop(struct bench *bench, uint32_t operation, size_t len, size_t count)
{
    QEMUFile *file = bench->file;
    const uint8_t *content = bench->content;

    switch (operation) {
    case LOOP_PUT_BYTE:
        for (size_t i = 0; i < count; i++) {
            qemu_put_byte(file, i);
        }
        break;
    case LOOP_PUT_BE16:
        for (size_t i = 0; i < count; i++) {
            qemu_put_be16(file, i);
        }
        break;
    case LOOP_PUT_BE32:
        for (size_t i = 0; i < count; i++) {
            qemu_put_be32(file, i);
        }
        break;
    case LOOP_PUT_BE64:
        for (size_t i = 0; i < count; i++) {
            qemu_put_be64(file, i);
        }
        break;
    case LOOP_PUT_BUFFER:
        for (size_t i = 0; i < count; i++) {
            qemu_put_buffer(file, content, len);
        }
        break;
    case LOOP_PUT_STRING:
        for (size_t i = 0; i < count; i++) {
            qemu_put_counted_string(file, (const char *)content);
        }
        break;
    case LOOP_PUT_PAGE:
        for (size_t i = 0; i < count; i++) {
            size_t page = i % PAGES * PAGE;

            qemu_put_be64(file, page);
            qemu_put_buffer_async(file, content + page, PAGE, false);
        }
        break;
    case LOOP_PUT_COMPRESSED:
        for (size_t i = 0; i < count; i++) {
            bench->sum += qemu_put_compression_data(file, bench->stream,
                                                    content + i % PAGES * PAGE, PAGE);
            qemu_fflush(file);
        }
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            const uint8_t *at = content;

            for (size_t step = 0; step < bench->step_count; step++) {
                put_step(bench, bench->steps + step, at);
                at += advance(bench->steps + step);
            }
            qemu_fflush(file);
        }
    }
}

static uint64_t get_loop(struct bench *bench, uint32_t operation, size_t len, size_t count)
{
    QEMUFile *file = bench->file;
    uint8_t *room = bench->room;
    uint64_t sum = 0;
    char text[256];

    switch (operation) {
    case LOOP_GET_BYTE:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_byte(file);
        }
        break;
    case LOOP_GET_BE16:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_be16(file);
        }
        break;
    case LOOP_GET_BE32:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_be32(file);
        }
        break;
    case LOOP_GET_BE64:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_be64(file);
        }
        break;
    case LOOP_GET_BUFFER:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_buffer(file, room, len) + room[0];
        }
        break;
    case LOOP_GET_IN_PLACE:
        for (size_t i = 0; i < count; i++) {
            uint8_t *found = room;

            sum += qemu_get_buffer_in_place(file, &found, len) + found[0];
        }
        break;
    case LOOP_PEEK_SKIP:
        for (size_t i = 0; i < count; i++) {
            uint8_t *found = NULL;

            sum += qemu_peek_buffer(file, &found, len, 0) + found[0];
            qemu_file_skip(file, len);
        }
        break;
    case LOOP_GET_STRING:
        for (size_t i = 0; i < count; i++) {
            sum += qemu_get_counted_string(file, text) + (uint8_t)text[0];
        }
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            uint8_t *into = room;

            for (size_t step = 0; step < bench->step_count; step++) {
                sum += get_step(bench, bench->steps + step, into);
                into += advance(bench->steps + step);
            }
        }
    }
    return sum;
}

static int reads(uint32_t operation)
{
    return (operation >= LOOP_GET_BYTE && operation <= LOOP_GET_STRING) ||
           operation == LOOP_READ_STREAM;
}

/*
 * Makes `count` calls; 0 if all went well. The stream is opened by the first
 * run, and given back by one without a count.
 */
int reference_bench_run(struct bench *bench, uint32_t operation, size_t len, size_t count)
{
    struct host host = {
        .context = bench,
        .read = bench_read,
        .write_pieces = bench_write,
        .in_coroutine = bench_no_coroutine,
        .reference = bench_nothing,
        .unreference = bench_nothing,
        .closed = bench_no_coroutine,
        .can_pass = bench_nothing,
        .observed = bench_unobserved,
        .zlib = bench->zlib,
        .heap = bench->heap,
    };
    struct call call = { 0 };
    struct frame frame = { .outer = reference_frame, .host = &host, .call = &call };
    volatile int ended = -1;

    reference_frame = &frame;
    if (_setjmp(frame.entry) == 0) {
        if (!bench->file) {
            open_file(bench, reads(operation));
        }
        if (reads(operation)) {
            bench->sum += get_loop(bench, operation, len, count);
        } else {
            put_loop(bench, operation, len, count);
            if (bench->keeps) {
                qemu_fflush(bench->file);
            }
        }
        ended = qemu_file_get_error(bench->file);
    }
    reference_frame = frame.outer;
    bench->heap = host.heap;
    return ended;
}

void reference_bench_close(struct bench *bench)
{
    if (bench->file) {
        struct host host = { .heap = bench->heap };

        reference_discard(&host, bench->file);
        reference_empty(&host);
        bench->file = NULL;
        bench->heap = NULL;
    }
}
