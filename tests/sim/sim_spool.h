/* A spool in memory: both lanes' writers, and all that they wrote, in the order in which it must be sent. What stands
 * here counts as synced. */
#ifndef TOCSIN_SIM_SPOOL_H
#define TOCSIN_SIM_SPOOL_H

#include "log_watch.h"
#include "sim_chance.h"
#include "stream_writer.h"
#include "uplink.h"

struct sim_item {
    enum uplink_item_kind kind;
    uint64_t batch_seq, first_seq, end_seq;
    struct buffer bytes, class_list;
};

struct sim_lane {
    struct stream_writer *writer;
    struct sim_item *items;
    size_t count, place; /* of the cursor */
    uint64_t want_batch, want_seq;
    uint64_t stored, attested, closed; /* acknowledged */
    bool close_wanted;
    uint64_t proved, included; /* batches below are in a verified checkpoint; in one of this session */
};

struct sim_spool {
    struct chance *chance;
    struct signing_key *key;
    struct stream_clock clock;
    struct sim_lane lanes[LANES];
    struct log_watch watch;
    uint64_t checkpoints;
};

#define SIM_HOST "signer1"

struct sim_spool *sim_spool_create(struct chance *chance);
struct sim_spool *sim_spool_destroy(struct sim_spool *spool);

/* A turn at a later clock: what is due, some events, perhaps a part, perhaps a close. Bodies are the event's number. */
void sim_spool_turn(struct sim_spool *spool, uint64_t elapsed_us, unsigned events_most);
/* A session begins. */
void sim_spool_hello(struct sim_spool *spool, struct uplink_stream ret_streams[LANES]);
struct uplink_supply sim_spool_supply(struct sim_spool *spool);
const struct hash *sim_spool_stream(const struct sim_spool *spool, enum lane lane);

#endif
