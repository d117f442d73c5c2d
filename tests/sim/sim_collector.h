/* A collector in memory, over the checker that the real one uses: frames in, frames out; what it has accepted is pending
 * until it commits, and a crash takes everything pending. */
#ifndef TOCSIN_SIM_COLLECTOR_H
#define TOCSIN_SIM_COLLECTOR_H

#include "checkpoint.h"
#include "frame.h"
#include "sim_chance.h"
#include "stream_checker.h"
#include "wire.pb-c.h"

struct sim_accepted {
    enum frame_type type;
    struct buffer bytes, class_list;
};

struct sim_store_lane {
    struct stream_checker *checker;
    struct sim_accepted *accepted; /* in order, nothing twice */
    size_t count, committed;
    uint64_t stored, attested, closed; /* as committed */
    uint64_t high_stored;              /* the most that was ever acknowledged */
    uint64_t *log_index;               /* of each closed batch */
    uint64_t proved;                   /* batches below were proved in this session, or before it */
};

#define SIM_ORIGIN "log.example/sim"
/* The log's, of seed 9 …. */
struct note_key sim_log_key(struct signing_key **ret_key);

struct sim_collector {
    struct chance *chance;
    struct hash streams[LANES];
    struct verify_key key;
    struct sim_store_lane lanes[LANES];
    struct frame_reader reader;
    struct buffer out;
    bool greeted;
    struct signing_key *log_signer;
    struct note_key log_key;
    struct hash *log; /* leaves, in the order of arrival */
    size_t log_size, log_committed;
    uint64_t told_size; /* of the last checkpoint in this session, or of the agent's own */
    uint64_t sessions, pings, checkpoints;
};

struct sim_collector *sim_collector_create(struct chance *chance, const struct hash streams[LANES],
                                           const struct verify_key *key);
struct sim_collector *sim_collector_destroy(struct sim_collector *collector);

/* A new connection: nothing of the last one remains, but what was accepted is still being committed. */
void sim_collector_connected(struct sim_collector *collector);
/* A good agent is never refused: it is a failure of the test. */
void sim_collector_receive(struct sim_collector *collector, struct slice bytes);
/* Commits all or some of what is pending; acknowledges it unless `silently`. */
void sim_collector_commit(struct sim_collector *collector, bool silently);
/* Publishes a checkpoint over what is committed, and proves some of the batches in it. */
void sim_collector_publish(struct sim_collector *collector);
void sim_collector_crash(struct sim_collector *collector);
void sim_collector_credit(struct sim_collector *collector, uint64_t credit);
void sim_collector_close_now(struct sim_collector *collector, enum lane lane);

#endif
