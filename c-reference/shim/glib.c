/* The functions of parts/glib.h. */
#include "qemu/osdep.h"
#include "internal.h"
#include "format.h"

void reference_at(const char *function, unsigned int line)
{
    reference_frame->call->function_name = function;
    reference_frame->call->line = line;
}

void *reference_allocate(size_t len)
{
    enum block_kind kind = len == reference_layout.file ? BLOCK_STREAM : BLOCK_BUFFER;
    void *memory;

    if (len == 0) {
        return NULL;
    }
    if (len > PTRDIFF_MAX / 2) {
        reference_fault(BAD_ARGUMENT);
    }
    memory = reference_block(kind, len);
    if (kind == BLOCK_STREAM) {
        reference_frame->call->made = memory;
    }
    return memory;
}

void *reference_allocate_n(size_t count, size_t len)
{
    size_t whole;

    if (__builtin_mul_overflow(count, len, &whole)) {
        reference_fault(BAD_ARGUMENT);
    }
    return reference_allocate(whole);
}

void *reference_reallocate(void *memory, size_t len)
{
    void *larger = reference_allocate(len);

    if (memory && larger) {
        size_t was = reference_block_len(memory);

        memcpy(larger, memory, was < len ? was : len);
    }
    reference_free(memory);
    return larger;
}

void reference_free(void *memory)
{
    reference_unblock(memory);
}

void *reference_memdup(const void *memory, size_t len)
{
    void *copy = memory ? reference_allocate(len) : NULL;

    return copy ? memcpy(copy, memory, len) : NULL;
}

