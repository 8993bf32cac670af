/* The lists of qemu/queue.h. */
#ifndef REFERENCE_QUEUE_H
#define REFERENCE_QUEUE_H

/* With one link and a pointer to what points here: QLIST and QTAILQ. */
#define REFERENCE_UNLINK(item, field)                                          \
    do {                                                                       \
        *(item)->field.previous = (item)->field.next;                          \
        (item)->field.next = NULL;                                             \
        (item)->field.previous = NULL;                                         \
    } while (0)
#define REFERENCE_EACH(item, first, field) \
    for ((item) = (first); (item); (item) = (item)->field.next)
#define REFERENCE_EACH_SAFE(item, first, field, following)                     \
    for ((item) = (first); (item) && ((following) = (item)->field.next, 1);    \
         (item) = (following))

#define QLIST_HEAD(name, type) struct name { struct type *first; }
#define QLIST_ENTRY(type) struct { struct type *next; struct type **previous; }
#define QLIST_HEAD_INITIALIZER(head) { NULL }
#define QLIST_INIT(head) ((void)((head)->first = NULL))
#define QLIST_EMPTY(head) ((head)->first == NULL)
#define QLIST_FIRST(head) ((head)->first)
#define QLIST_NEXT(item, field) ((item)->field.next)
#define QLIST_IS_INSERTED(item, field) ((item)->field.previous != NULL)
#define QLIST_INSERT_HEAD(head, item, field)                                   \
    do {                                                                       \
        (item)->field.next = (head)->first;                                    \
        if ((head)->first) {                                                   \
            (head)->first->field.previous = &(item)->field.next;               \
        }                                                                      \
        (head)->first = (item);                                                \
        (item)->field.previous = &(head)->first;                               \
    } while (0)
#define QLIST_INSERT_AFTER(before, item, field)                                \
    do {                                                                       \
        (item)->field.next = (before)->field.next;                             \
        if ((item)->field.next) {                                              \
            (item)->field.next->field.previous = &(item)->field.next;          \
        }                                                                      \
        (before)->field.next = (item);                                         \
        (item)->field.previous = &(before)->field.next;                        \
    } while (0)
#define QLIST_REMOVE(item, field)                                              \
    do {                                                                       \
        if ((item)->field.next) {                                              \
            (item)->field.next->field.previous = (item)->field.previous;       \
        }                                                                      \
        REFERENCE_UNLINK(item, field);                                         \
    } while (0)
#define QLIST_FOREACH(item, head, field) REFERENCE_EACH(item, (head)->first, field)
#define QLIST_FOREACH_SAFE(item, head, field, following) \
    REFERENCE_EACH_SAFE(item, (head)->first, field, following)

#define QTAILQ_HEAD(name, type) struct name { struct type *first; struct type **last; }
#define QTAILQ_ENTRY(type) QLIST_ENTRY(type)
#define QTAILQ_HEAD_INITIALIZER(head) { NULL, &(head).first }
#define QTAILQ_INIT(head) ((void)((head)->first = NULL, (head)->last = &(head)->first))
#define QTAILQ_EMPTY(head) QLIST_EMPTY(head)
#define QTAILQ_FIRST(head) QLIST_FIRST(head)
#define QTAILQ_NEXT(item, field) QLIST_NEXT(item, field)
#define QTAILQ_IN_USE(item, field) QLIST_IS_INSERTED(item, field)
#define QTAILQ_INSERT_HEAD(head, item, field)                                  \
    do {                                                                       \
        if (!(head)->first) {                                                  \
            (head)->last = &(item)->field.next;                                \
        }                                                                      \
        QLIST_INSERT_HEAD(head, item, field);                                  \
    } while (0)
#define QTAILQ_INSERT_TAIL(head, item, field)                                  \
    do {                                                                       \
        (item)->field.next = NULL;                                             \
        (item)->field.previous = (head)->last;                                 \
        *(head)->last = (item);                                                \
        (head)->last = &(item)->field.next;                                    \
    } while (0)
#define QTAILQ_INSERT_AFTER(head, before, item, field)                         \
    do {                                                                       \
        if (!(before)->field.next) {                                           \
            (head)->last = &(item)->field.next;                                \
        }                                                                      \
        QLIST_INSERT_AFTER(before, item, field);                               \
    } while (0)
#define QTAILQ_REMOVE(head, item, field)                                       \
    do {                                                                       \
        if (!(item)->field.next) {                                             \
            (head)->last = (item)->field.previous;                             \
        }                                                                      \
        QLIST_REMOVE(item, field);                                             \
    } while (0)
#define QTAILQ_FOREACH(item, head, field) REFERENCE_EACH(item, (head)->first, field)
#define QTAILQ_FOREACH_SAFE(item, head, field, following) \
    REFERENCE_EACH_SAFE(item, (head)->first, field, following)

#define QSLIST_HEAD(name, type) struct name { struct type *slh_first; }
#define QSLIST_ENTRY(type) struct { struct type *next; }
#define QSLIST_INIT(head) ((void)((head)->slh_first = NULL))
#define QSLIST_EMPTY(head) ((head)->slh_first == NULL)
#define QSLIST_FIRST(head) ((head)->slh_first)
#define QSLIST_NEXT(item, field) ((item)->field.next)
#define QSLIST_INSERT_HEAD(head, item, field) \
    ((void)((item)->field.next = (head)->slh_first, (head)->slh_first = (item)))
#define QSLIST_REMOVE_HEAD(head, field) \
    ((void)((head)->slh_first = (head)->slh_first->field.next))
#define QSLIST_FOREACH(item, head, field) REFERENCE_EACH(item, (head)->slh_first, field)
#define QSLIST_FOREACH_SAFE(item, head, field, following) \
    REFERENCE_EACH_SAFE(item, (head)->slh_first, field, following)

#define QSIMPLEQ_HEAD(name, type) struct name { struct type *first; struct type **last; }
#define QSIMPLEQ_ENTRY(type) QSLIST_ENTRY(type)
#define QSIMPLEQ_INIT(head) QTAILQ_INIT(head)
#define QSIMPLEQ_EMPTY(head) QLIST_EMPTY(head)
#define QSIMPLEQ_FIRST(head) QLIST_FIRST(head)
#define QSIMPLEQ_NEXT(item, field) QSLIST_NEXT(item, field)
#define QSIMPLEQ_INSERT_HEAD(head, item, field)                                \
    do {                                                                       \
        (item)->field.next = (head)->first;                                    \
        if (!(head)->first) {                                                  \
            (head)->last = &(item)->field.next;                                \
        }                                                                      \
        (head)->first = (item);                                                \
    } while (0)
#define QSIMPLEQ_INSERT_TAIL(head, item, field)                                \
    do {                                                                       \
        (item)->field.next = NULL;                                             \
        *(head)->last = (item);                                                \
        (head)->last = &(item)->field.next;                                    \
    } while (0)
#define QSIMPLEQ_REMOVE_HEAD(head, field)                                      \
    do {                                                                       \
        (head)->first = (head)->first->field.next;                             \
        if (!(head)->first) {                                                  \
            (head)->last = &(head)->first;                                     \
        }                                                                      \
    } while (0)
#define QSIMPLEQ_FOREACH(item, head, field) REFERENCE_EACH(item, (head)->first, field)
#define QSIMPLEQ_FOREACH_SAFE(item, head, field, following) \
    REFERENCE_EACH_SAFE(item, (head)->first, field, following)

#endif
