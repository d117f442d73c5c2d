/* The agent's side of one stream: it numbers events, keeps the open batch's trees, and signs parts and
 * closing entries (log-format: Streams, Batch entry, Parts).
 *
 * Pure: time and randomness are arguments, and what must be on disk is said below. The turn of an agent:
 *
 *     while ((due = stream_writer_due(writer, &clock, &next)) != DUE_NOTHING)
 *         due == DUE_CLOSE ? stream_writer_close(…) : stream_writer_break(…);
 *     stream_writer_event(…) for what the sources gave, at the same clock reading; when it says FAULT_BUSY,
 * the batch is full: close it and give the event again stream_writer_part(…) at the collector's pace
 *
 * On disk, in this order and synced before it is sent: a class key no later than the class's first event; the
 * state (stream_writer_save) after every break, close and epoch, no later than any event that follows; a part
 * before it is sent; an entry with its class list before it is sent. So an agent never signs twice.
 *
 * After a restart: stream_writer_load with the newest state, stream_writer_restore_events for every run of
 * events behind it in order, stream_writer_restore_part for the newest part. What was open then takes only
 * its close, under its own boot_id and its last time; due says so, and then asks for the break that every
 * start is.
 *
 * Owner: the caller; the signing key is borrowed. */
#ifndef TOCSIN_STREAM_WRITER_H
#define TOCSIN_STREAM_WRITER_H

#include "batch_entry.h"
#include "batch_events.h"
#include "part.h"
#include "random.h"

#define STREAM_BATCH_US (60u * 1000000ull) /* a batch closes this long after its first event, by default */
#define STREAM_WRITER_STATE_MOST 1024u     /* bytes of a saved state */

struct stream_clock {
    uint64_t now_us;      /* wall clock */
    uint64_t boottime_us; /* CLOCK_BOOTTIME */
    uint8_t boot_id[BOOT_ID_SIZE];
};

struct stream_writer_settings {
    enum lane lane;
    struct hash stream_id;
    uint32_t epoch;                /* of `key`; a loaded state must have the same */
    const struct signing_key *key; /* borrowed */
    struct random_source random;   /* for class keys */
    uint64_t batch_us;             /* STREAM_BATCH_US */
    uint64_t heartbeat_us;         /* what the enrolment names */
};

struct stream_writer;

/* A stream that has no batch yet. Its first batch is a break: begin with stream_writer_break (due says so).
 */
struct stream_writer *stream_writer_create(const struct stream_writer_settings *settings);
/* From a saved state; NULL when the bytes are bad or another stream's or epoch's. */
struct stream_writer *stream_writer_load(const struct stream_writer_settings *settings, struct slice state,
                                         struct fault *fault);
struct stream_writer *stream_writer_destroy(struct stream_writer *writer); /* returns NULL */
bool stream_writer_save(const struct stream_writer *writer, struct buffer *to);
/* The epoch that a saved state is of; false where the bytes are none. */
bool stream_writer_saved_epoch(struct slice state, uint32_t *ret_epoch);

/* Events of the open batch as they stand in the spool; runs of batches already closed are passed over. */
bool stream_writer_restore_events(struct stream_writer *writer, const struct batch_events *events,
                                  struct fault *fault);
bool stream_writer_restore_part(struct stream_writer *writer, struct slice part, struct fault *fault);

enum stream_due {
    DUE_NOTHING,
    DUE_CLOSE, /* stream_writer_close */
    DUE_BREAK, /* stream_writer_break */
};
/* ret_next_us: when to ask again if no event comes before (wall clock). */
enum stream_due stream_writer_due(const struct stream_writer *writer, const struct stream_clock *clock,
                                  uint64_t *ret_next_us);

/* Begins a break: the batch that opens now and is closed as one. Nothing may be open (FAULT_BUSY: close
 * first). Call it too when the machine was suspended, and for whatever else makes the interval before it
 * unattested. */
bool stream_writer_break(struct stream_writer *writer, const struct stream_clock *clock, struct fault *fault);

struct stream_writer_event {
    uint64_t batch_seq;
    uint64_t seq;
    uint64_t time_us;       /* what is signed: never before the last event's */
    const uint8_t *new_key; /* the class key made for this event, NULL where the class had one; borrowed until
                               the close */
};
/* Takes the next event into the open batch. Faults: FAULT_BUSY (full, or a close or break comes first: ask
 * due), FAULT_LIMIT (body over EVENT_BODY_MOST), FAULT_USAGE (a class of the other lane, a stream that has
 * ended), the random source's. On a fault nothing has changed. */
bool stream_writer_event(struct stream_writer *writer, enum event_class class, uint64_t now_us,
                         struct slice body, struct stream_writer_event *ret_event, struct fault *fault);

/* Signs a part. False when there is nothing to sign: no event since the last one, or a batch from before a
 * restart. */
bool stream_writer_part(struct stream_writer *writer, uint64_t now_us, uint8_t ret_part[PART_SIZE]);

struct stream_close {
    uint8_t entry[BATCH_ENTRY_SIZE];
    uint8_t class_list[CLASS_LIST_MOST];
    size_t class_list_size;
};
/* Closes what is open: a break, data, or a heartbeat where there is nothing. `seen` NULL for none. */
bool stream_writer_close(struct stream_writer *writer, const struct stream_clock *clock,
                         const struct seen_checkpoint *seen, struct stream_close *ret_close,
                         struct fault *fault);
/* The same as the last batch of its epoch: after it the writer takes nothing until stream_writer_epoch. A
 * break that is open must be closed before (FAULT_BUSY). */
bool stream_writer_rotate(struct stream_writer *writer, const struct stream_clock *clock,
                          const struct seen_checkpoint *seen, struct stream_close *ret_close,
                          struct fault *fault);
bool stream_writer_epoch(struct stream_writer *writer, const struct signing_key *key, struct fault *fault);
/* The same as the last batch of the stream. */
bool stream_writer_end(struct stream_writer *writer, const struct stream_clock *clock,
                       const struct seen_checkpoint *seen, struct stream_close *ret_close,
                       struct fault *fault);

uint64_t
stream_writer_batch_seq(const struct stream_writer *writer); /* of the open batch, or of the next one */
uint64_t stream_writer_first_seq(const struct stream_writer *writer); /* of that batch */
uint64_t stream_writer_next_seq(const struct stream_writer *writer);
uint32_t stream_writer_epoch_number(const struct stream_writer *writer);
const struct hash *stream_writer_id(const struct stream_writer *writer);
/* The last closed entry, empty before the first. */
struct slice stream_writer_last_entry(const struct stream_writer *writer);
/* H(the last closed entry), zeros before the first. */
struct hash stream_writer_last_hash(const struct stream_writer *writer);
/* The newest part of the open batch, empty for none. */
struct slice stream_writer_newest_part(const struct stream_writer *writer);

#endif
