/* Rules against events, one after the other: what matched, for whom, and because of which events.
 *
 * A detector borrows a compiled ruleset and owns its state: correlation windows, memos, the matcher's scratch
 * memory. One thread at a time for each detector; a ruleset may be shared. Processing an event allocates
 * nothing once the groups it touches exist and have grown to what their windows hold.
 *
 * Log source: a rule's product, category and service must each stand among the record's values of
 * tocsin.product, tocsin.category, tocsin.service (each may occur several times). Keywords are looked for in
 * event.original and, where it is not a part of that, in message.
 *
 * A record without @timestamp has the event's time for it, in UTC (RFC 3339).
 *
 * Time is event time, in microseconds since 1970. A window is the correlation's timespan wherever it lies:
 * events that come late are put where they belong, as long as the group still remembers that time. An
 * open-ended condition (gt, gte) matches at the event that fulfils it and at each further one; one with an
 * upper bound (lt, lte, eq, a range) is decided when its window has closed, by a later event or by
 * detector_advance.
 *
 * A line that its writer folded ("message repeated 3 times", tocsin.repeated) counts as often as it says, up to
 * DETECTOR_REPEATED_MOST.
 *
 * State is bounded: past `groups_most` the group that was quiet longest goes, and is counted. It can be saved
 * and loaded; rules are known by id, so a changed ruleset keeps the windows of the rules that are still the
 * same. */
#ifndef TOCSIN_DETECTOR_H
#define TOCSIN_DETECTOR_H

#include "buffer.h"
#include "fault.h"
#include "record.h"
#include "ruleset.h"

#define DETECTOR_EVENTS_MOST 10u /* contributing event ids in a match */
#define DETECTOR_ENTITY_MOST 8u  /* group-by fields */
#define DETECTOR_ID_MOST 320u    /* bytes of an event id; a longer one is cut */
#define DETECTOR_REPEATED_MOST 1000u
#define DETECTOR_STATE_MOST (256u * 1024 * 1024)
#define DETECTOR_GROUPS_DEFAULT 65536u

struct detector;

struct detector_limits {
    uint32_t groups_most; /* of all correlations together; 0: the default */
};

struct detector_event {
    struct slice id;   /* "<stream>~<8 hex>/<seq>" */
    uint64_t time_us;  /* event time */
    struct slice host; /* who sent it; stands for host.name where the record has none */
};

struct detector_pair {
    struct slice name, value;
};

/* Borrowed for the time of the call. */
struct detector_match {
    const struct rule *rule;
    const struct detector_pair
        *entity; /* group-by fields; for a plain rule its own `entity`, or source.ip, user.name, host.name, as present */
    size_t entity_count;
    struct slice host;     /* the record's host.name, otherwise the event's host */
    struct slice event_id; /* the one that made it match */
    const struct slice
        *event_ids; /* up to DETECTOR_EVENTS_MOST, the newest ones, oldest first, event_id among them */
    size_t event_id_count;
    uint64_t
        count; /* events (value_count: values) in the window; for a plain rule 1, or how often the line was repeated */
    uint64_t fresh;             /* of these, how many no earlier match of this group has counted */
    uint64_t time_us;           /* of the event that made it match */
    uint64_t first_us, last_us; /* of the window's events */
};

typedef void detector_report(void *context, const struct detector_match *match);

struct detector_counts {
    uint64_t events, candidates, matches;
    uint64_t groups;    /* now */
    uint64_t evictions; /* groups dropped for want of room */
    uint64_t exhausted; /* regular expressions that gave up at their limit: no match, but not known */
};

/* Cost of one rule in this detector. A step is one look at one field, or 64 bytes of it for a regular
 * expression. */
struct detector_cost {
    uint64_t evaluations, steps, matches;
};

struct detector *detector_create(const struct ruleset *ruleset, const struct detector_limits *limits);
struct detector *detector_destroy(struct detector *detector); /* returns NULL */

/* Reports the matches of one event, in the order of the rules, correlations after what feeds them. Returns
 * how many. */
unsigned detector_process(struct detector *detector, const struct record *record,
                          const struct detector_event *event, detector_report *report, void *context);

/* Event time has come this far for every source: closes windows and forgets groups that are over. */
unsigned detector_advance(struct detector *detector, uint64_t time_us, detector_report *report,
                          void *context);

/* Another ruleset (compiled, over the same symbols); the state of correlations that did not change is kept.
 */
void detector_reload(struct detector *detector, const struct ruleset *ruleset);

struct detector_counts detector_counts(const struct detector *detector);
struct detector_cost detector_cost(const struct detector *detector, uint32_t rule_index);

/* Appends the state; false when the buffer's limit is passed. */
bool detector_save(const struct detector *detector, struct buffer *to);
/* Takes over a saved state; rules that are gone or changed are passed over. On failure the state is empty. */
bool detector_load(struct detector *detector, struct slice from, struct fault *fault);

#endif
