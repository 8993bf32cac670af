/* Numbers: least and greatest, rounding, units, byte order, bits. */
#ifndef REFERENCE_NUMBERS_H
#define REFERENCE_NUMBERS_H

#undef MIN
#undef MAX
#define REFERENCE_CHOICE(a, b, compared, one, two)                             \
    ({                                                                         \
        __typeof__(1 ? (a) : (b)) one = (a);                                   \
        __typeof__(1 ? (a) : (b)) two = (b);                                   \
        one compared two ? one : two;                                          \
    })
#define REFERENCE_JOINED(a, b) a##b
#define REFERENCE_NAMED(a, b) REFERENCE_JOINED(a, b)
#define REFERENCE_CHOOSE(a, b, compared, number)                               \
    REFERENCE_CHOICE(a, b, compared, REFERENCE_NAMED(reference_one_, number),  \
                     REFERENCE_NAMED(reference_two_, number))
#define MIN(a, b) REFERENCE_CHOOSE(a, b, <, __COUNTER__)
#define MAX(a, b) REFERENCE_CHOOSE(a, b, >, __COUNTER__)
/* Fit for the length of an array; not constant is not compilable. */
#define REFERENCE_CONSTANT(a, b, compared)                                     \
    __builtin_choose_expr(__builtin_constant_p(a) && __builtin_constant_p(b),  \
                          (a) compared (b) ? (a) : (b), (void)0)
#define MIN_CONST(a, b) REFERENCE_CONSTANT(a, b, <)
#define MAX_CONST(a, b) REFERENCE_CONSTANT(a, b, >)
#define MIN_NON_ZERO(a, b)                                                     \
    ({                                                                         \
        __typeof__(1 ? (a) : (b)) nonzero_one = (a);                           \
        __typeof__(1 ? (a) : (b)) nonzero_two = (b);                           \
        nonzero_one == 0 || (nonzero_two != 0 && nonzero_two < nonzero_one)    \
            ? nonzero_two : nonzero_one;                                       \
    })
#define CLAMP(value, low, high) MIN(MAX(value, low), high)
#define ABS(a) ((a) < 0 ? -(a) : (a))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define G_N_ELEMENTS(array) ARRAY_SIZE(array)
#define DIV_ROUND_UP(value, by) (((value) + (by) - 1) / (by))
#define QEMU_ALIGN_DOWN(value, to) ((value) / (to) * (to))
#define QEMU_ALIGN_UP(value, to) QEMU_ALIGN_DOWN((value) + (to) - 1, (to))
#define QEMU_IS_ALIGNED(value, to) (((value) % (to)) == 0)
#define QEMU_ALIGN_PTR_DOWN(place, to) ((__typeof__(place))QEMU_ALIGN_DOWN((uintptr_t)(place), (to)))
#define QEMU_ALIGN_PTR_UP(place, to) ((__typeof__(place))QEMU_ALIGN_UP((uintptr_t)(place), (to)))
#define QEMU_PTR_IS_ALIGNED(place, to) QEMU_IS_ALIGNED((uintptr_t)(place), (to))
#define ROUND_DOWN(value, to) ((value) & -(0 ? (value) : (__typeof__(value))(to)))
#define ROUND_UP(value, to) ROUND_DOWN((value) + (to) - 1, (to))
#define is_power_of_2(value) ((value) != 0 && ((value) & ((value) - 1)) == 0)

#define KiB (INT64_C(1) << 10)
#define MiB (INT64_C(1) << 20)
#define GiB (INT64_C(1) << 30)
#define TiB (INT64_C(1) << 40)

