/* A change: what is committed together or not at all. Any thread makes one, fills it and submits it to the committer,
 * which owns it from then on (committer.h).
 *
 * A change can hold rows of agents' streams, log entries, a signed statement, the collector's own events, and plain puts and
 * deletes in the store's families. A statement that the log refuses takes the whole change with it: nothing of it is
 * committed, and its maker is called all the same (change_outcome). What depends on the commit's place in the log (arrival numbers, log indexes) is filled in there. */
#ifndef TOCSIN_CHANGE_H
#define TOCSIN_CHANGE_H

#include "class.h"
#include "control_chain.h"
#include "event.h"
#include "store_family.h"

#define CHANGE_MOST (24u * 1024 * 1024) /* bytes of one change */

struct change;

enum change_step_kind {
    CHANGE_EVENTS,
    CHANGE_CLOSE,
    CHANGE_REPORT,
    CHANGE_PUT,
    CHANGE_DELETE,
    CHANGE_DELETE_RANGE,
    CHANGE_STATEMENT,
    CHANGE_CLOSE_OWN,
};

/* As the committer reads it back, in the order of filling. */
struct change_step {
    enum change_step_kind kind;
    const uint8_t *stream_id; /* EVENTS, CLOSE */
    uint64_t first_event_seq; /* EVENTS */
    uint8_t class;            /* REPORT */
    enum store_family family; /* PUT, DELETE, DELETE_RANGE */
    struct slice key;         /* PUT, DELETE; DELETE_RANGE: from; EVENTS: the message; CLOSE: the entry; REPORT: the body;
                                        STATEMENT: the signed statement */
    struct slice value;       /* PUT; DELETE_RANGE: up to, without; CLOSE: the class list */
};

typedef void change_callback(void *context, struct change *change);

struct change *change_create(void);
struct change *change_destroy(struct change *change); /* one that was not submitted; returns NULL */

void change_events(struct change *change, const uint8_t stream_id[32], uint64_t first_event_seq,
                   struct slice message);
void change_close(struct change *change, const uint8_t stream_id[32], struct slice entry,
                  struct slice class_list);
/* An event of the collector's own stream. */
void change_report(struct change *change, enum event_class class, const struct event_body *body);
void change_put(struct change *change, enum store_family family, struct slice key, struct slice value);
void change_delete(struct change *change, enum store_family family, struct slice key);
/* Every key from `from` up to, without, `to`. */
void change_delete_range(struct change *change, enum store_family family, struct slice from, struct slice to);

/* Closes the own stream's open batch behind what this commit reports. */
void change_close_own(struct change *change);
/* A signed statement (signed_statement_write): judged, placed in the control chain and written before the change's other
 * steps. One a change; a second one cuts the change. */
void change_statement(struct change *change, struct slice signed_statement);

/* What became of the change's statement; for the callback. */
struct change_outcome {
    bool taken;
    uint32_t type;
    uint64_t ctl_seq, log_index;
    struct hash leaf; /* of the control entry */
    struct control_verdict verdict;
    struct fault fault; /* why it was refused */
};
const struct change_outcome *change_outcome(const struct change *change);
bool change_has_statement(const struct change *change);

/* Called in the loop's thread after the commit, with the change, which dies afterwards. */
void change_on_committed(struct change *change, change_callback *committed, void *context);

/* A step did not fit into CHANGE_MOST and was left out: its maker should have begun another change before. */
bool change_is_cut(const struct change *change);
bool change_is_empty(const struct change *change);
size_t change_size(const struct change *change); /* bytes, for queues that count */

/* Walks the steps: *place begins at 0. */
bool change_next(const struct change *change, size_t *place, struct change_step *ret_step);

/* The committer's own links. */
struct change_links {
    struct change *next;
    change_callback *committed;
    void *context;
};
struct change_links *change_links(struct change *change);
struct change_outcome *change_outcome_room(struct change *change);

#endif
