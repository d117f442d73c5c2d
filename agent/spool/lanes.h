/* From event to record: both lanes of a host, their batches, and the spool that keeps them (log-format;
 * FORMATS.md).
 *
 * Sources give events and positions; at the end of each loop turn lanes_flush writes everything gathered
 * as one record, synced, and from then on the cursors give it to the uplink. Nothing is seen by a cursor
 * before it is on disk, so nothing is sent that a crash could take back, and no number is signed twice.
 *
 * A turn of the agent's loop:
 *     lanes_tick                 the clock; closes what is due, heartbeats, breaks when the clock was stepped
 *     the sources' turns         lanes_output(): events and positions; false once the group is full
 *     lanes_part, lanes_close    at the collector's pace, or when it asks
 *     lanes_flush                on disk, whatever was gathered; blocks for one sync
 *     cursors                    to the uplink
 *
 * A disk that is full: lanes_flush returns false with FAULT_SPACE, the group stays in memory, no further
 * event is taken (sources keep their place), and every later flush tries again: lanes_due says when. A
 * sync that failed: the segment is given up and the same group goes into a new one.
 *
 * An agent sends to one collector or to several, LANES_COLLECTORS_MOST at most; each has its own marks and is known by a
 * number. A batch stays until its entry is in a verified checkpoint of the log of each of them (lanes_proved).
 *
 * The spool's quota: when it is passed, closed batches lose their bodies: first those that all collectors have stored and
 * no checkpoint holds yet, then those that one of them has, then by the policy of their class, bulk first
 * (lanes_class_rank). Entries and class lists stay; a signed gap event (class 0, in the same record) names stream, batch,
 * classes and range. Where nothing may be given up any more, the group is refused as on a full disk.
 *
 * Memory when idle: the zstd context and the tail cache (2 MiB at most); everything else is given back.
 *
 * Ownership: strings are copied; the signing key is borrowed until lanes_destroy or lanes_epoch. One
 * thread. */
#ifndef TOCSIN_LANES_H
#define TOCSIN_LANES_H

#include "class.h"
#include "event.h"
#include "fault.h"
#include "source.h"
#include "spool_files.h"
#include "spool_record.h"
#include "stream_writer.h"

#define LANES_COLLECTORS_MOST SPOOL_COLLECTORS_MOST
#define LANES_GROUP_TEXT (1024u * 1024) /* bytes of event text in one group, both lanes together */
#define LANES_PLAIN_BELOW 400u          /* bytes of text under which compressing costs more than it saves */
#define LANES_HEARTBEAT_US 600000000ull
#define LANES_RETRY_US 1000000u /* after a refused write */
#define LANES_SEGMENT_US                                                                                               \
    86400000000ull /* a segment with events takes no more after so long: what is erased at the collector must not stay   \
                      on a quiet host */
#define LANES_QUOTA_LEAST (32ull * 1024 * 1024)
#define LANES_QUOTA_DEFAULT (1024ull * 1024 * 1024)

struct lanes_settings {
    const char *folder;                 /* made with mode 0700 where it is not there; its parent must be */
    const char *host;                   /* host_name_good */
    const struct signing_key *key;      /* of this epoch, signs both lanes */
    const struct signing_key *next_key; /* of the next one, where a rotation may have been cut short; may be NULL */
    const struct verify_key *first_key; /* of the stream's first epoch; NULL: `key`'s own */
    uint32_t epoch;
    uint64_t heartbeat_us; /* what the enrolment names; 0: LANES_HEARTBEAT_US */
    uint64_t batch_us;     /* a batch closes so long after its first event; 0: STREAM_BATCH_US */
    uint64_t quota;        /* bytes of the folder; 0: LANES_QUOTA_DEFAULT */
    uint32_t segment_bytes, cache_bytes; /* 0: SPOOL_SEGMENT_BYTES, SPOOL_CACHE_BYTES */
    struct random_source random;         /* for class keys and nonces; without `fill`: the system's */
    unsigned collectors; /* bit n for each that there is; nothing is kept for others that the spool knows. 0: number 0 */
    /* Told while opening what is damaged, torn or missing, a sentence each; may be NULL. */
    void (*finding)(void *context, const char *text);
    void *finding_context;
};

struct lanes;

enum lanes_found { LANES_ITEM, LANES_END, LANES_FAILED };

