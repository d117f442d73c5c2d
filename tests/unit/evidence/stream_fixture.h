/* A writer and a checker of one stream with what would be in the spool between them. Randomness and time are made up, so
 * every run is the same. */
#ifndef TOCSIN_STREAM_FIXTURE_H
#define TOCSIN_STREAM_FIXTURE_H

#include "stream_checker.h"
#include "stream_id.h"
#include "stream_writer.h"

#define FIXTURE_START_US 1735689600000000ull
#define FIXTURE_HEARTBEAT_US 600000000ull
#define FIXTURE_RUNS_MOST 512u

/* A run of events of the open batch, owning its bytes. */
struct run {
    struct batch_events events;
    struct class_key keys[CLASSES];
    struct buffer block;
};

struct fixture {
    struct signing_key *key;
    struct stream_writer_settings settings;
    struct stream_writer *writer;
    struct stream_checker *checker;
    struct stream_clock clock;
    struct run gathering;               /* events that were written and not yet sent */
    struct run runs[FIXTURE_RUNS_MOST]; /* of the open batch, as sent */
    size_t run_count;
    struct stream_close close; /* the last one */
    uint8_t part[PART_SIZE];   /* the last one */
    struct fault fault;        /* of the last failure */
};

/* A signing key out of a number. */
struct signing_key *fixture_key(uint8_t number);

/* A stream of the security lane that has not begun; nothing is delivered. */
struct fixture *fixture_create(void);
struct fixture *fixture_begin(void); /* the same after its first, empty break, which the checker has taken */
struct fixture *fixture_destroy(struct fixture *fixture);

/* Both clocks go on. */
void fixture_pass(struct fixture *fixture, uint64_t time_us);

/* The writer's side; all must succeed. */
void fixture_event(struct fixture *fixture, enum event_class class, const char *text);
void fixture_part(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Delivery to the checker. */
enum check fixture_send_events(struct fixture *fixture); /* what is gathering becomes a run */
enum check fixture_send_part(struct fixture *fixture);
enum check fixture_send_close(struct fixture *fixture);

/* All three in a row must be accepted. */
void fixture_whole_batch(struct fixture *fixture, unsigned events);

/* Another checker in the same state, by saving, loading and giving the open batch's events again. */
struct stream_checker *fixture_checker_again(struct fixture *fixture);
/* The writer stops and starts again from its state and what is in the spool. */
void fixture_restart_writer(struct fixture *fixture);

#endif
