/* Delivery 9: an agent that is cut off at any operation, a thousand times, with and without losing what
 * was not synced. Whatever happens, every line below a source's position is delivered exactly once, none
 * above it is, and the collector's verifier accepts every event, part and entry: no number is signed
 * twice. */
#include "lanes_world.h"

#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUNS 1000u
#define TURNS 14u
#define CRASHES 3u

struct tally {
    unsigned crashes, cuts, refused, given_up;
    uint64_t lines;
};

static uint64_t chance(struct world *world, uint64_t below) {
    return disk_model_random(world->disk, below);
}

static void random_clock(struct world *world) {
    uint64_t passes[] = {1000, 20000, 1000000, 61000000};
    if (chance(world, 20) == 0)
        world->now.now_us += 5000000; /* stepped */
    else if (chance(world, 20) == 0)
        world->now.now_us -= 7000000;
    world_pass(world, passes[chance(world, 4)]);
}

static void random_trouble(struct world *world) {
    struct disk_model *disk = world->disk;
    disk->bytes_most = chance(world, 5) == 0 ? disk_model_used(disk) + chance(world, 3000) : UINT64_MAX;
    disk->files_most = chance(world, 10) == 0 ? disk->name_count : SIZE_MAX;
    disk->fail_sync = chance(world, 12) == 0 ? 1 + (unsigned)chance(world, 2) : 0;
}

static void turn(struct world *world) {
    random_clock(world);
    for (unsigned source = 0; source < WORLD_SOURCES; source++)
        if (chance(world, 2))
            world_read(world, source, (unsigned)chance(world, chance(world, 8) ? 12 : 120));
    if (chance(world, 2))
        lanes_part(world->lanes);
    if (chance(world, 10) == 0)
        lanes_close(world->lanes, (enum lane)chance(world, LANES), BATCH_DATA, NULL);
    lanes_flush(world->lanes, NULL);
    if (chance(world, 3))
        world_send(world, (unsigned)chance(world, 10));
    if (chance(world, 3))
        world_acknowledge(world);
}

static void crash(struct world *world, struct tally *tally) {
    struct lanes_report report;
    lanes_report(world->lanes, &report);
    tally->refused += report.refused_groups > 0;
    tally->given_up += report.given_up_segments > 0;
    /* A disk that has failed to sync and then only loses its process may show what it does not hold: no
     * spool can tell. It is cut off for real here. */
    bool cut = world->disk->lied || chance(world, 2);
    world_stop(world);
    world->disk->fail_sync = 0;
    world->disk->bytes_most = UINT64_MAX;
    world->disk->files_most = SIZE_MAX;
    tally->crashes++;
    tally->cuts += cut;
    if (!cut) {
        disk_model_restart(world->disk);
        return;
    }
    disk_model_power_cut(world->disk);
    world->now.boot_id[0]++;
    world->now.boottime_us = 30000000;
}

static void run(uint64_t seed, struct tally *tally) {
    struct world *world = world_create(seed);
    struct fault fault = {0};
    for (unsigned i = 0; i <= CRASHES; i++) {
        if (i < CRASHES && chance(world, 3) == 0) /* also while it recovers */
            world->disk->dies_at = world->disk->operations + 1 + chance(world, 12);
        if (!world_start(world, &fault)) {
            assert_true(world->disk->dead);
            disk_model_power_cut(world->disk);
            world->now.boot_id[0]++;
            i--;
            continue;
        }
        if (i < CRASHES && !world->disk->dies_at)
            world->disk->dies_at = world->disk->operations + 1 + chance(world, 120);
        for (unsigned t = 0; t < TURNS && !world->disk->dead; t++) {
            random_trouble(world);
            turn(world);
        }
        if (i < CRASHES)
            crash(world, tally);
    }
    /* All is well from now on. */
    random_clock(world);
    world->disk->bytes_most = UINT64_MAX;
    world->disk->files_most = SIZE_MAX;
    world->disk->fail_sync = 0;
    for (unsigned t = 0; t < 2; t++) {
        if (!lanes_flush(world->lanes, &fault))
            fail_msg("seed %llu: %s", (unsigned long long)seed, fault.text);
        world_pass(world, 61000000);
    }
    assert_true(lanes_flush(world->lanes, &fault));
    world_send(world, UINT32_MAX);
    world_check_lines(world);
    assert_int_equal(world->gaps, 0);
    for (unsigned i = 0; i < WORLD_SOURCES; i++)
        tally->lines += world->next_line[i];
    world_destroy(world);
}

static void whatever_is_cut_off_every_line_comes_once_and_nothing_is_signed_twice(void **state) {
    (void)state;
    struct tally tally = {0};
    const char *one = getenv("TOCSIN_SEED");
    for (uint64_t seed = 1; seed <= RUNS && !one; seed++) {
        if (seed % 100 == 0)
            print_message("%u runs\n", (unsigned)seed);
        run(seed, &tally);
    }
    if (one)
        run(strtoull(one, NULL, 10), &tally);
    print_message(
        "%u crashes, %u of them power cuts; %u with a full disk, %u with a failed sync; %llu lines\n",
        tally.crashes, tally.cuts, tally.refused, tally.given_up, (unsigned long long)tally.lines);
    if (one)
        return;
    assert_true(tally.crashes >= RUNS && tally.cuts > RUNS / 2);
    assert_true(tally.refused > 10 && tally.given_up > 10 && tally.lines > 10 * RUNS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_cut_off_every_line_comes_once_and_nothing_is_signed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
