/* Records of the spool (proto/FORMATS.md, The spool): what an agent keeps on disk, pure.
 *
 * A segment file is a run of records. A record is a list of items that become true together: it is written
 * with one write, synced, and counts wholly or not at all. So an Events message, the state of its stream
 * after it and the positions of the sources that gave it can never be ahead of or behind each other.
 *
 * Every record begins on a multiple of SPOOL_ALIGNMENT with a head of 32 bytes whose checksums cover the
 * segment's number and nonce, the record's offset and its items: bytes of another segment, of another
 * place, or bytes that somebody wrote into a log never pass. The nonce is random and stands in the file's
 * name, so that a damaged beginning costs the beginning alone.
 *
 * Writing appends to a buffer of the caller's: spool_record_begin, any number of spool_item_write,
 * spool_record_end. Reading borrows. All integers are big-endian. */
#ifndef TOCSIN_SPOOL_RECORD_H
#define TOCSIN_SPOOL_RECORD_H

#include "buffer.h"
#include "fault.h"

#define SPOOL_VERSION 1u
#define SPOOL_ALIGNMENT 8u
#define SPOOL_HEAD 32u
/* Items of one record, in bytes: a group of events with what closes its batches, or a segment's snapshot. */
#define SPOOL_RECORD_MOST (16u * 1024 * 1024)
#define SPOOL_PART_SIZE 224u
#define SPOOL_ENTRY_SIZE 416u
#define SPOOL_COLLECTORS_MOST 4u /* that one agent sends to; they are known by a number from 0 */

enum spool_item_kind {
    SPOOL_ITEM_SEGMENT = 1,  /* what segment this is: first item of a segment's first record */
    SPOOL_ITEM_EVENTS = 2,   /* an Events message (wire.proto), as it is sent */
    SPOOL_ITEM_STATE = 3,    /* a lane's stream writer after this record */
    SPOOL_ITEM_POSITION = 4, /* a source's key and its position; an empty position forgets the key */
    SPOOL_ITEM_PART = 5,     /* a part */
    SPOOL_ITEM_CLOSE = 6,    /* a closing entry and its class list; may stand again in a later record */
    SPOOL_ITEM_MARK = 7,   /* what a collector has acknowledged and proved in a lane; with whatever comes */
    SPOOL_ITEM_VOID = 8,   /* from one number on, a batch's events are given up (quota, damage before them) */
    SPOOL_ITEM_OLDEST = 9, /* number of the oldest segment that is still needed */
    SPOOL_ITEM_SEEN = 10,  /* the newest checkpoint of a collector's log that was verified: its note */
    SPOOL_ITEM_LEFT = 11,  /* nothing is kept for that collector any more */
};

/* Which segment a record belongs to; the nonce is drawn anew for each. */
struct spool_segment_id {
    uint64_t number; /* from 1; grows, with holes */
    uint64_t nonce;
};

/* Where a collector stands in a lane: all before is there. */
struct spool_marks {
    uint64_t stored, attested; /* events */
    uint64_t closed, proved;   /* batches; proved: in a verified checkpoint, nobody needs them here any more */
};

struct spool_item {
    enum spool_item_kind kind;
    uint8_t lane;       /* EVENTS, STATE, PART, CLOSE, MARK, VOID; otherwise 0 */
    uint8_t collector;  /* MARK, SEEN, LEFT; otherwise 0 */
    struct slice bytes; /* EVENTS: the message; STATE; POSITION; PART; CLOSE: the entry; SEEN */
    struct slice more;  /* POSITION: the key; CLOSE: the class list */
    uint64_t batch_seq, first_event_seq; /* EVENTS, VOID; of PART and CLOSE read out of the bytes */
    uint32_t count;                      /* of events: the same */
    uint16_t classes;                    /* EVENTS: bit c for each class in the message */
    struct spool_marks marks;            /* MARK */
    uint64_t oldest;                     /* OLDEST, SEGMENT */
    struct spool_segment_id id;          /* SEGMENT */
    bool rewritten;                  /* SEGMENT: bodies were taken out: its length says nothing any more */
    uint64_t previous, previous_end; /* SEGMENT: number and good bytes of the one before it, 0 for none */
};

/* Reserves the head at the end of `to`. */
bool spool_record_begin(struct buffer *to);
/* Appends one item. False: the buffer's limit; its overflow is sticky. */
bool spool_item_write(struct buffer *to, const struct spool_item *item);
/* For an EVENTS item whose message the caller appends itself, without a copy: item->bytes is not looked
 * at, and the item ends at the buffer's size when spool_item_end is called with the mark. */
bool spool_item_begin(struct buffer *to, const struct spool_item *item, size_t *ret_mark);
bool spool_item_end(struct buffer *to, size_t mark);
/* Pads and seals the record that begins at `start` in the buffer, to stand at `offset` (a multiple of
 * SPOOL_ALIGNMENT) of that segment. May be called again for another place: a group that could not be
 * written to one segment goes into the next. `items_size`: bytes of items behind the head; what stands
 * behind them is replaced by the padding. */
bool spool_record_end(struct buffer *to, size_t start, size_t items_size, struct spool_segment_id id,
                      uint64_t offset);

enum spool_record_found {
    SPOOL_RECORD_GOOD,
    SPOOL_RECORD_SHORT, /* good so far as it goes, but the bytes end before it does */
    SPOOL_RECORD_BAD,   /* no record of this segment begins here */
};

/* The record at the front of `bytes`, which stand at `offset` in the segment. GOOD: ret_items holds its
 * items, ret_size what it takes in the file. SHORT: ret_size alone, where the head is whole; otherwise 0. */
enum spool_record_found spool_record_read(struct slice bytes, struct spool_segment_id id, uint64_t offset,
                                          struct slice *ret_items, size_t *ret_size);

/* Takes the next item off *items. False at the end (fault untouched, *items empty) or when it is malformed
 * (fault set). */
bool spool_item_next(struct slice *items, struct spool_item *ret_item, struct fault *fault);

#endif
