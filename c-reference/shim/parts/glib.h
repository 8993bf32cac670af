/* What a patch to this file may take from glib. Memory: in_file.h and glib.c. */
#ifndef REFERENCE_GLIB_H
#define REFERENCE_GLIB_H

typedef int gint;
typedef unsigned int guint;
typedef char gchar;
typedef unsigned char guchar;
typedef int gboolean;
typedef void *gpointer;
typedef const void *gconstpointer;
typedef size_t gsize;
typedef ssize_t gssize;
typedef long glong;
typedef unsigned long gulong;
typedef int8_t gint8;
typedef uint8_t guint8;
typedef int16_t gint16;
typedef uint16_t guint16;
typedef int32_t gint32;
typedef uint32_t guint32;
typedef int64_t gint64;
typedef uint64_t guint64;
typedef double gdouble;
typedef void (*GDestroyNotify)(gpointer);
typedef void (*GFunc)(gpointer, gpointer);
typedef gint (*GCompareFunc)(gconstpointer, gconstpointer);
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#define G_MAXSIZE SIZE_MAX
#define G_MAXINT INT_MAX
#define G_MAXUINT UINT_MAX
#define G_MAXINT64 INT64_MAX
#define G_MAXUINT64 UINT64_MAX
#define G_USEC_PER_SEC 1000000
#define G_IO_IN 1
#define G_IO_PRI 2
#define G_IO_OUT 4
#define G_IO_ERR 8
#define G_IO_HUP 16
typedef int GIOCondition;
#define GINT_TO_POINTER(number) ((gpointer)(intptr_t)(number))
#define GPOINTER_TO_INT(place) ((gint)(intptr_t)(place))
#define GUINT_TO_POINTER(number) ((gpointer)(uintptr_t)(number))
#define GPOINTER_TO_UINT(place) ((guint)(uintptr_t)(place))

/* As functions, for who hands one on; a call of one notes its place first. */
void g_free(gpointer memory);
gpointer g_malloc(gsize len);
gpointer g_malloc0(gsize len);
gchar *g_strdup(const gchar *text);

void reference_at(const char *function, unsigned int line);
void *reference_allocate(size_t len);
void *reference_allocate_n(size_t count, size_t len);
void *reference_reallocate(void *memory, size_t len);
void reference_free(void *memory);
char *reference_strdup(const char *text);
char *reference_strndup(const char *text, size_t len);
char *reference_strdup_printf(const char *format, ...) PRINTF(1, 2);
char *reference_strdup_vprintf(const char *format, va_list arguments) PRINTF(1, 0);
void *reference_memdup(const void *memory, size_t len);
void *reference_memcpy(void *to, const void *from, size_t len);

static inline void reference_autofree(void *place)
{
    reference_free(*(void **)place);
}
#define g_autofree __attribute__((cleanup(reference_autofree)))
#define g_autoptr(type) \
    __attribute__((cleanup(reference_autoptr_##type))) type *
#define g_auto(type) __attribute__((cleanup(reference_auto_##type))) type
#define G_DEFINE_AUTOPTR_CLEANUP_FUNC(type, destroy)                           \
    static inline void reference_autoptr_##type(type **place)                  \
    {                                                                          \
        if (*place) {                                                          \
            (destroy)(*place);                                                 \
        }                                                                      \
    }
#define G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(type, clear)                          \
    static inline void reference_auto_##type(type *place) { (clear)(place); }
#define g_steal_pointer(place)                                                 \
    ({                                                                         \
        __typeof__(*(place)) stolen = *(place);                                \
        *(place) = NULL;                                                       \
        stolen;                                                                \
    })
#define g_clear_pointer(place, destroy)                                        \
    do {                                                                       \
        __typeof__(*(place)) cleared = *(place);                               \
        *(place) = NULL;                                                       \
        if (cleared) {                                                         \
            destroy(cleared);                                                  \
        }                                                                      \
    } while (0)

static inline int g_strcmp0(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}
#define g_str_equal(a, b) (strcmp(a, b) == 0)
#define g_str_has_prefix(text, prefix) (strncmp(text, prefix, strlen(prefix)) == 0)
static inline int g_str_has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), end = strlen(suffix);

    return len >= end && strcmp(text + len - end, suffix) == 0;
}
gchar *g_strconcat(const gchar *first, ...) __attribute__((sentinel));
size_t g_strlcpy(char *to, const char *from, size_t room);
#define pstrcpy(to, room, from) ((void)g_strlcpy(to, from, room))
#define g_snprintf snprintf
#define g_vsnprintf vsnprintf
#define g_strerror strerror
#define g_print printf
#define g_printerr(...) fprintf(stderr, __VA_ARGS__)
#define g_usleep(time) usleep(time)
#define g_get_monotonic_time() (qemu_clock_get_ns(QEMU_CLOCK_REALTIME) / 1000)
#define G_GNUC_FALLTHROUGH QEMU_FALLTHROUGH
#define g_warning(...) warn_report(__VA_ARGS__)
#define g_critical(...) error_report(__VA_ARGS__)
#define g_debug(...) ((void)0)

/* Growing texts and arrays. */
typedef struct GString {
    gchar *str;
    gsize len;
    gsize allocated_len;
} GString;
GString *g_string_new(const gchar *text);
GString *g_string_append(GString *string, const gchar *text);
GString *g_string_append_len(GString *string, const gchar *text, gssize len);
GString *g_string_append_c(GString *string, gchar letter);
void g_string_append_printf(GString *string, const gchar *format, ...) PRINTF(2, 3);
void g_string_printf(GString *string, const gchar *format, ...) PRINTF(2, 3);
GString *g_string_truncate(GString *string, gsize len);
gchar *g_string_free(GString *string, gboolean with_text);
#define g_string_sized_new(len) ((void)(len), g_string_new(NULL))
#define g_string_assign(string, text) g_string_append(g_string_truncate(string, 0), text)

typedef struct GPtrArray {
    gpointer *pdata;
    guint len;
    GDestroyNotify destroy;
    guint room;
} GPtrArray;
GPtrArray *g_ptr_array_new_with_free_func(GDestroyNotify destroy);
#define g_ptr_array_new() g_ptr_array_new_with_free_func(NULL)
void g_ptr_array_add(GPtrArray *array, gpointer item);
gpointer *g_ptr_array_free(GPtrArray *array, gboolean with_items);
#define g_ptr_array_unref(array) ((void)g_ptr_array_free(array, TRUE))
#define g_ptr_array_index(array, index) ((array)->pdata[index])

/* Lists. */
typedef struct GSList {
    gpointer data;
    struct GSList *next;
} GSList;
GSList *g_slist_prepend(GSList *list, gpointer item);
GSList *g_slist_append(GSList *list, gpointer item);
void g_slist_free_full(GSList *list, GDestroyNotify destroy);
#define g_slist_free(list) g_slist_free_full(list, NULL)

typedef struct GByteArray {
    guint8 *data;
    guint len;
} GByteArray;
GByteArray *g_byte_array_new(void);
GByteArray *g_byte_array_append(GByteArray *array, const guint8 *bytes, guint len);
guint8 *g_byte_array_free(GByteArray *array, gboolean with_bytes);

static inline void reference_free_string(GString *string)
{
    g_string_free(string, TRUE);
}
static inline void reference_free_pointers(GPtrArray *array)
{
    g_ptr_array_free(array, TRUE);
}
static inline void reference_free_bytes(GByteArray *array)
{
    g_byte_array_free(array, TRUE);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GString, reference_free_string)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GPtrArray, reference_free_pointers)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GByteArray, reference_free_bytes)

#endif
