/* Texts that occur again and again, each kept once under a number. Private to the writer. */
#ifndef TOCSIN_SEGMENT_TEXTS_H
#define TOCSIN_SEGMENT_TEXTS_H

#include "buffer.h"

#define SEGMENT_TEXTS_FULL UINT32_MAX

struct segment_texts {
    struct buffer bytes;
    struct segment_texts_item {
        uint32_t at, size;
    } * items;
    uint32_t count, capacity, most;
    struct segment_texts_place { /* open addressing; all that a look needs but the text itself */
        uint64_t digest;
        uint32_t at, size;
        uint32_t number; /* + 1; 0: free */
    } * places;
    size_t place_count;
};

struct segment_texts segment_texts_make(uint32_t most, size_t most_bytes);
void segment_texts_release(struct segment_texts *texts);

/* The number of this text, from 0: the one it has, or the next. SEGMENT_TEXTS_FULL where a ceiling is reached. */
uint32_t segment_texts_put(struct segment_texts *texts, struct slice text);
/* Until the next put. */
static inline struct slice segment_texts_get(const struct segment_texts *texts, uint32_t number) {
    return slice_make(texts->bytes.data + texts->items[number].at, texts->items[number].size);
}

#endif
