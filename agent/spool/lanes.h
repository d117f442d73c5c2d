/* From event to record: both lanes of a host, their batches, and the spool that keeps them (log-format;
 * FORMATS.md).
 *
 * Sources give events and positions; at the end of each loop turn lanes_flush writes everything gathered as
 * one record, synced, and from then on the cursors give it to the uplink. Nothing is seen by a cursor before
 * it is on disk, so nothing is sent that a crash could take back: no number is ever signed twice.
 *
 * A turn of the agent's loop:
 *     lanes_tick(lanes, now)     the clock; closes what is due, heartbeats, breaks when the clock was stepped
 *     sources' turns             lanes_output(): events and positions; false once the group is full
 *     lanes_part, lanes_close    at the collector's pace, or when it asks
 *     lanes_flush(lanes, fault)  on disk
 *     cursors                    → uplink
 *
 * A disk that is full: lanes_flush returns false with FAULT_SPACE, the group stays in memory, no further
 * event is taken (sources keep their place), and every later flush tries again. A failed sync: the segment is
 * given up and the same group goes into a new one.
 *
 * The spool's quota: when it is passed, closed batches lose their bodies, in the order of lanes_drop_rank
 * (bulk first); entries and class lists stay, and a signed gap event (class 0) names stream, batch, classes
 * and event range. Where nothing may be dropped any more, the group is refused as on a full disk.
 *
 * Ownership: lanes_open borrows the folder's name and copies it; the signing key is borrowed until
 * lanes_close_all. One thread. */
#ifndef TOCSIN_LANES_H
#define TOCSIN_LANES_H

#include "class.h"
#include "event.h"
#include "fault.h"
#include "source.h"
#include "spool_files.h"
#include "stream_writer.h"

#define LANES_GROUP_TEXT (1024u * 1024) /* bytes of event text in one group, both lanes together */
#define LANES_BATCH_EVENTS 4096u
#define LANES_BATCH_TEXT (1024u * 1024)
#define LANES_PLAIN_BELOW 400u       /* bytes of text under which compressing costs more than it saves */
#define LANES_CLOCK_STEP_US 1000000u /* wall clock against boot clock: past it, a break */
#define LANES_RETRY_US 1000000u      /* after a refused write */

struct lanes_now {
    uint64_t wall_us; /* since 1970 */
    uint64_t boot_us; /* CLOCK_BOOTTIME */
};

struct lanes_settings {
    const char *folder;                  /* created with mode 0700 where it is not there */
    const char *host;                    /* host_name_good */
    const struct signing_key *key;       /* of this epoch, signs both lanes */
    const struct signing_key *first_key; /* of the stream's first epoch; NULL: `key` itself */
    uint32_t epoch;
    uint8_t boot_id[16];
    uint64_t heartbeat_us;  /* 0: none until lanes_set_heartbeat */
    uint64_t batch_us;      /* a batch closes so long after its first event; 0: 60 s */
    uint64_t quota;         /* bytes of the folder; 0: 1 GiB */
    uint32_t segment_bytes; /* 0: 8 MiB */
    uint32_t cache_bytes;   /* 0: 2 MiB */
};

struct lanes;

/* Recovers the folder, closes what was open under its own boot_id, and begins anew with a break in each lane
 * (gathered: the first lanes_flush writes it). Damage is told by gap events and in lanes_report. A full disk
 * is no failure here. */
struct lanes *lanes_open(const struct lanes_settings *settings, const struct spool_files *files,
                         struct lanes_now now, struct fault *fault);
/* Forgets what is not flushed. Returns NULL. */
struct lanes *lanes_destroy(struct lanes *lanes);

/* The output that sources are given. */
const struct source_output *lanes_output(struct lanes *lanes);

void lanes_tick(struct lanes *lanes, struct lanes_now now);
/* When the next tick has something to do (wall clock); UINT64_MAX for never. */
uint64_t lanes_due(const struct lanes *lanes);

