/* An agent and a collector over a network that delays, tears apart and cuts, with ends that die: whatever the seed, every
 * event arrives once and in order, nothing good is refused, and in the end everything is signed and closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events.h"
#include "memory.h"
#include "sim_collector.h"
#include "sim_spool.h"

#define SEEDS 40u
#define SEEDS_SOAK 20000u
#define TURNS 400u
#define QUIET_TURNS 200u
#define ROOM 4096u
#define OUT_MOST (16u * 1024 * 1024)

struct world {
    struct chance chance;
    struct sim_spool *spool;
    struct sim_collector *collector;
    struct uplink *uplink;
    bool connected;
    uint64_t steady_us;          /* the uplink's clock */
    struct buffer up, down, out; /* under way; what the uplink writes */
    unsigned trouble;            /* 0: none; otherwise one turn in so many has some */
};

static const uint8_t boot_id[16] = {1};
static uint64_t seed_under_way; /* 0: none */

static struct world *world_create(uint64_t seed) {
    struct world *world = memory_new(sizeof *world);
    world->chance = chance_of(seed);
    world->spool = sim_spool_create(&world->chance);
    const struct hash streams[LANES] = {*sim_spool_stream(world->spool, LANE_SECURITY),
                                        *sim_spool_stream(world->spool, LANE_BULK)};
    world->collector = sim_collector_create(&world->chance, streams, signing_key_public(world->spool->key));
    struct uplink_supply supply = sim_spool_supply(world->spool);
    world->uplink = uplink_create(&supply);
    world->up = world->down = world->out = BUFFER(OUT_MOST);
    world->trouble = 3 + (unsigned)chance_below(&world->chance, 30);
    return world;
}

static void world_destroy(struct world *world) {
    uplink_destroy(world->uplink);
    sim_collector_destroy(world->collector);
    sim_spool_destroy(world->spool);
    buffer_free(&world->up);
    buffer_free(&world->down);
    buffer_free(&world->out);
    free(world);
}

/* ---- the network */

static void cut(struct world *world) {
    world->connected = false;
    buffer_clear(&world->up);
    buffer_clear(&world->down);
}

static void gather(struct buffer *way, struct buffer *from) {
    assert_true(buffer_append_slice(way, buffer_slice(from)));
    buffer_clear(from);
}

static void connect_anew(struct world *world) {
    struct uplink_stream streams[LANES];
    cut(world);
    sim_collector_connected(world->collector);
    sim_spool_hello(world->spool, streams);
    log_watch_session(&world->spool->watch);
    uplink_open(world->uplink, streams, boot_id, log_watch_note(&world->spool->watch), world->steady_us,
                &world->out);
    gather(&world->up, &world->out);
    world->connected = true;
}

static size_t some_of(struct world *world, size_t size) {
    return chance_one_in(&world->chance, 3) ? size : (size_t)chance_below(&world->chance, size + 1);
}

static void deliver_up(struct world *world) {
    size_t size = some_of(world, world->up.size);
    sim_collector_receive(world->collector, slice_head(buffer_slice(&world->up), size));
    buffer_consume(&world->up, size);
    gather(&world->down, &world->collector->out);
}

static void deliver_down(struct world *world) {
    size_t size = some_of(world, world->down.size);
    struct fault fault = {0};
    if (size && !uplink_receive(world->uplink, slice_head(buffer_slice(&world->down), size), world->steady_us,
                                &world->out, &fault))
        fail_msg("the agent ends the session: %s", fault.text);
    buffer_consume(&world->down, size);
}

static void pump(struct world *world) {
    struct fault fault = {0};
    assert_true(uplink_pump(world->uplink, ROOM, &world->out, &fault));
    gather(&world->up, &world->out);
    if (!uplink_tick(world->uplink, world->steady_us, &world->out, &fault))
        cut(world); /* silent for too long: that is no error here */
    else
        gather(&world->up, &world->out);
}

/* ---- what goes wrong */

static void make_trouble(struct world *world) {
    switch (chance_below(&world->chance, 6)) {
    case 0: /* what is under way is lost, at any byte */
        deliver_up(world);
        cut(world);
        break;
    case 1: /* committed, and nobody is told */
        deliver_up(world);
        sim_collector_commit(world->collector, true);
        cut(world);
        break;
    case 2:
        sim_collector_crash(world->collector);
        cut(world);
        break;
    case 3: { /* the agent's process, its spool intact */
        struct uplink_supply supply = sim_spool_supply(world->spool);
        uplink_destroy(world->uplink);
        world->uplink = uplink_create(&supply);
        cut(world);
        break;
    }
    case 4:
        sim_collector_credit(world->collector, chance_below(&world->chance, 3) * 700);
        gather(&world->down, &world->collector->out);
        break;
    default:
        sim_collector_close_now(world->collector, (enum lane)chance_below(&world->chance, LANES));
        gather(&world->down, &world->collector->out);
        break;
    }
}

