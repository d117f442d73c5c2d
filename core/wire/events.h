/* The EVENTS message (proto/wire.proto): events of one batch, the same bytes in the spool, on the wire and in the store.
 *
 * Read and written by hand, without a copy: this is the one message that carries bulk. Everything read is checked:
 * numbers against their limits, the codec, the text's size before it is decompressed, the number of events in it. */
#ifndef TOCSIN_EVENTS_H
#define TOCSIN_EVENTS_H

#include "class.h"
#include "event.h"

#define EVENTS_COUNT_MOST 4096u /* a batch closes there */

enum events_codec { EVENTS_PLAIN = 0, EVENTS_ZSTD = 1 };

struct events_key {
    uint8_t class;
    struct slice key; /* 32 bytes, borrowed */
};

struct events_message {
    enum lane lane;
    uint64_t batch_seq;
    uint64_t first_event_seq;
    uint32_t count;
    size_t key_count;
    struct events_key keys[CLASS_NUMBERS];
    enum events_codec codec;
    uint32_t text_size;
    struct slice data; /* borrowed */
    uint64_t first_time_us, last_time_us;
};

bool events_write(struct buffer *to, const struct events_message *message);
bool events_read(struct slice bytes, struct events_message *ret_message, struct fault *fault);

struct events_opener; /* a decompression context, used again; one a thread */
struct events_opener *events_opener_create(void);
struct events_opener *events_opener_destroy(struct events_opener *opener);

/* The block of events as text (event_block_next walks it). Borrowed from the message (plain) or from the opener until
 * its next use. A text that is larger or smaller than announced is refused, at a cost bounded by what was announced. */
bool events_open(struct events_opener *opener, const struct events_message *message, struct slice *ret_text,
                 struct fault *fault);

/* Gives away the text that events_open just put into the opener: allocated, to be freed by the caller. NULL for a plain
 * message's, which is borrowed from the message. */
uint8_t *events_opener_take(struct events_opener *opener);

/* Searches go by the message's times: whether they are those of the first and the last event in the text. */
bool events_check_times(const struct events_message *message, struct slice text, struct fault *fault);

#endif
