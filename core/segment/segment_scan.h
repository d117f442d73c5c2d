/* Where letters and digits stand in a text: a bit for each byte, found for 16 bytes at a time, so that what is cut out of the
 * text afterwards (segment_tokens.h says what) costs a few steps a piece and not one a byte. Private to segment. */
#ifndef TOCSIN_SEGMENT_SCAN_H
#define TOCSIN_SEGMENT_SCAN_H

#include "slice.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SEGMENT_SHORT 16u /* bytes that are looked at, or copied, in one step */
typedef uint8_t segment_bytes __attribute__((vector_size(SEGMENT_SHORT)));

/* A bit for each byte that is 0xff; the others are 0. */
static inline uint32_t segment_bytes_bits(segment_bytes is) {
#ifdef __SSE2__
    return (uint32_t)_mm_movemask_epi8((__m128i)is);
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < sizeof is; i++)
        bits |= (uint32_t)(is[i] & 1) << i;
    return bits;
#endif
}

/* Bits are numbered as the bytes, the lowest of each word first; the words go on behind the text with zeros. */
struct segment_scan {
    uint64_t *alnum, *digit;
    uint64_t *run;   /* runs of tokens with one joiner between them: variables, where a digit is in them */
    uint64_t *since; /* of these, what stands from the first digit on */
    size_t words, room;
    bool marks; /* there may be a backslash or a SEGMENT_SLOT in it */
};

void segment_scan_release(struct segment_scan *scan);
/* Replaces what was there. Behind the text are SEGMENT_SCAN_OVER bytes that may be read, whatever they are. */
#define SEGMENT_SCAN_OVER 64u
void segment_scan_text(struct segment_scan *scan, struct slice text);

/* The first set bit from `at` on, or `size`. */
static inline size_t segment_bits_next(const uint64_t *bits, size_t at, size_t size) {
    size_t word = at / 64;
    uint64_t rest = bits[word] & ~(uint64_t)0 << at % 64;
    while (!rest) {
        if (++word * 64 >= size)
            return size;
        rest = bits[word];
    }
    return word * 64 + (size_t)__builtin_ctzll(rest);
}

/* The first clear bit from `at` on. */
static inline size_t segment_bits_end(const uint64_t *bits, size_t at) {
    size_t word = at / 64;
    uint64_t rest = ~bits[word] & ~(uint64_t)0 << at % 64;
    while (!rest)
        rest = ~bits[++word];
    return word * 64 + (size_t)__builtin_ctzll(rest);
}

/* 64 bits from `at` on. */
static inline uint64_t segment_bits_from(const uint64_t *bits, size_t at) {
    const uint64_t *word = &bits[at / 64];
    return at % 64 ? word[0] >> at % 64 | word[1] << (64 - at % 64) : word[0];
}

/* Whether one is set from `start` up to, without, `end`. */
static inline bool segment_bits_any(const uint64_t *bits, size_t start, size_t end) {
    for (; end - start > 64; start += 64)
        if (segment_bits_from(bits, start))
            return true;
    return start < end && segment_bits_from(bits, start) << (64 - (end - start));
}

/* Behind the last clear bit below `at`; 0 where there is none. */
static inline size_t segment_bits_start(const uint64_t *bits, size_t at) {
    size_t word = at / 64;
    uint64_t clear = ~bits[word] & (((uint64_t)1 << at % 64) - 1);
    while (!clear && word)
        clear = ~bits[--word];
    return clear ? word * 64 + 64 - (size_t)__builtin_clzll(clear) : 0;
}

/* The next variable from *at on, as segment_variable_next tells it; *at is then behind it. */
static inline bool segment_scan_variable(const struct segment_scan *scan, size_t size, size_t *at,
                                         size_t *ret_start) {
    size_t digit = segment_bits_next(scan->since, *at, size);
    if (digit >= size)
        return false;
    *ret_start = segment_bits_start(scan->run, digit);
    *at = segment_bits_end(scan->since, digit);
    return true;
}

/* Where letters and digits change in a token. */
unsigned segment_scan_changes(const struct segment_scan *scan, size_t start, size_t end);

#endif
