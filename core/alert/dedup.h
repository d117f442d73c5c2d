/* One alert for one thing: matches of the same rule about the same entity are counted into the alert that is
 * open.
 *
 * The first match opens an alert. Further ones are counted into it as long as no two lie further apart than
 * the window (event time); past the time for repeats since the last notice the next one asks for a repeat notice, so
 * that what goes on is not forgotten; one that somebody has acknowledged is told again more seldom, but is. dedup_close ends
 * it: the next match is a new alert. Rules of one trouble (rule.h) share the alert: no window ends it, and a match of another
 * of them opens one in its place. Processing the same matches again after a restart from a saved state gives the same alert
 * ids, because ids are derived (alert.h).
 *
 * Bounded: past `most` the entry that was quiet longest goes and is counted. */
#ifndef TOCSIN_DEDUP_H
#define TOCSIN_DEDUP_H

#include "alert.h"

#define DEDUP_WINDOW_DEFAULT_US (3600ull * 1000000)
#define DEDUP_REPEAT_DEFAULT_US (12ull * 3600 * 1000000)
#define DEDUP_ACKNOWLEDGED_DEFAULT_US (12ull * 3600 * 1000000)
#define DEDUP_MOST_DEFAULT 65536u
#define DEDUP_STATE_MOST (64u * 1024 * 1024)

struct dedup_settings {
    uint64_t window_us, repeat_us; /* 0: the default; a rule may have its own time for repeats */
    uint64_t acknowledged_us;      /* what was acknowledged is told again after that; 0: the default */
    uint32_t most;                 /* 0: the default */
};

enum dedup_verdict {
    DEDUP_NEW,     /* a new alert: tell people */
    DEDUP_COUNTED, /* counted into the open alert: a status update, no notice */
    DEDUP_REPEAT,  /* the same, and time to tell people again */
};

struct dedup_entry {
    char alert_id[ALERT_ID_SIZE];
    char replaced[ALERT_ID_SIZE]; /* the one in whose place this was opened, when it is new; else empty */
    uint64_t count; /* events since it opened */
    uint64_t first_us, last_us;
    uint64_t notified_us;
    uint64_t rule;      /* dedup_rule_number: of several of one trouble, which */
    /* For the owner, who looks at times what people decided about it; not saved. */
    uint64_t looked_us, acknowledged_us;
    enum severity severity; /* of a reclassification */
};

struct dedup;

struct dedup *dedup_create(const struct dedup_settings *settings); /* NULL: the defaults */
struct dedup *dedup_destroy(struct dedup *dedup);                  /* returns NULL */

/* The alert that is open about what the match is about; NULL where none is. Until the next call. */
struct dedup_entry *dedup_find(struct dedup *dedup, const struct detector_match *match);
uint64_t dedup_rule_number(const struct rule *rule); /* follows from its id */

/* `acknowledged_us`: when somebody has acknowledged the open one; 0: nobody has. */
enum dedup_verdict dedup_offer(struct dedup *dedup, const struct detector_match *match, uint64_t acknowledged_us,
                               struct dedup_entry *ret_entry);

/* Over, or put away by a person: the next match opens a new alert. False where none is open about that. */
bool dedup_close(struct dedup *dedup, const struct detector_match *match, struct dedup_entry *ret_entry);

size_t dedup_count(const struct dedup *dedup);
uint64_t dedup_evictions(const struct dedup *dedup);

bool dedup_save(const struct dedup *dedup, struct buffer *to);
bool dedup_load(struct dedup *dedup, struct slice from, struct fault *fault); /* on failure it is empty */

#endif