/* Byte order. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_BIG_ENDIAN 1
#define REFERENCE_BE(bits, value) (value)
#define REFERENCE_LE(bits, value) __builtin_bswap##bits(value)
#else
#define HOST_BIG_ENDIAN 0
#define REFERENCE_BE(bits, value) __builtin_bswap##bits(value)
#define REFERENCE_LE(bits, value) (value)
#endif
#undef bswap16
#undef bswap32
#undef bswap64
#define bswap16(value) __builtin_bswap16(value)
#define bswap32(value) __builtin_bswap32(value)
#define bswap64(value) __builtin_bswap64(value)
#define REFERENCE_ORDER(bits)                                                  \
    static inline uint##bits##_t cpu_to_be##bits(uint##bits##_t value)         \
    { return REFERENCE_BE(bits, value); }                                      \
    static inline uint##bits##_t be##bits##_to_cpu(uint##bits##_t value)       \
    { return REFERENCE_BE(bits, value); }                                      \
    static inline uint##bits##_t cpu_to_le##bits(uint##bits##_t value)         \
    { return REFERENCE_LE(bits, value); }                                      \
    static inline uint##bits##_t le##bits##_to_cpu(uint##bits##_t value)       \
    { return REFERENCE_LE(bits, value); }                                      \
    static inline void cpu_to_be##bits##s(uint##bits##_t *place)               \
    { *place = REFERENCE_BE(bits, *place); }                                   \
    static inline void be##bits##_to_cpus(uint##bits##_t *place)               \
    { *place = REFERENCE_BE(bits, *place); }                                   \
    static inline void cpu_to_le##bits##s(uint##bits##_t *place)               \
    { *place = REFERENCE_LE(bits, *place); }                                   \
    static inline void le##bits##_to_cpus(uint##bits##_t *place)               \
    { *place = REFERENCE_LE(bits, *place); }
REFERENCE_ORDER(16)
REFERENCE_ORDER(32)
REFERENCE_ORDER(64)

#define REFERENCE_LOAD(name, bits, type, order)                                \
    static inline type ld##name##_p(const void *place)                         \
    {                                                                          \
        uint##bits##_t value;                                                  \
        __builtin_memcpy(&value, place, sizeof(value));                        \
        return (type)order(bits, value);                                       \
    }
#define REFERENCE_STORE(name, bits, order)                                     \
    static inline void st##name##_p(void *place, uint##bits##_t value)         \
    {                                                                          \
        value = order(bits, value);                                            \
        __builtin_memcpy(place, &value, sizeof(value));                        \
    }
#define REFERENCE_AS_IS(bits, value) (value)
REFERENCE_LOAD(uw_be, 16, int, REFERENCE_BE)
REFERENCE_LOAD(uw_le, 16, int, REFERENCE_LE)
REFERENCE_LOAD(uw_he, 16, int, REFERENCE_AS_IS)
REFERENCE_LOAD(sw_be, 16, int16_t, REFERENCE_BE)
REFERENCE_LOAD(sw_le, 16, int16_t, REFERENCE_LE)
REFERENCE_LOAD(l_be, 32, int, REFERENCE_BE)
REFERENCE_LOAD(l_le, 32, int, REFERENCE_LE)
REFERENCE_LOAD(l_he, 32, int, REFERENCE_AS_IS)
REFERENCE_LOAD(q_be, 64, uint64_t, REFERENCE_BE)
REFERENCE_LOAD(q_le, 64, uint64_t, REFERENCE_LE)
REFERENCE_LOAD(q_he, 64, uint64_t, REFERENCE_AS_IS)
REFERENCE_STORE(w_be, 16, REFERENCE_BE)
REFERENCE_STORE(w_le, 16, REFERENCE_LE)
REFERENCE_STORE(w_he, 16, REFERENCE_AS_IS)
REFERENCE_STORE(l_be, 32, REFERENCE_BE)
REFERENCE_STORE(l_le, 32, REFERENCE_LE)
REFERENCE_STORE(l_he, 32, REFERENCE_AS_IS)
REFERENCE_STORE(q_be, 64, REFERENCE_BE)
REFERENCE_STORE(q_le, 64, REFERENCE_LE)
REFERENCE_STORE(q_he, 64, REFERENCE_AS_IS)
static inline int ldub_p(const void *place) { return *(const uint8_t *)place; }
static inline int ldsb_p(const void *place) { return *(const int8_t *)place; }
static inline void stb_p(void *place, uint8_t value) { *(uint8_t *)place = value; }

/* Bits. */
#define BITS_PER_BYTE CHAR_BIT
#define BITS_PER_LONG (CHAR_BIT * sizeof(unsigned long))
#define BITS_TO_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define BIT(bit) (1UL << (bit))
#define BIT_ULL(bit) (1ULL << (bit))
#define BIT_MASK(bit) (1UL << ((bit) % BITS_PER_LONG))
#define BIT_WORD(bit) ((bit) / BITS_PER_LONG)
#define MAKE_64BIT_MASK(shift, len) (((~0ULL) >> (64 - (len))) << (shift))

