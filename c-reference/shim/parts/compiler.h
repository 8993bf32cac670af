/* Words for the compiler, assertions, atomics. */
#ifndef REFERENCE_COMPILER_H
#define REFERENCE_COMPILER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define G_LIKELY(condition) likely(condition)
#define G_UNLIKELY(condition) unlikely(condition)
#define coroutine_fn
#define coroutine_mixed_fn
#define no_coroutine_fn
#define QEMU_NORETURN __attribute__((noreturn))
#define QEMU_PACKED __attribute__((packed))
#define QEMU_ALIGNED(to) __attribute__((aligned(to)))
#define QEMU_ALWAYS_INLINE __attribute__((always_inline))
#define QEMU_WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#define QEMU_FALLTHROUGH __attribute__((fallthrough))
#define QEMU_SENTINEL __attribute__((sentinel))
#define QEMU_USED __attribute__((used))
#define QEMU_ERROR(text) __attribute__((error(text)))
#define QEMU_BUILD_BUG_MSG(condition, text) _Static_assert(!(condition), text)
#define QEMU_BUILD_BUG_ON(condition) QEMU_BUILD_BUG_MSG(condition, "not expecting: " #condition)
#define QEMU_BUILD_BUG_ON_STRUCT(condition) \
    struct { int : (condition) ? -1 : 1; }
#define QEMU_BUILD_BUG_ON_ZERO(condition) \
    (sizeof(QEMU_BUILD_BUG_ON_STRUCT(condition)) - sizeof(QEMU_BUILD_BUG_ON_STRUCT(condition)))
#define G_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#define G_GNUC_UNUSED __attribute__((unused))
#define G_GNUC_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#define G_GNUC_WARN_UNUSED_RESULT QEMU_WARN_UNUSED_RESULT
#define G_GNUC_NORETURN QEMU_NORETURN
#define PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#define xglue(a, b) a##b
#define glue(a, b) xglue(a, b)
#define stringify(words) tostring(words)
#define tostring(words) #words
#define G_STRFUNC __func__
#define typeof_field(type, field) __typeof__(((type *)0)->field)
#define sizeof_field(type, field) sizeof(((type *)0)->field)
#undef container_of
#define container_of(place, type, field)                                       \
    ({                                                                         \
        const __typeof__(((type *)0)->field) *container_field = (place);       \
        (type *)((char *)container_field - offsetof(type, field));             \
    })
#define DO_UPCAST(type, field, place) container_of(place, type, field)

/*
 * An assertion goes back to the shim's entry. Which one it is of its function
 * is counted over this table, in the order in which the file has them.
 */
struct reference_site {
    const char *function;
    const char *expression;
    unsigned int order;
    unsigned int line;
};

_Noreturn void reference_asserted(const struct reference_site *site);
_Noreturn void reference_assertion(unsigned int line, const char *expression);

#if defined(__has_attribute)
#if __has_attribute(retain)
#define REFERENCE_RETAIN , retain
#endif
#endif
#ifndef REFERENCE_RETAIN
#define REFERENCE_RETAIN
#endif

#ifdef __APPLE__
#define REFERENCE_SITES __attribute__((section("__DATA,refsites"), used, aligned(sizeof(void *)) REFERENCE_RETAIN))
#else
#define REFERENCE_SITES __attribute__((section("reference_sites"), used, aligned(sizeof(void *)) REFERENCE_RETAIN))
#endif

#define REFERENCE_SITE(text)                                                   \
    ({                                                                         \
        static const struct reference_site site = {                            \
            __func__, text, __COUNTER__, __LINE__,                             \
        };                                                                     \
        REFERENCE_SITES static const struct reference_site *const listed = &site; \
        listed;                                                                \
    })