/* False: the group is full or still unwritten, the event was not taken. The body is copied. */
bool lanes_event(struct lanes *lanes, enum event_class class, const struct event_body *body);
/* Something is gathered. */
bool lanes_gathered(const struct lanes *lanes);
/* Gathers a part over the open batch of each lane that has events no part covers yet. True: there was one. */
bool lanes_part(struct lanes *lanes);
/* Gathers the close of the lane's open batch (a heartbeat, where it is empty). STREAM_ROTATE and STREAM_END
 * close what is open first and then the lane: it takes no more events. */
bool lanes_close(struct lanes *lanes, enum lane lane, enum batch_kind kind, struct fault *fault);
/* Writes and syncs what is gathered. True where there was nothing. */
bool lanes_flush(struct lanes *lanes, struct fault *fault);

/* From the collector: all events before `stored` are stored, before `attested` signed; all batches before
 * `closed` are closed and verified: their segments go. Marks that fall are ignored. */
void lanes_acknowledge(struct lanes *lanes, enum lane lane, uint64_t stored, uint64_t attested,
                       uint64_t closed);
/* A verified checkpoint: what the next entries say in seen_*. */
void lanes_seen(struct lanes *lanes, uint32_t key_id, uint64_t size, const uint8_t root[32]);
void lanes_set_heartbeat(struct lanes *lanes, uint64_t heartbeat_us);

/* What HELLO says of a lane; borrowed until the next call into lanes. */
struct lanes_hello {
    uint8_t stream_id[32];
    uint32_t epoch;
    uint64_t batch_seq;      /* of the open batch */
    uint64_t next_event_seq; /* flushed events alone */
    uint8_t last_entry_hash[32];
    struct slice newest_part; /* of the open batch; empty for none */
};
void lanes_hello(const struct lanes *lanes, enum lane lane, struct lanes_hello *ret_hello);

/* What the spool holds of a lane, in the order in which it must be sent. */
enum lanes_item_kind { LANES_EVENTS, LANES_PART, LANES_CLOSE };
struct lanes_item {
    enum lanes_item_kind kind;
    uint64_t batch_seq;
    uint64_t first_event_seq; /* of these events; of the batch */
    uint32_t count;           /* events; covered by the part; in the batch */
    struct slice bytes; /* an Events message; a part; an entry. Borrowed until the next call into lanes */
    struct slice class_list; /* LANES_CLOSE */
    bool after_hole; /* events before these are lost (damage or quota): first_event_seq is not the last one's
                        end */
};
enum lanes_found { LANES_ITEM, LANES_END, LANES_FAILED };

struct lanes_cursor;
/* Stands at the oldest batch that the spool holds. */
struct lanes_cursor *lanes_cursor_create(struct lanes *lanes, enum lane lane);
struct lanes_cursor *
lanes_cursor_destroy(struct lanes_cursor *cursor); /* returns NULL; before lanes_destroy */
/* The next item will be the first that somebody lacks who has all events before `event_seq` and all closes
 * before `batch_seq` (a message that begins before event_seq and ends after it comes whole). False:
 * FAULT_MISSING where that is older than the spool, FAULT_CONFLICT where it is newer than what was ever
 * written. */
bool lanes_cursor_seek(struct lanes_cursor *cursor, uint64_t batch_seq, uint64_t event_seq,
                       struct fault *fault);
/* LANES_END: all given; after the next flush there may be more. A part comes only while it is its open
 * batch's newest. */
enum lanes_found lanes_cursor_next(struct lanes_cursor *cursor, struct lanes_item *ret_item,
                                   struct fault *fault);

/* For --check, status and metrics. Counters since the start. */
struct lanes_report {
    uint64_t events[LANES], batches[LANES], parts[LANES], groups, syncs, bytes_written, bytes_text;
    uint64_t spool_bytes, segments, quota;
    uint64_t stored[LANES], attested[LANES], closed[LANES], next_event_seq[LANES], batch_seq[LANES];
    uint64_t dropped_events, dropped_batches;                             /* by quota */
    uint64_t damaged_ranges, damaged_bytes, missing_segments, torn_bytes; /* at the start */
    uint64_t refused_groups, given_up_segments;
    bool full; /* the last flush was refused */
};
void lanes_report(const struct lanes *lanes, struct lanes_report *ret_report);

#endif
