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

static void grow(struct segment_texts *texts) {
    free(texts->places);
    texts->place_count *= 2;
    texts->places = memory_new_array(texts->place_count, sizeof *texts->places);
    for (uint32_t i = 0; i < texts->count; i++) {
        size_t at = texts->items[i].digest & (texts->place_count - 1);
        while (texts->places[at])
            at = (at + 1) & (texts->place_count - 1);
        texts->places[at] = i + 1;
    }
}

uint32_t segment_texts_put(struct segment_texts *texts, struct slice text) {
    uint64_t digest = segment_digest(text);
    size_t at = digest & (texts->place_count - 1);
    for (; texts->places[at]; at = (at + 1) & (texts->place_count - 1)) {
        const struct segment_texts_item *item = &texts->items[texts->places[at] - 1];
        if (item->digest == digest && item->size == text.size &&
            (text.size == 0 || memcmp(texts->bytes.data + item->at, text.data, text.size) == 0))
            return texts->places[at] - 1;
    }
    if (texts->count == texts->most || texts->bytes.size + text.size > texts->bytes.limit)
        return SEGMENT_TEXTS_FULL;
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? texts->capacity * 2 : 256;
        texts->items = memory_resize(texts->items, texts->capacity, sizeof *texts->items);
    }
    texts->items[texts->count] = (struct segment_texts_item){texts->bytes.size, text.size, digest};
    buffer_append_slice(&texts->bytes, text);
    texts->places[at] = ++texts->count;
    if ((size_t)texts->count * 2 > texts->place_count)
        grow(texts);
    return texts->count - 1;
}