#include "assertion.h"
#define g_assert(condition) assert(condition)
#define g_assert_true(condition) assert(condition)
#define g_assert_false(condition) assert(!(condition))
#define g_assert_null(place) assert((place) == NULL)
#define g_assert_nonnull(place) assert((place) != NULL)
#define g_assert_cmpint(a, compared, b) assert((a) compared (b))
#define g_assert_cmpuint(a, compared, b) assert((a) compared (b))
#define g_assert_cmphex(a, compared, b) assert((a) compared (b))
#define g_assert_cmpstr(a, compared, b) assert(g_strcmp0(a, b) compared 0)
#define g_assert_not_reached() reference_asserted(REFERENCE_SITE("not reached"))
#define qemu_build_not_reached() g_assert_not_reached()
#define g_return_if_fail(condition)                                            \
    do {                                                                       \
        if (!(condition)) {                                                    \
            return;                                                            \
        }                                                                      \
    } while (0)
#define g_return_val_if_fail(condition, value)                                 \
    do {                                                                       \
        if (!(condition)) {                                                    \
            return (value);                                                    \
        }                                                                      \
    } while (0)
#define g_warn_if_fail(condition) ((void)(condition))
#define g_warn_if_reached() ((void)0)

/* Atomics. */
#define qatomic_read(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define qatomic_read__nocheck(place) qatomic_read(place)
#define qatomic_set(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define qatomic_set__nocheck(place, value) qatomic_set(place, value)
#define qatomic_load_acquire(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define qatomic_store_release(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)
#define qatomic_mb_read(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define qatomic_mb_set(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#define qatomic_set_mb(place, value) qatomic_mb_set(place, value)
#define qatomic_read_u64(place) qatomic_read(place)
#define qatomic_read_i64(place) qatomic_read(place)
#define qatomic_set_u64(place, value) qatomic_set(place, value)
#define qatomic_set_i64(place, value) qatomic_set(place, value)
#define qatomic_rcu_read(place) __atomic_load_n(place, __ATOMIC_CONSUME)
#define qatomic_rcu_set(place, value) qatomic_store_release(place, value)
#define qatomic_xchg(place, value) __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST)
#define qatomic_cmpxchg(place, old, new)                                       \
    ({                                                                         \
        __typeof__(*(place)) expected = (old);                                 \
        (void)__atomic_compare_exchange_n(place, &expected, new, 0,            \
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        expected;                                                              \
    })
#define qatomic_fetch_add(place, more) __atomic_fetch_add(place, more, __ATOMIC_SEQ_CST)
#define qatomic_fetch_sub(place, less) __atomic_fetch_sub(place, less, __ATOMIC_SEQ_CST)
#define qatomic_fetch_and(place, mask) __atomic_fetch_and(place, mask, __ATOMIC_SEQ_CST)
#define qatomic_fetch_or(place, mask) __atomic_fetch_or(place, mask, __ATOMIC_SEQ_CST)
#define qatomic_fetch_xor(place, mask) __atomic_fetch_xor(place, mask, __ATOMIC_SEQ_CST)
#define qatomic_fetch_inc(place) qatomic_fetch_add(place, 1)
#define qatomic_fetch_dec(place) qatomic_fetch_sub(place, 1)
#define qatomic_inc_fetch(place) __atomic_add_fetch(place, 1, __ATOMIC_SEQ_CST)
#define qatomic_dec_fetch(place) __atomic_sub_fetch(place, 1, __ATOMIC_SEQ_CST)
#define qatomic_add_fetch(place, more) __atomic_add_fetch(place, more, __ATOMIC_SEQ_CST)
#define qatomic_sub_fetch(place, less) __atomic_sub_fetch(place, less, __ATOMIC_SEQ_CST)
#define qatomic_inc(place) ((void)qatomic_fetch_add(place, 1))
#define qatomic_dec(place) ((void)qatomic_fetch_sub(place, 1))
#define qatomic_add(place, more) ((void)qatomic_fetch_add(place, more))
#define qatomic_sub(place, less) ((void)qatomic_fetch_sub(place, less))
#define qatomic_and(place, mask) ((void)qatomic_fetch_and(place, mask))
#define qatomic_or(place, mask) ((void)qatomic_fetch_or(place, mask))
#define barrier() __asm__ volatile("" ::: "memory")
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_mb_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_mb_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb() smp_mb_acquire()
#define smp_wmb() smp_mb_release()
#define smp_mb__before_rmw() smp_mb()
#define smp_mb__after_rmw() smp_mb()
#define smp_read_barrier_depends() barrier()

#endif
