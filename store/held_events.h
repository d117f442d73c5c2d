/* What a hold took of a unit before it went: each event with its proof, sealed under the hold's own key (log-format: Retention;
 * FORMATS.md, Held events).
 *
 *     row's key   = u64 hold ‖ u8 class ‖ u64 first ‖ u64 last ‖ u32 number          STORE_HELD; numbers from 0
 *     row's value = random[32] ‖ AES-256-GCM(n × (u64 log index ‖ u32 size ‖ extra of event_proof.h))
 *
 * key of a row = HKDF-SHA256(hold's key, salt: random, info: "tocsin/seg/v1"), nonce u96 0, AAD = H("tocsin/held/v1" ‖ row's
 * key) ‖ u32 0 ‖ u8 1. The hold's key stands among the day keys, as class 255 and day = the hold's ctl_seq (day_keys.h). */
#ifndef TOCSIN_HELD_EVENTS_H
#define TOCSIN_HELD_EVENTS_H

#include "buffer.h"
#include "fault.h"
#include "segment_cipher.h"
#include "store.h"

#define HELD_KEY_CLASS 255u
#define HELD_ROW_KEY 29u
#define HELD_ROW_MOST (4u * 1024 * 1024) /* bytes of events in a row; the last may reach past it */

struct held_row {
    uint64_t hold;
    uint8_t class;
    uint64_t first, last;
    uint32_t number;
};

void held_row_key(uint8_t to[HELD_ROW_KEY], const struct held_row *row);
bool held_row_read(struct slice key, struct held_row *ret_row, struct fault *fault);

/* Appends an event to the plain bytes of a row. */
bool held_append(struct buffer *plain, uint64_t log_index, struct slice extra);
bool held_seal(struct buffer *to, const struct held_row *row, const uint8_t hold_key[SEGMENT_KEY_SIZE],
               struct slice plain, struct fault *fault);
/* FAULT_AUTH where it was altered or is another hold's. */
bool held_open(struct buffer *to, const struct held_row *row, const uint8_t hold_key[SEGMENT_KEY_SIZE],
               struct slice value, struct fault *fault);
/* Takes the next event off the plain bytes; false at the end, and for bytes that are none (ret_bad). */
bool held_next(struct slice *rest, uint64_t *ret_log_index, struct slice *ret_extra, bool *ret_bad);

#endif
