#include "segment_texts.h"

#include <stdlib.h>

#include "memory.h"
#include "segment_tokens.h"

struct segment_texts segment_texts_make(uint32_t most, size_t most_bytes) {
    struct segment_texts texts = {.bytes = BUFFER(most_bytes), .most = most, .place_count = 1024};
    texts.places = memory_new_array(texts.place_count, sizeof *texts.places);
    return texts;
}

void segment_texts_release(struct segment_texts *texts) {
    if (texts->bytes.data)
        memory_wipe(texts->bytes.data, texts->bytes.capacity);
    buffer_free(&texts->bytes);
    free(texts->items);
    free(texts->places);
}

static struct segment_texts_place *free_place(struct segment_texts *texts, uint64_t digest) {
    size_t at = digest & (texts->place_count - 1);
    while (texts->places[at].number)
        at = (at + 1) & (texts->place_count - 1);
    return &texts->places[at];
}

static void grow(struct segment_texts *texts) {
    struct segment_texts_place *old = texts->places;
    size_t count = texts->place_count;
    texts->place_count *= 2;
    texts->places = memory_new_array(texts->place_count, sizeof *texts->places);
    for (size_t i = 0; i < count; i++)
        if (old[i].number)
            *free_place(texts, old[i].digest) = old[i];
    free(old);
}

uint32_t segment_texts_put(struct segment_texts *texts, struct slice text) {
    uint64_t digest = segment_sum(0, 0, 0, text);
    size_t at = digest & (texts->place_count - 1);
    for (; texts->places[at].number; at = (at + 1) & (texts->place_count - 1)) {
        const struct segment_texts_place *place = &texts->places[at];
        if (place->digest == digest && place->size == text.size &&
            (text.size == 0 || memcmp(texts->bytes.data + place->at, text.data, text.size) == 0))
            return place->number - 1;
    }
    if (texts->count == texts->most || texts->bytes.size + text.size > texts->bytes.limit)
        return SEGMENT_TEXTS_FULL;
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? texts->capacity * 2 : 256;
        texts->items = memory_resize(texts->items, texts->capacity, sizeof *texts->items);
    }
    struct segment_texts_item item = {(uint32_t)texts->bytes.size, (uint32_t)text.size};
    texts->items[texts->count++] = item;
    buffer_append_slice(&texts->bytes, text);
    texts->places[at] = (struct segment_texts_place){digest, item.at, item.size, texts->count};
    if ((size_t)texts->count * 2 > texts->place_count)
        grow(texts);
    return texts->count - 1;
}
