/* What stream_checker.c, stream_checker_close.c and stream_checker_state.c share; nobody else's. */
#ifndef TOCSIN_STREAM_CHECKER_INSIDE_H
#define TOCSIN_STREAM_CHECKER_INSIDE_H

#include "stream_checker.h"

/* An event of the open batch, so that a repeat and a part over a prefix can be held against it. */
struct seen_event {
    uint64_t time_us;
    struct hash leaf;
    uint8_t class;
};

struct checker_open {
    struct open_batch *batch;
    struct seen_event *events;
    size_t capacity;
    uint64_t last_us; /* the newest event's time */
    bool has_part;
    uint8_t part[PART_SIZE];
};

struct stream_checker {
    struct hash stream_id;
    struct verify_key key;
    uint32_t epoch;
    uint8_t lane;
    bool has_last;
    uint64_t begin_batch, begin_event; /* of the first entry; zeros for a stream that begins here */
    uint8_t last[BATCH_ENTRY_SIZE];
    struct checker_open *open; /* NULL while nothing of the open batch is here */
};

/* The last entry, decoded. Where there is none, what stands before the first: zeros but for the two numbers, so that one more
 * than its batch_seq (UINT64_MAX before batch 0) is the first. */
struct batch_entry checker_last(const struct stream_checker *checker);
static inline uint64_t checker_first_seq(const struct batch_entry *last) {
    return last->first_event_seq + last->event_count;
}
struct hash checker_last_hash(const struct stream_checker *checker);
/* The entry that comes next is the first one here, and was not the stream's first. */
static inline bool checker_begins_inside(const struct stream_checker *checker) {
    return !checker->has_last && checker->begin_batch > 0;
}
uint32_t checker_count(const struct stream_checker *checker); /* events of the open batch that are here */

struct checker_open *
checker_open_make(struct stream_checker *checker); /* the open state, made where there is none */
void checker_open_drop(struct stream_checker *checker);

/* The newest part of the open batch; false for none. */
bool checker_part(const struct stream_checker *checker, struct part *ret_part);

enum check checker_refuse(enum check check, struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
