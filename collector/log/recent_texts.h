/* The texts of events that were just checked, kept until detection has read them: it need not decompress them again.
 *
 * A cache and nothing more: whoever finds no text opens the stored row. Texts are put in by the workers that checked them
 * and taken out by the one detection, in about the same order; when it falls behind and `most` bytes are held, new texts are
 * not kept. Under a stream's id and a first event number there is one run of events at most that was ever accepted.
 *
 * Threads: any. */
#ifndef TOCSIN_RECENT_TEXTS_H
#define TOCSIN_RECENT_TEXTS_H

#include "slice.h"

#define RECENT_TEXTS_COUNT 512u

struct recent_texts;

struct recent_texts *recent_texts_create(size_t most); /* bytes */
struct recent_texts *recent_texts_destroy(struct recent_texts *recent); /* returns NULL */

/* Takes the text (allocated; freed here when it is not kept). */
void recent_texts_put(struct recent_texts *recent, const uint8_t stream_id[32], uint64_t first_event_seq, uint8_t *text,
                      size_t size);
/* Gives it away: to be freed by the caller. NULL where there is none. */
uint8_t *recent_texts_take(struct recent_texts *recent, const uint8_t stream_id[32], uint64_t first_event_seq,
                           size_t *ret_size);

#endif
