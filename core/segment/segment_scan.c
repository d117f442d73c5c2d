#include "segment_scan.h"

#include <stdlib.h>

#include "memory.h"
#include "segment_index.h"

static inline segment_bytes between(segment_bytes text, uint8_t first, uint8_t last) {
    return (segment_bytes)(text - first <= (uint8_t)(last - first));
}

struct kinds {
    uint64_t alnum, digit, joiner;
    segment_bytes marks;
};

static inline void add_kinds(const uint8_t *at, unsigned shift, struct kinds *kinds) {
    segment_bytes text;
    memcpy(&text, at + shift, sizeof text);
    segment_bytes digit = between(text, '0', '9');
    segment_bytes alnum = digit | between(text | 0x20, 'a', 'z');
    segment_bytes joiner =
        between(text, '-', '.') | (segment_bytes)(text == ':') | (segment_bytes)(text == '_');
    kinds->marks |= (segment_bytes)(text == '\\') | (segment_bytes)(text == SEGMENT_SLOT);
    kinds->alnum |= (uint64_t)segment_bytes_bits(alnum) << shift;
    kinds->digit |= (uint64_t)segment_bytes_bits(digit) << shift;
    kinds->joiner |= (uint64_t)segment_bytes_bits(joiner) << shift;
}

static void make_room(struct segment_scan *scan, size_t words) {
    if (words <= scan->room)
        return;
    scan->room = words * 2;
    scan->alnum = memory_resize(scan->alnum, scan->room * 4, sizeof *scan->alnum);
    scan->digit = scan->alnum + scan->room;
    scan->run = scan->digit + scan->room;
    scan->since = scan->run + scan->room;
}

void segment_scan_release(struct segment_scan *scan) {
    free(scan->alnum);
    *scan = (struct segment_scan){0};
}

/* Adds the joiners that have a letter or digit on both sides: `run` holds all joiners before. Then what each run has before
 * its first digit is told by a carry that goes in at the run's start and is stopped by the digit. */
static void join_runs(struct segment_scan *scan) {
    uint64_t alnum_before = 0, run_before = 0, carry = 0;
    for (size_t i = 0; i < scan->words; i++) {
        uint64_t alnum = scan->alnum[i], next = i + 1 < scan->words ? scan->alnum[i + 1] : 0;
        uint64_t run = alnum | (scan->run[i] & (alnum << 1 | alnum_before >> 63) & (alnum >> 1 | next << 63));
        uint64_t start = run & ~(run << 1 | run_before >> 63), digit = scan->digit[i], sum;
        uint64_t over = __builtin_add_overflow(run & ~digit, start, &sum);
        over |= __builtin_add_overflow(sum, carry, &sum);
        scan->run[i] = run;
        scan->since[i] = run & (sum | digit);
        carry = over;
        alnum_before = alnum;
        run_before = run;
    }
}

void segment_scan_text(struct segment_scan *scan, struct slice text) {
    size_t words = text.size / 64 + 2;
    struct kinds kinds = {0};
    make_room(scan, words);
    scan->words = words;
    for (size_t word = 0; word < words; word++) {
        kinds.alnum = kinds.digit = kinds.joiner = 0;
        if (word * 64 < text.size)
#pragma GCC unroll 4
            for (unsigned shift = 0; shift < 64; shift += 16)
                add_kinds(text.data + word * 64, shift, &kinds);
        size_t left = text.size - word * 64;
        uint64_t mask = word * 64 >= text.size ? 0 : left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;
        scan->alnum[word] = kinds.alnum & mask;
        scan->digit[word] = kinds.digit & mask;
        scan->run[word] = kinds.joiner & mask;
    }
    join_runs(scan);
    scan->marks = segment_bytes_bits((segment_bytes)(kinds.marks != 0)) != 0;
}

unsigned segment_scan_changes(const struct segment_scan *scan, size_t start, size_t end) {
    unsigned changes = 0;
    for (size_t at = start; at + 1 < end; at += 63) {
        size_t count = end - 1 - at < 63 ? end - 1 - at : 63;
        uint64_t digits = segment_bits_from(scan->digit, at);
        changes += (unsigned)__builtin_popcountll((digits ^ digits >> 1) & (((uint64_t)1 << count) - 1));
    }
    return changes;
}
