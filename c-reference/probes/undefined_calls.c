/*
 * Calls of the original that the harness never makes, each in a process of its
 * own, so that a sanitizer may say what they do. The first argument names the
 * case. Built with the shim by conformance/tests/sanitized.rs.
 */
#include "qemu/osdep.h"
#include "host.h"
#include "internal.h"

#define BUFFER 32768

static unsigned char input[4 * BUFFER];
static size_t taken;
static volatile unsigned int sum;

static ptrdiff_t read_input(void *context, size_t channel, uint8_t *into, size_t len,
                            struct text *failure)
{
    size_t left = sizeof(input) - taken;

    (void)context, (void)channel, (void)failure;
    len = MIN(len, left);
    memcpy(into, input + taken, len);
    taken += len;
    return (ptrdiff_t)len;
}

static ptrdiff_t write_pieces(void *context, size_t channel, const struct iovec *pieces,
                              size_t count, struct text *failure)
{
    (void)context, (void)channel, (void)failure;
    return (ptrdiff_t)iov_size(pieces, (unsigned int)count);
}

static ptrdiff_t sink_write(void *context, size_t sink, const uint8_t *bytes, size_t len,
                            int *error)
{
    (void)context, (void)sink, (void)error;
    for (size_t i = 0; i < len; i++) {
        sum += bytes[i];
    }
    return (ptrdiff_t)len;
}

static ptrdiff_t works(void *context, size_t channel)
{
    (void)context, (void)channel;
    return 0;
}

static ptrdiff_t close_channel(void *context, size_t channel, struct text *failure)
{
    (void)context, (void)channel, (void)failure;
    return 0;
}

static ptrdiff_t closed(void *context)
{
    (void)context;
    return 0;
}

/* A compressor that stores: as zlib does at level 0, but for the headers. */
static int store(z_stream *stream, int flush)
{
    size_t len = MIN(stream->avail_in, stream->avail_out);

    (void)flush;
    memcpy(stream->next_out, stream->next_in, len);
    stream->next_out += len;
    return Z_STREAM_END;
}

static int reset(z_stream *stream)
{
    (void)stream;
    return Z_OK;
}

static unsigned long bound(unsigned long len)
{
    return len;
}

static const struct zlib zlib = {
    .deflate = store,
    .deflate_reset = reset,
    .compress_bound = bound,
};

static ptrdiff_t observed(void *context, uint32_t channel_call, int error)
{
    (void)context, (void)channel_call, (void)error;
    return 0;
}

static struct host reference_host = {
    .read = read_input,
    .write_pieces = write_pieces,
    .sink_write = sink_write,
    .reference = works,
    .unreference = works,
    .close = close_channel,
    .closed = closed,
    .can_seek = works,
    .can_pass = works,
    .observed = observed,
    .zlib = &zlib,
};

static z_stream compressor;

/* One call on a stream; what comes back. */
static struct call run(enum function function, QEMUFile *file, int64_t value, size_t len)
{
    struct call call = {
        .function = function,
        .file = file,
        .other = file,
        .stream = &compressor,
        .bytes = input,
        .len = len,
        .value = value,
    };

    if (function == SET_ERROR_OBJ) {
        call.text = (struct text) { "set", 3 };
    } else if (function == GET_TO_FD) {
        call.value = 0;
    }
    reference_run(&reference_host, &call);
    if (call.ending != RETURNED) {
        printf("a call ended otherwise: %u in line %u\n", call.ending, call.line);
        exit(3);
    }
    return call;
}

static QEMUFile *open_stream(enum function function)
{
    return run(function, NULL, 0, 0).made;
}

static void is(const char *name, const char *wanted, void (*body)(void))
{
    if (strcmp(name, wanted) == 0) {
        body();
        puts("came to its end");
        exit(0);
    }
}

/* A stream that reads is put to until the cursor has left the buffer. */
static void put_to_a_reader(void)
{
    QEMUFile *file = open_stream(NEW_INPUT);

    for (int i = 0; i <= BUFFER; i++) {
        run(PUT_BYTE, file, i, 0);
    }
}

/* The same, and then more is read: behind what was put, there is less than nothing. */
static void read_after_a_put(void)
{
    QEMUFile *file = open_stream(NEW_INPUT);

    for (int i = 0; i < 5000; i++) {
        run(PUT_BYTE, file, i, 0);
    }
    run(GET_BYTE, file, 0, 0);
}

static void copy_from_a_writer(void)
{
    QEMUFile *file = open_stream(NEW_OUTPUT);

    run(PUT_BYTE, file, 1, 0);
    run(GET_TO_FD, file, 0, 3 * BUFFER);
}

static void skip_on_a_writer(void)
{
    run(SKIP, open_stream(NEW_OUTPUT), 1, 0);
}

static void get_nothing_from_a_writer(void)
{
    run(GET_BUFFER, open_stream(NEW_OUTPUT), 0, 0);
}

static void skip_back(void)
{
    QEMUFile *file = open_stream(NEW_INPUT);

    run(GET_BYTE, file, 0, 0);
    run(SKIP, file, -10, 0);
    run(GET_BYTE, file, 0, 0);
}

static void skip_over_the_end(void)
{
    QEMUFile *file = open_stream(NEW_INPUT);

    run(GET_BYTE, file, 0, 0);
    run(SKIP, file, INT_MAX, 0);
    run(GET_BYTE, file, 0, 0);
}

static void peek_back(void)
{
    QEMUFile *file = open_stream(NEW_INPUT);

    run(PEEK_BYTE, file, 0, 0);
    run(PEEK_BYTE, file, -5, 0);
}

static void compress_without_room(void)
{
    QEMUFile *file = open_stream(NEW_OUTPUT);

    run(PUT_BUFFER, file, 0, BUFFER - 2);
    run(PUT_COMPRESSION_DATA, file, 0, BUFFER);
}

static void put_into_itself(void)
{
    QEMUFile *file = open_stream(NEW_OUTPUT);

    run(PUT_BUFFER, file, 0, 30000);
    run(PUT_QEMU_FILE, file, 0, 0);
}

/* Nothing that is undefined: all memory is given back. */
static void close_after_an_error(void)
{
    QEMUFile *file = open_stream(NEW_OUTPUT);

    run(SET_ERROR_OBJ, file, -5, 0);
    run(FCLOSE, file, 0, 0);
}

int main(int count, char **arguments)
{
    const char *name = count == 2 ? arguments[1] : "";

    is(name, "put-to-a-reader", put_to_a_reader);
    is(name, "read-after-a-put", read_after_a_put);
    is(name, "copy-from-a-writer", copy_from_a_writer);
    is(name, "skip-on-a-writer", skip_on_a_writer);
    is(name, "get-nothing-from-a-writer", get_nothing_from_a_writer);
    is(name, "skip-back", skip_back);
    is(name, "skip-over-the-end", skip_over_the_end);
    is(name, "peek-back", peek_back);
    is(name, "compress-without-room", compress_without_room);
    is(name, "put-into-itself", put_into_itself);
    is(name, "close-after-an-error", close_after_an_error);
    printf("no such case: %s\n", name);
    return 2;
}