/* Recovers the folder, closes what was open under its own boot_id, and begins anew with a break in each
 * lane. That is gathered: the first lanes_flush writes it. What damage took is told by gap events. A full
 * disk is no failure here. */
struct lanes *lanes_open(const struct lanes_settings *settings, const struct spool_files *files,
                         const struct stream_clock *now, struct fault *fault);
/* Forgets what is not flushed. Returns NULL. */
struct lanes *lanes_destroy(struct lanes *lanes);

/* After a new enrolment (after a fork, a lost key): takes over what another spool holds, whose streams are over. All
 * positions, so that sources go on where they were, and every event that its collector has not said to have stored, as
 * a new event with its old place in replayed.stream (NAME~ the first 8 hexadecimal digits of the stream's id), .seq and
 * .time_us. Right after lanes_open; flushes as it goes. False: not all could be read or written; calling it again, after
 * a restart too, goes on where it was. The caller removes the folder when it is done. */
bool lanes_adopt(struct lanes *lanes, const char *folder, const struct spool_files *files, struct fault *fault);

/* The output that sources are given; lives as long as the lanes. */
const struct source_output *lanes_output(struct lanes *lanes);

/* The clock of this turn. Does what is due in both lanes; nothing while a group is refused. */
void lanes_tick(struct lanes *lanes, const struct stream_clock *now);
/* Wall clock at which the next tick or flush has something to do; UINT64_MAX for never. */
uint64_t lanes_due(const struct lanes *lanes);

/* False: the group is full or still unwritten, and the event was not taken. The body is copied. One that
 * is over EVENT_BODY_MOST is replaced by a gap event. */
bool lanes_event(struct lanes *lanes, enum event_class class, const struct event_body *body);
void lanes_position(struct lanes *lanes, struct slice key, struct slice value);
/* Something is gathered and not on disk. */
bool lanes_gathered(const struct lanes *lanes);
/* Gathers a part over the open batch of each lane that has events no part covers yet. True: there was one. */
bool lanes_part(struct lanes *lanes);
/* Gathers the close of the lane's open batch: BATCH_DATA for whatever it is (a heartbeat where it is
 * empty), BATCH_ROTATE, BATCH_END. FAULT_BUSY while a group is refused. */
bool lanes_close(struct lanes *lanes, enum lane lane, enum batch_kind kind, struct fault *fault);
/* After both lanes were rotated: the next epoch's key. */
bool lanes_epoch(struct lanes *lanes, const struct signing_key *key, struct fault *fault);
/* All of a rotation at once: both lanes' last batches and the next epoch under `key`, in the group that is being
 * gathered, so that the disk has all of it or nothing. On a fault (FAULT_BUSY: try it in the next turn) nothing of it is
 * done. The old key may go once this is flushed. */
bool lanes_rotate(struct lanes *lanes, const struct signing_key *key, struct fault *fault);
/* As it is in memory. After lanes_open one more than the settings', where the spool was found in the next epoch: then
 * next_key is the one in force. */
uint32_t lanes_epoch_number(const struct lanes *lanes);
/* Writes and syncs what is gathered. True where there was nothing. */
bool lanes_flush(struct lanes *lanes, struct fault *fault);

/* ---- of one collector, by its number */

/* The last closed batch of a lane, where it is a break without events: after lanes_open it is. */
struct lanes_begin {
    uint64_t batch_seq, event_seq;
};
bool lanes_break(const struct lanes *lanes, enum lane lane, struct lanes_begin *ret_begin);

/* From now on there is that collector, and it gets all from `batch_seq` and `event_seq` on, or from where it stood if it is
 * one already. False, FAULT_MISSING: the spool begins later than that; FAULT_CONFLICT: it ends before it. Part of the next
 * group. */
bool lanes_join(struct lanes *lanes, unsigned collector, const struct lanes_begin begin[LANES], struct fault *fault);
/* That collector is one no more: what was kept for it alone goes. */
void lanes_leave(struct lanes *lanes, unsigned collector);
bool lanes_joined(const struct lanes *lanes, unsigned collector);

/* All events before `stored` are stored, before `attested` signed; all batches before `closed` are closed and verified.
 * Marks that fall or that name what was never written are ignored. */
void lanes_acknowledge(struct lanes *lanes, unsigned collector, enum lane which, uint64_t stored,
                       uint64_t attested, uint64_t closed);
