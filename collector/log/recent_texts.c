#include "recent_texts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct recent_text {
    uint8_t stream_id[32];
    uint64_t first_event_seq;
    uint8_t *text;
    size_t size;
};

struct recent_texts {
    pthread_mutex_t mutex;
    size_t most, bytes, count;
    struct recent_text texts[RECENT_TEXTS_COUNT]; /* oldest first */
};

struct recent_texts *recent_texts_create(size_t most) {
    struct recent_texts *recent = memory_new(sizeof *recent);
    recent->most = most;
    pthread_mutex_init(&recent->mutex, NULL);
    return recent;
}

struct recent_texts *recent_texts_destroy(struct recent_texts *recent) {
    if (recent) {
        for (size_t i = 0; i < recent->count; i++)
            free(recent->texts[i].text);
        pthread_mutex_destroy(&recent->mutex);
        free(recent);
    }
    return NULL;
}

void recent_texts_put(struct recent_texts *recent, const uint8_t stream_id[32], uint64_t first_event_seq, uint8_t *text,
                      size_t size) {
    pthread_mutex_lock(&recent->mutex);
    if (recent->count < RECENT_TEXTS_COUNT && size <= recent->most - recent->bytes) {
        struct recent_text *slot = &recent->texts[recent->count++];
        memcpy(slot->stream_id, stream_id, sizeof slot->stream_id);
        slot->first_event_seq = first_event_seq;
        slot->text = text;
        slot->size = size;
        recent->bytes += size;
        text = NULL;
    }
    pthread_mutex_unlock(&recent->mutex);
    free(text);
}

uint8_t *recent_texts_take(struct recent_texts *recent, const uint8_t stream_id[32], uint64_t first_event_seq,
                           size_t *ret_size) {
    uint8_t *text = NULL;
    pthread_mutex_lock(&recent->mutex);
    for (size_t i = 0; i < recent->count; i++) {
        struct recent_text *slot = &recent->texts[i];
        if (slot->first_event_seq != first_event_seq || memcmp(slot->stream_id, stream_id, sizeof slot->stream_id) != 0)
            continue;
        text = slot->text;
        *ret_size = slot->size;
        recent->bytes -= slot->size;
        memmove(slot, slot + 1, (--recent->count - i) * sizeof *slot);
        break;
    }
    pthread_mutex_unlock(&recent->mutex);
    return text;
}