char *reference_strndup(const char *text, size_t len)
{
    char *copy;

    if (!text) {
        return NULL;
    }
    len = strnlen(text, len);
    copy = reference_allocate(len + 1);
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

char *reference_strdup(const char *text)
{
    return text ? reference_memdup(text, strlen(text) + 1) : NULL;
}

void g_free(gpointer memory)
{
    reference_free(memory);
}

gpointer g_malloc(gsize len)
{
    return reference_allocate(len);
}

gpointer g_malloc0(gsize len)
{
    return reference_allocate(len);
}

gchar *g_strdup(const gchar *text)
{
    return reference_strdup(text);
}

gchar *g_strconcat(const gchar *first, ...)
{
    struct string text = { 0 };
    va_list arguments;
    char *copy;

    va_start(arguments, first);
    for (const char *part = first; part; part = va_arg(arguments, const char *)) {
        append_text(&text, part);
    }
    va_end(arguments);
    append(&text, "", 1);
    copy = reference_memdup(text.start, text.len);
    free(text.start);
    return copy;
}

char *reference_strdup_vprintf(const char *format, va_list arguments)
{
    struct string text = { 0 };
    char *copy;

    compose(&text, host(), format, arguments);
    copy = reference_allocate(text.len + 1);
    if (text.len) {
        memcpy(copy, text.start, text.len);
    }
    copy[text.len] = 0;
    free(text.start);
    return copy;
}

char *reference_strdup_printf(const char *format, ...)
{
    va_list arguments;
    char *copy;

    va_start(arguments, format);
    copy = reference_strdup_vprintf(format, arguments);
    va_end(arguments);
    return copy;
}

/* memcpy is undefined where its two sides share bytes, whatever the machine makes of it. */
void *reference_memcpy(void *to, const void *from, size_t len)
{
    uintptr_t a = (uintptr_t)to, b = (uintptr_t)from;

    if (len && a < b + len && b < a + len) {
        reference_fault(OVERLAPPING_COPY);
    }
    return len ? memcpy(to, from, len) : to;
}

size_t g_strlcpy(char *to, const char *from, size_t room)
{
    size_t len = strlen(from), part = len < room ? len : room - (room > 0);

    if (room) {
        memcpy(to, from, part);
        to[part] = 0;
    }
    return len;
}

/* Growing texts and arrays. */

GString *g_string_new(const gchar *text)
{
    GString *string = reference_allocate(sizeof(*string));

    string->str = reference_allocate(1);
    string->allocated_len = 1;
    return text ? g_string_append(string, text) : string;
}

GString *g_string_append_len(GString *string, const gchar *text, gssize count)
{
    size_t len = count < 0 ? strlen(text) : (size_t)count;

    if (string->allocated_len - string->len <= len) {
        string->allocated_len = (string->len + len + 1) * 2;
        string->str = reference_reallocate(string->str, string->allocated_len);
    }
    memcpy(string->str + string->len, text, len);
    string->len += len;
    string->str[string->len] = 0;
    return string;
}

GString *g_string_append(GString *string, const gchar *text)
{
    return g_string_append_len(string, text, -1);
}

GString *g_string_append_c(GString *string, gchar letter)
{
    return g_string_append_len(string, &letter, 1);
}

static void append_composed(GString *string, const gchar *format, va_list arguments)
{
    struct string text = { 0 };

    compose(&text, host(), format, arguments);
    if (text.len) {
        g_string_append_len(string, text.start, (gssize)text.len);
    }
    free(text.start);
}

void g_string_append_printf(GString *string, const gchar *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append_composed(string, format, arguments);
    va_end(arguments);
}

void g_string_printf(GString *string, const gchar *format, ...)
{
    va_list arguments;

    g_string_truncate(string, 0);
    va_start(arguments, format);
    append_composed(string, format, arguments);
    va_end(arguments);
}

GString *g_string_truncate(GString *string, gsize len)
{
    if (len < string->len) {
        string->len = len;
        string->str[len] = 0;
    }
    return string;
}

gchar *g_string_free(GString *string, gboolean with_text)
{
    gchar *text = string->str;

    reference_free(string);
    if (with_text) {
        reference_free(text);
        text = NULL;
    }
    return text;
}

GPtrArray *g_ptr_array_new_with_free_func(GDestroyNotify destroy)
{
    GPtrArray *array = reference_allocate(sizeof(*array));

    array->destroy = destroy;
    return array;
}

void g_ptr_array_add(GPtrArray *array, gpointer item)
{
    if (array->len == array->room) {
        array->room = array->room * 2 + 4;
        array->pdata = reference_reallocate(array->pdata, array->room * sizeof(*array->pdata));
    }
    array->pdata[array->len++] = item;
}

gpointer *g_ptr_array_free(GPtrArray *array, gboolean with_items)
{
    gpointer *items = array->pdata;

    for (guint i = 0; with_items && array->destroy && i < array->len; i++) {
        array->destroy(items[i]);
    }
    reference_free(array);
    if (with_items) {
        reference_free(items);
        items = NULL;
    }
    return items;
}

GSList *g_slist_prepend(GSList *list, gpointer item)
{
    GSList *front = reference_allocate(sizeof(*front));

    front->data = item;
    front->next = list;
    return front;
}

GSList *g_slist_append(GSList *list, gpointer item)
{
    GSList *last = g_slist_prepend(NULL, item), **place = &list;

    while (*place) {
        place = &(*place)->next;
    }
    *place = last;
    return list;
}

void g_slist_free_full(GSList *list, GDestroyNotify destroy)
{
    while (list) {
        GSList *next = list->next;

        if (destroy) {
            destroy(list->data);
        }
        reference_free(list);
        list = next;
    }
}

GByteArray *g_byte_array_new(void)
{
    return reference_allocate(sizeof(GByteArray));
}

GByteArray *g_byte_array_append(GByteArray *array, const guint8 *bytes, guint len)
{
    if (len) {
        array->data = reference_reallocate(array->data, array->len + len);
        memcpy(array->data + array->len, bytes, len);
        array->len += len;
    }
    return array;
}

guint8 *g_byte_array_free(GByteArray *array, gboolean with_bytes)
{
    guint8 *bytes = array->data;

    reference_free(array);
    if (with_bytes) {
        reference_free(bytes);
        bytes = NULL;
    }
    return bytes;
}
