/* Texts put together as printf does, but for addresses, which the host names. */
#ifndef REFERENCE_FORMAT_H
#define REFERENCE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

struct host;

struct string {
    char *start;
    size_t len;
    size_t room;
};

void append(struct string *string, const char *bytes, size_t len);
void append_text(struct string *string, const char *text);
void compose(struct string *string, struct host *host, const char *format,
             va_list arguments);

#endif