static inline void set_bit(long bit, unsigned long *map)
{
    map[BIT_WORD(bit)] |= BIT_MASK(bit);
}

static inline void clear_bit(long bit, unsigned long *map)
{
    map[BIT_WORD(bit)] &= ~BIT_MASK(bit);
}

static inline void change_bit(long bit, unsigned long *map)
{
    map[BIT_WORD(bit)] ^= BIT_MASK(bit);
}

static inline int test_bit(long bit, const unsigned long *map)
{
    return 1UL & (map[BIT_WORD(bit)] >> (bit % BITS_PER_LONG));
}

static inline int test_and_set_bit(long bit, unsigned long *map)
{
    int was = test_bit(bit, map);

    set_bit(bit, map);
    return was;
}

static inline int test_and_clear_bit(long bit, unsigned long *map)
{
    int was = test_bit(bit, map);

    clear_bit(bit, map);
    return was;
}

static inline unsigned long reference_next(const unsigned long *map, unsigned long size,
                                           unsigned long from, int wanted)
{
    while (from < size && test_bit((long)from, map) != wanted) {
        from++;
    }
    return from < size ? from : size;
}

#define find_next_bit(map, size, from) reference_next(map, size, from, 1)
#define find_next_zero_bit(map, size, from) reference_next(map, size, from, 0)
#define find_first_bit(map, size) reference_next(map, size, 0, 1)
#define find_first_zero_bit(map, size) reference_next(map, size, 0, 0)

static inline void reference_fill(unsigned long *map, long from, long count, int value)
{
    for (long bit = from; bit < from + count; bit++) {
        (value ? set_bit : clear_bit)(bit, map);
    }
}

#define bitmap_set(map, from, count) reference_fill(map, from, count, 1)
#define bitmap_clear(map, from, count) reference_fill(map, from, count, 0)
#define bitmap_zero(map, count) reference_fill(map, 0, count, 0)
#define bitmap_fill(map, count) reference_fill(map, 0, count, 1)
#define bitmap_empty(map, count) (find_first_bit(map, count) >= (unsigned long)(count))
#define bitmap_new(count) g_new0(unsigned long, BITS_TO_LONGS(count))

#define ctz32(value) ((value) ? __builtin_ctz(value) : 32)
#define ctz64(value) ((value) ? __builtin_ctzll(value) : 64)
#define clz32(value) ((value) ? __builtin_clz(value) : 32)
#define clz64(value) ((value) ? __builtin_clzll(value) : 64)
#define ctpop32(value) __builtin_popcount(value)
#define ctpop64(value) __builtin_popcountll(value)

static inline uint32_t extract32(uint32_t value, int start, int len)
{
    return (value >> start) & (~0U >> (32 - len));
}

static inline uint64_t extract64(uint64_t value, int start, int len)
{
    return (value >> start) & (~0ULL >> (64 - len));
}

static inline uint32_t deposit32(uint32_t value, int start, int len, uint32_t field)
{
    uint32_t mask = (~0U >> (32 - len)) << start;

    return (value & ~mask) | ((field << start) & mask);
}

static inline uint64_t deposit64(uint64_t value, int start, int len, uint64_t field)
{
    uint64_t mask = (~0ULL >> (64 - len)) << start;

    return (value & ~mask) | ((field << start) & mask);
}

#endif
