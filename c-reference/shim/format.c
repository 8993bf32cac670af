/*
 * An address differs from run to run and from subject to subject, so a message
 * that prints one could never be compared: the host says in its place what lies
 * there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "format.h"

void append(struct string *string, const char *bytes, size_t len)
{
    if (string->room - string->len < len) {
        size_t room = (string->len + len) * 2;
        char *start = realloc(string->start, room);

        if (!start) {
            fputs("c-reference: out of memory\n", stderr);
            abort();
        }
        string->start = start;
        string->room = room;
    }
    if (len) {
        memcpy(string->start + string->len, bytes, len);
        string->len += len;
    }
}

void append_text(struct string *string, const char *text)
{
    append(string, text ? text : "(null)", text ? strlen(text) : 6);
}

static long long signed_argument(const char *width, va_list *arguments)
{
    if (strstr(width, "ll") || *width == 'j') {
        return va_arg(*arguments, long long);
    }
    if (*width == 'l') {
        return va_arg(*arguments, long);
    }
    if (*width == 'z' || *width == 't') {
        return va_arg(*arguments, ptrdiff_t);
    }
    return va_arg(*arguments, int);
}

static unsigned long long unsigned_argument(const char *width, va_list *arguments)
{
    if (strstr(width, "ll") || *width == 'j') {
        return va_arg(*arguments, unsigned long long);
    }
    if (*width == 'l') {
        return va_arg(*arguments, unsigned long);
    }
    if (*width == 'z' || *width == 't') {
        return va_arg(*arguments, size_t);
    }
    return va_arg(*arguments, unsigned int);
}

/*
 * `format` stands behind a '%'. Returns what follows the conversion, or NULL
 * where it is none that messages use.
 */
static const char *convert(struct string *string, struct host *host,
                           const char *format, va_list *arguments)
{
    size_t flags = strspn(format, "-+ #0123456789.");
    size_t width = strspn(format + flags, "hljzt");
    const char conversion = format[flags + width];
    char widths[8] = "", spec[32], place[512];
    int len = 0;

    if (flags > 16 || width > 2) {
        return NULL;
    }
    memcpy(widths, format + flags, width);
    switch (conversion) {
    case '%':
        append(string, "%", 1);
        break;
    case 's':
        append_text(string, va_arg(*arguments, const char *));
        break;
    case 'p':
        len = (int)host->describe(host->context, va_arg(*arguments, const void *),
                                  place, sizeof(place));
        append(string, place, (size_t)len);
        break;
    case 'c':
        place[0] = (char)va_arg(*arguments, int);
        append(string, place, 1);
        break;
    case 'd':
    case 'i':
        snprintf(spec, sizeof(spec), "%%%.*sll%c", (int)flags, format, conversion);
        len = snprintf(place, sizeof(place), spec, signed_argument(widths, arguments));
        append(string, place, (size_t)len < sizeof(place) ? (size_t)len : sizeof(place) - 1);
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        snprintf(spec, sizeof(spec), "%%%.*sll%c", (int)flags, format, conversion);
        len = snprintf(place, sizeof(place), spec, unsigned_argument(widths, arguments));
        append(string, place, (size_t)len < sizeof(place) ? (size_t)len : sizeof(place) - 1);
        break;
    default:
        return NULL;
    }
    return format + flags + width + 1;
}

void compose(struct string *string, struct host *host, const char *format,
             va_list arguments)
{
    va_list rest;

    va_copy(rest, arguments);
    while (*format) {
        size_t plain = strcspn(format, "%");
        const char *after;

        append(string, format, plain);
        format += plain;
        if (!*format) {
            break;
        }
        after = convert(string, host, format + 1, &rest);
        if (!after) {
            append_text(string, format);
            break;
        }
        format = after;
    }
    va_end(rest);
}