/* It greets, and where it stands. One that was restored from a copy stands behind its own marks: they fall with
 * it, and what is behind them will be sent again. False, FAULT_CONFLICT: it lacks batches that a verified checkpoint of
 * its log holds, and that may be gone here. */
bool lanes_greeted(struct lanes *lanes, unsigned collector, enum lane which, uint64_t stored, uint64_t closed,
                   struct fault *fault);

/* The newest checkpoint of its log that was verified, and its note, which is on disk with the next flush or before a
 * segment goes. The next entries name it in seen_*; where there are several collectors, in turn. `note` has
 * LANES_NOTE_MOST bytes at most. */
#define LANES_NOTE_MOST 8192u
void lanes_seen(struct lanes *lanes, unsigned collector, const struct seen_checkpoint *checkpoint,
                struct slice note);
/* As it was found at the start, or set since; empty for none. Entries say nothing of it before lanes_seen. */
struct slice lanes_seen_note(const struct lanes *lanes, unsigned collector);
/* The entries of all batches before `proved` are in that checkpoint: segments that are in all collectors' go. */
void lanes_proved(struct lanes *lanes, unsigned collector, enum lane which, uint64_t proved);
/* While held, nothing more counts as proved there, and for the quota it has nothing. Over the quota, groups are refused
 * as on a full disk where no other collector has what would be given up. */
void lanes_hold(struct lanes *lanes, unsigned collector, bool held);

/* The leaf of a closed batch in the log. LANES_END: the spool does not hold its entry (any more). */
enum lanes_found lanes_leaf(struct lanes *lanes, enum lane which, uint64_t batch_seq, struct hash *ret_leaf,
                            struct fault *fault);
void lanes_set_heartbeat(struct lanes *lanes, uint64_t heartbeat_us);

/* What HELLO says of a lane to a collector: flushed things alone. */
struct lanes_hello {
    uint8_t stream_id[HASH_SIZE];
    uint32_t epoch;
    uint64_t batch_seq; /* of the open batch, or of the next one */
    uint64_t next_event_seq;
    uint8_t last_entry_hash[HASH_SIZE]; /* zeros for none */
    uint8_t newest_part[PART_SIZE];     /* of the open batch */
    bool has_part;
    uint64_t proved; /* the first batch whose entry is not known to be in a verified checkpoint */
};
void lanes_hello(const struct lanes *lanes, unsigned collector, enum lane lane,
                 struct lanes_hello *ret_hello);

/* What the spool holds of a lane, in the order in which it must be sent. */
enum lanes_item_kind { LANES_EVENTS, LANES_PART, LANES_CLOSE };
struct lanes_item {
    enum lanes_item_kind kind;
    uint64_t batch_seq;
    uint64_t first_event_seq; /* of these events; of the batch */
    uint32_t count;           /* events; covered by the part; in the batch */
    struct slice
        bytes; /* an Events message; a part; an entry. Borrowed until the next call into lanes or cursor */
    struct slice class_list;
    /* LANES_CLOSE */ /* CLOSE: some of the batch's events were lost or given up, and its entry is owed their bodies. What stands
     * behind a hole in a batch is not given, because nobody could place it: a gap event names it, and what only stood
     * behind damage comes anew, later, with its old place in its fields (replayed.*). EVENTS: a closing entry before
     * these is lost, which only a new enrolment mends. */
    bool after_hole;
};

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

/* When the quota is passed, bodies of lower rank go first; LANES_RANK_KEEP never goes. */
#define LANES_RANK_KEEP 255u
unsigned lanes_class_rank(enum event_class class);

/* For --check, status and metrics; counters since the start. */
struct lanes_report {
    uint64_t events[LANES], parts[LANES], closes[LANES];
    uint64_t next_event_seq[LANES], batch_seq[LANES];
    uint64_t groups, syncs, text_bytes, oversized_events;
    uint64_t spool_bytes, segments, quota;
    uint64_t dropped_batches, dropped_events;                             /* by the quota */
    uint64_t damaged_ranges, damaged_bytes, missing_segments, torn_bytes; /* found at the start */
    uint64_t refused_groups, given_up_segments;
    bool full; /* the last flush was refused */
};
void lanes_report(const struct lanes *lanes, struct lanes_report *ret_report);
struct spool_marks lanes_marks(const struct lanes *lanes, unsigned collector, enum lane lane);

#endif
