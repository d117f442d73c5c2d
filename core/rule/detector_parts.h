/* What a detector is made of; for the files of this folder alone. */
#ifndef TOCSIN_DETECTOR_PARTS_H
#define TOCSIN_DETECTOR_PARTS_H

#include "calendar.h"
#include "detector.h"
#include "group.h"
#include "ruleset_parts.h"

/* Values that the event has and the record does not: numbered behind the record's fields. */
#define VALUE_HOST RECORD_FIELDS_MOST
#define VALUE_TIME (RECORD_FIELDS_MOST + 1)

#define BUCKETS 64u /* combinations of log source values remembered */
#define BUCKET_VALUES_MOST 12u

/* What one combination of product, category and service values means: which log sources apply. */
struct bucket {
    uint32_t values[BUCKET_VALUES_MOST]; /* kind << 16 | name */
    uint32_t value_count;
    bool used;
    bool any;                /* whether any log source applies */
    uint8_t *active;         /* [logsource] */
    uint8_t *scan;           /* [scanner] */
    uint32_t *loose_sources; /* log sources with loose rules */
    uint32_t loose_count;
};

struct detector {
    const struct ruleset *ruleset;
    uint32_t groups_most;

    /* The event under way. */
    const struct record *record;
    const struct detector_event *event;
    detector_report *report;
    void *context;
    unsigned reported;
    struct slice keywords[2];
    size_t keyword_count;

    uint32_t generation; /* of memo and field_seen; an event each */
    uint32_t *field_seen;
    uint32_t *field_null;  /* the field stands there as JSON's null */
    uint16_t *field_first; /* index into the record; behind it stand the event's host and its time */
    uint16_t field_next[RECORD_FIELDS_MOST + 2];
    char time_text[CALENDAR_TEXT_SIZE]; /* of the event, where a rule asks for it */
    uint32_t *memo;       /* [predicate]: generation << 1 | result */
    uint32_t *spoken;     /* [trouble]: the generation in which a rule spoke for it */
    uint64_t *candidates; /* a bit a rule */
    uint32_t candidate_words;

    struct bucket buckets[BUCKETS + 1]; /* the last one for events with too many values */

    pcre2_match_data *match;
    pcre2_match_context *limits;
#ifdef TOCSIN_HYPERSCAN
    hs_scratch_t *scratch;
#endif

    struct detector_cost *costs;
    struct detector_counts counts;
    struct group_table groups;
    struct buffer key;
};

/* A rule matched: reports it if it generates alerts, and feeds its correlations (correlate.c). */
void detector_deliver(struct detector *detector, const struct detector_match *match);
/* Closes and forgets what is over at this time. */
void detector_close_windows(struct detector *detector, uint64_t time_us);

/* The first value of a field in the event under way; NULL data where there is none or no event. */
struct slice detector_value(const struct detector *detector, uint32_t field);

/* How many entries a group of this correlation remembers at most. */
uint32_t correlation_keep(const struct correlation *correlation);

#endif
