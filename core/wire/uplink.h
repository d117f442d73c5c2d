/* The agent's side of a session with the collector, without a socket: bytes in, frames out (proto/FORMATS.md, The wire).
 *
 * The owner connects, calls uplink_open, feeds what arrives to uplink_receive, and lets uplink_pump write frames as long
 * as its output queue has room. What to send comes from a supply (the spool): after a WELCOME the uplink puts the supply's
 * cursor of each lane at the collector's marks, so a new connection goes on exactly where the collector is. The security
 * lane always goes first. At most the collector's credit is under way unacknowledged. Time is an argument (a clock that
 * never steps). An error is final for this connection; the spool keeps everything until it is acknowledged, so the next connection loses nothing. */
#ifndef TOCSIN_UPLINK_H
#define TOCSIN_UPLINK_H

#include "checkpoint_message.h"
#include "class.h"
#include "frame.h"

#define UPLINK_VERSION 1u
#define UPLINK_PING_US 5000000u     /* an unsigned sign of life, so that a deleted machine is noticed within 20 s */
#define UPLINK_SILENCE_US 20000000u /* no byte from the collector for so long: the connection is given up */
#define UPLINK_FLIGHT_MOST 1024u    /* EVENTS frames under way */

enum uplink_item_kind { UPLINK_EVENTS, UPLINK_PART, UPLINK_CLOSE };

/* One record of the spool. Slices are borrowed until the next `next` or `seek` of the same lane. */
struct uplink_item {
    enum uplink_item_kind kind;
    uint64_t batch_seq;
    uint64_t end_event_seq;   /* the number after the last event that it holds or covers */
    struct slice message;     /* EVENTS: the message; PART: 224 bytes; CLOSE: 416 bytes */
    struct slice class_list;  /* CLOSE alone */
};

struct uplink_supply {
    void *context;
    /* The next item of this lane will be the first that the collector lacks: events from `event_seq` on, and the close of
     * `batch_seq` and later ones. False when the spool cannot serve that. */
    bool (*seek)(void *context, enum lane lane, uint64_t batch_seq, uint64_t event_seq, struct fault *fault);
    bool (*next)(void *context, enum lane lane, struct uplink_item *ret_item);
    /* Everything before these is committed at the collector. */
    void (*acknowledge)(void *context, enum lane lane, uint64_t stored, uint64_t attested, uint64_t closed);
    /* The collector wants this lane's batch closed now. */
    void (*close_now)(void *context, enum lane lane);
    /* A CHECKPOINT, borrowed for the call. False ends the session, for the reason in the fault; with FAULT_CONFLICT or
     * FAULT_AUTH the collector is told it in a NACK (`out` of uplink_receive has it: send it before the connection ends). */
    bool (*checkpoint)(void *context, const struct checkpoint_message *message, struct fault *fault);
    /* A WELCOME brought a witness policy (FORMATS.md, People and genesis); not checked. */
    void (*witnesses)(void *context, struct slice policy);
};

struct uplink_stream {
    uint8_t stream_id[32];
    uint32_t epoch;
    uint64_t batch_seq;
    uint64_t next_event_seq;
    uint8_t last_entry_hash[32];
    uint8_t newest_part[224];
    bool has_part;
    uint64_t proved; /* the first batch of which no verified checkpoint is known to hold the entry */
};

struct uplink;

struct uplink *uplink_create(const struct uplink_supply *supply); /* the supply is copied, its context borrowed */
struct uplink *uplink_destroy(struct uplink *uplink);

/* Starts a session over a new connection: forgets the last one and writes HELLO. `newest_note`: the newest checkpoint that
 * was verified; empty for none. */
void uplink_open(struct uplink *uplink, const struct uplink_stream streams[LANES], const uint8_t boot_id[16],
                 struct slice newest_note, uint64_t now_us, struct buffer *out);

/* Takes bytes that arrived. False: the session is over, for the reason in the fault. */
bool uplink_receive(struct uplink *uplink, struct slice bytes, uint64_t now_us, struct buffer *out,
                    struct fault *fault);

/* Writes frames until `out` holds `room` bytes, the credit is used up or there is nothing to send. False: fault. */
bool uplink_pump(struct uplink *uplink, size_t room, struct buffer *out, struct fault *fault);

/* What the next pings tell of this host: bytes that its sources have not read yet, bytes in its spool. */
void uplink_set_lag(struct uplink *uplink, uint64_t lag_bytes, uint64_t spool_bytes);

/* Pings when due. False when the collector has been silent for too long. */
bool uplink_tick(struct uplink *uplink, uint64_t now_us, struct buffer *out, struct fault *fault);

/* Tells the collector the next signing key (FORMATS.md, Rotation), when ready and not asked already. */
struct uplink_next_key {
    uint32_t epoch; /* its own */
    const uint8_t *public_key;
    struct slice statement; /* signed by both keys */
};
void uplink_rotate(struct uplink *uplink, const struct uplink_next_key *next, struct buffer *out);

enum uplink_rotation {
    UPLINK_ROTATION_NONE,
    UPLINK_ROTATION_ASKED,
    UPLINK_ROTATION_TAKEN,   /* committed at the collector: the next epoch may begin */
    UPLINK_ROTATION_REFUSED, /* by the NACK that ended the session */
};
/* Over the present connection, or the last one. */
enum uplink_rotation uplink_rotation(const struct uplink *uplink);

/* Whether the WELCOME has come, the pace that the collector sets for parts, and the enrolled name. */
bool uplink_ready(const struct uplink *uplink);
uint64_t uplink_pace_us(const struct uplink *uplink);
const char *uplink_host(const struct uplink *uplink);
/* After a refusal: the earliest time to try again, as a delay; and whether trying again is of use at all before a person
 * has done something (unknown agent, fork). */
uint64_t uplink_retry_us(const struct uplink *uplink);
bool uplink_refused_for_good(const struct uplink *uplink);
/* Bytes of EVENTS frames that are sent and not acknowledged. */
uint64_t uplink_flight_bytes(const struct uplink *uplink);

#endif