static void turn(struct world *world, unsigned events_most, bool trouble) {
    uint64_t elapsed_us = chance_below(&world->chance, 400000);
    world->steady_us += elapsed_us;
    sim_spool_turn(world->spool, elapsed_us, events_most);
    if (trouble && chance_one_in(&world->chance, world->trouble))
        make_trouble(world);
    if (!world->connected && (!trouble || chance_one_in(&world->chance, 3)))
        connect_anew(world);
    if (!world->connected)
        return;
    pump(world);
    deliver_up(world);
    if (!trouble || chance_one_in(&world->chance, 3))
        sim_collector_commit(world->collector, false);
    if (chance_one_in(&world->chance, 5))
        sim_collector_publish(world->collector);
    gather(&world->down, &world->collector->out);
    deliver_down(world);
}

/* ---- what must hold in the end */

static void check_lane(const struct world *world, enum lane which) {
    const struct sim_store_lane *stored = &world->collector->lanes[which];
    const struct sim_lane *written = &world->spool->lanes[which];
    uint64_t seq = 0;
    for (size_t i = 0; i < stored->count; i++) {
        struct events_message message;
        struct event event;
        if (stored->accepted[i].type != FRAME_EVENTS)
            continue;
        assert_true(events_read(buffer_slice(&stored->accepted[i].bytes), &message, NULL));
        assert_int_equal(message.first_event_seq, seq);
        for (struct slice rest = message.data; event_block_next(&rest, &event, NULL); seq++)
            assert_int_equal(strtoull((const char *)event.body.data, NULL, 10), seq);
    }
    assert_int_equal(seq, stream_writer_next_seq(written->writer));
    assert_int_equal(stored->stored, seq);
    assert_int_equal(stored->closed, stream_writer_batch_seq(written->writer));
    /* And the agent knows. */
    assert_int_equal(written->stored, seq);
    assert_int_equal(written->closed, stored->closed);
    assert_int_equal(written->attested, seq);
    assert_int_equal(written->proved, stored->closed);
}

static void settle(struct world *world) {
    if (world->connected) {
        sim_collector_credit(world->collector, 1u << 20);
        gather(&world->down, &world->collector->out);
    }
    for (unsigned lane = 0; lane < LANES; lane++)
        world->spool->lanes[lane].close_wanted = true;
    turn(world, 0, false);
    for (unsigned i = 0; i < QUIET_TURNS; i++) {
        world->steady_us += 1000;
        if (!world->connected)
            connect_anew(world);
        pump(world);
        deliver_up(world);
        sim_collector_commit(world->collector, false);
        sim_collector_publish(world->collector);
        gather(&world->down, &world->collector->out);
        deliver_down(world);
    }
}

static void every_event_arrives_once_and_in_order_whatever_happens(void **state) {
    (void)state;
    const char *soak = getenv("TOCSIN_SOAK"), *one = getenv("TOCSIN_SEED");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t seeds = one ? 1 : soak && *soak == '1' ? SEEDS_SOAK : SEEDS, events = 0, sessions = 0,
             checkpoints = 0;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct world *world = world_create(seed);
        seed_under_way = seed;
        for (unsigned i = 0; i < TURNS; i++)
            turn(world, 12, true);
        settle(world);
        for (unsigned lane = 0; lane < LANES; lane++) {
            check_lane(world, (enum lane)lane);
            events += world->collector->lanes[lane].stored;
        }
        sessions += world->collector->sessions;
        checkpoints += world->spool->checkpoints;
        world_destroy(world);
    }
    /* A simulation in which nothing happens proves nothing. */
    assert_true(events > seeds * TURNS);
    assert_true(sessions > seeds * 3);
    assert_true(checkpoints > seeds * QUIET_TURNS);
    seed_under_way = 0;
    print_message("# %llu seeds, %llu events, %llu sessions\n", (unsigned long long)seeds,
                  (unsigned long long)events, (unsigned long long)sessions);
}

/* A failed assertion leaves the seed standing. */
static int name_the_seed(void **state) {
    (void)state;
    if (seed_under_way)
        print_message("# TOCSIN_SEED=%llu runs this alone\n", (unsigned long long)seed_under_way);
    return 0;
}

static void without_trouble_one_session_is_enough(void **state) {
    (void)state;
    struct world *world = world_create(4711);
    for (unsigned i = 0; i < TURNS; i++)
        turn(world, 12, false);
    settle(world);
    check_lane(world, LANE_SECURITY);
    check_lane(world, LANE_BULK);
    assert_int_equal(world->collector->sessions, 1);
    assert_true(world->collector->pings > 0);
    world_destroy(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_event_arrives_once_and_in_order_whatever_happens, name_the_seed),
        cmocka_unit_test(without_trouble_one_session_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
