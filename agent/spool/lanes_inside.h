/* What lanes*.c share, and nobody else. */
#ifndef TOCSIN_LANES_INSIDE_H
#define TOCSIN_LANES_INSIDE_H

#include "events.h"
#include "lanes.h"
#include "spool_folder.h"

#include <zstd.h>

#define LANES_RECORD_MOST (SPOOL_HEAD + SPOOL_RECORD_MOST + SPOOL_ALIGNMENT)

#define LANES_LEAVES_MOST 4096u /* of a lane, in memory; more are read from the spool when they are asked for */

/* Leaves of closed batches in a row. */
struct lane_leaves {
    uint64_t first_batch;
    struct hash *hashes;
    size_t count, room;
};

struct lane_state {
    enum lane lane;
    struct stream_writer *writer;
    struct buffer block;           /* event blocks that are not in the record yet */
    struct events_message message; /* of that block: numbers, times, keys */
    struct class_key keys[CLASS_NUMBERS];
    uint16_t classes;
    bool touched;               /* its state goes with this record */
    struct lanes_hello durable; /* what is on disk */
    struct lane_leaves leaves; /* from what all collectors have proved on, or empty */
    unsigned seen_turn;        /* whose checkpoint the next entry names */
    uint64_t
        lost_from; /* at the start: events of the open batch from here on cannot be covered; UINT64_MAX for none */
};

struct lanes {
    struct lanes_settings settings;
    char *host;
    struct spool_folder *folder;
    uint64_t segment, segment_us; /* the newest segment's number; boot clock when it was first seen */
    struct stream_clock now;
    struct seen_checkpoint seen[LANES_COLLECTORS_MOST], seen_before; /* of each log; in the last run's entries */
    bool has_seen[LANES_COLLECTORS_MOST], has_seen_before;
    struct lane_state lanes[LANES];
    struct source_output output;
    struct buffer echo,
        next_echo;         /* the last group's closes, which stand again in the next one; this group's */
    struct buffer record;  /* being gathered; empty or begun */
    struct buffer pending; /* gathered, to be written; kept until it is */
    struct spool_positions positions; /* given since the last group was sealed */
    size_t group_text;                /* bytes of event text in `record` and the blocks */
    struct buffer packed;             /* a compressed block */
    struct buffer held;               /* one body, while its batch makes room */
    ZSTD_CCtx *compressor;
    uint64_t retry_us; /* next try of what was refused */
    uint64_t changes;  /* counts up whenever borrowed bytes of the spool may have gone */
    bool telling; /* Tocsin's own events about losses, which no source can give again: the group may grow */
    bool making_room;
    bool on_hold[LANES_COLLECTORS_MOST];
    bool room_exhausted; /* nothing more may be given up, until a collector acknowledges */
    struct lanes_report report;
};

/* Appends an item to the record that is being gathered. */
bool lanes_gather(struct lanes *lanes, const struct spool_item *item);
/* lanes_marks.c */
struct spool_marks lane_least(const struct lanes *lanes, enum lane lane); /* what every collector has */
bool lanes_any_held(const struct lanes *lanes);
bool lanes_room(const struct lanes *lanes); /* somebody may have what is given up */
/* lanes_leaves.c: an entry is closed; its lane's proved mark moved. */
void lane_leaves_add(struct lanes *lanes, enum lane lane, uint64_t batch_seq, struct slice entry);
void lane_leaves_drop(struct lanes *lanes, enum lane lane);
void lane_leaves_free(struct lane_state *lane);
/* The first batch that the spool has anything of; the open one where there is nothing. */
uint64_t lane_oldest_batch(const struct lanes *lanes, enum lane lane);
/* Closes and breaks what is due in a lane at the present clock. */
void lane_do_due(struct lanes *lanes, struct lane_state *lane);
/* Restores both writers from the folder and sets what is durable. */
bool lanes_restore(struct lanes *lanes, struct fault *fault);
/* Tells by gap events which events damage has taken, and gives anew what cannot be closed any more. */
void lanes_tell_damage(struct lanes *lanes);
void lane_set_durable(struct lane_state *lane);
/* Gathers a gap event for `count` events of a batch from `first` on, and gives them up. `class_list` may
 * be empty. */
struct lanes_loss {
    uint64_t batch_seq, first, count; /* count 0: nothing is told, the events are void all the same */
    struct slice class_list;
    const char *reason;
};
bool lanes_lose(struct lanes *lanes, enum lane lane, const struct lanes_loss *loss);
/* Gives old events anew, with their old place in replayed.stream, .seq and .time_us. */
struct lanes_replay {
    struct lanes *lanes;
    enum lane lane;
    char stream[STREAM_NAME_SIZE + 16]; /* what replayed.stream says */
    struct events_opener *opener;
    struct event_field *fields;
};
void lanes_replay_open(struct lanes_replay *replay, struct lanes *lanes);
void lanes_replay_close(struct lanes_replay *replay);
/* The events of an Events message from that number on. */
void lanes_replay_message(const struct lanes_replay *replay, struct slice bytes, uint64_t from_seq);
/* Gives up bodies until the folder is below its quota again, or nothing more may go. */
void lanes_make_room(struct lanes *lanes);

struct lanes_cursor {
    struct lanes *lanes;
    enum lane lane;
    struct spool_reader reader;
    uint64_t number;     /* of the segment; 0: from the first one */
    uint32_t generation; /* of it, when `offset` was true */
    uint64_t offset;     /* of the record */
    size_t given;        /* items of it that were taken */
    bool loaded;         /* `items` and `size` are the record's, as of `changes` */
    uint64_t changes;
    struct slice items;
    size_t size;
    uint64_t want_batch, want_seq;
    uint64_t broken_batch; /* + 1: its events after a hole are not given */
    bool whole;            /* for recovery: gives every part, and what is void or stands behind a hole */
};
void lanes_cursor_begin(struct lanes_cursor *cursor, struct lanes *lanes, enum lane lane);
void lanes_cursor_end(struct lanes_cursor *cursor);

#endif
