/* A host enrols anew: its new spool takes over what the old one holds, once, whenever the power is cut. */
#include "lanes_world.h"

#include "memory.h"
#include "stream_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CUTS 60u

static void flush(struct world *world) {
    struct fault fault = {0};
    if (!lanes_flush(world->lanes, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

static void start(struct world *world) {
    struct fault fault = {0};
    if (!world_start(world, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

/* Some lines acknowledged, some sent and unknown, some never sent; batches closed and one open. */
static struct world *old_spool(void) {
    struct world *world = world_create(1);
    start(world);
    flush(world);
    for (unsigned round = 0; round < 30; round++) {
        world_pass(world, 3000000);
        for (unsigned source = 0; source < WORLD_SOURCES; source++)
            world_read(world, source, 20);
        flush(world);
        if (round < 12) {
            world_send(world, UINT32_MAX);
            world_acknowledge(world);
        }
    }
    world_stop(world);
    return world;
}

/* Another key, another disk: other streams of the same host. */
static struct world *new_spool(uint64_t seed) {
    struct world *world = world_create(seed);
    const uint8_t secret[ED25519_SEED_SIZE] = {9};
    signing_key_destroy(world->key);
    world->settings.key = world->key = signing_key_create(secret);
    for (unsigned i = 0; i < LANES; i++) {
        char name[STREAM_NAME_SIZE];
        stream_checker_destroy(world->checkers[i]);
        stream_name_make(slice_string(world->settings.host), (enum lane)i, name);
        struct hash id = stream_id_make(slice_string(name), signing_key_public(world->key));
        world->checkers[i] = stream_checker_create((enum lane)i, &id, 1, signing_key_public(world->key));
    }
    return world;
}

static bool adopt(struct world *world, struct world *old) {
    struct fault fault = {0};
    return lanes_adopt(world->lanes, "spool", &old->files, &fault);
}

static void check_taken_over(struct world *world, const struct world *old) {
    world_stop(world);
    start(world); /* the positions are those of the old spool */
    world_pass(world, 61000000);
    flush(world);
    world_send(world, UINT32_MAX);
    unsigned anew = 0;
    for (unsigned source = 0; source < WORLD_SOURCES; source++) {
        assert_int_equal(world->next_line[source], old->next_line[source]);
        for (unsigned line = 0; line < old->next_line[source]; line++) {
            assert_int_equal(world->seen[source][line], 0);
            assert_int_equal(old->seen[source][line] + world->replayed[source][line], 1);
            anew += world->replayed[source][line];
        }
    }
    assert_in_range(anew, 500, 1799); /* not nothing, and not what was acknowledged */
}

static void what_was_not_stored_comes_anew_and_sources_go_on(void **state) {
    (void)state;
    struct world *old = old_spool(), *world = new_spool(2);
    start(world);
    assert_true(adopt(world, old));
    check_taken_over(world, old);
    world_destroy(world);
    world_destroy(old);
}

static void taking_over_again_takes_nothing_more(void **state) {
    (void)state;
    struct world *old = old_spool(), *world = new_spool(2);
    start(world);
    assert_true(adopt(world, old));
    assert_true(adopt(world, old));
    world_stop(world);
    start(world);
    assert_true(adopt(world, old));
    check_taken_over(world, old);
    world_destroy(world);
    world_destroy(old);
}

static void what_the_new_spool_knows_of_a_source_stands(void **state) {
    (void)state;
    struct world *old = old_spool(), *world = new_spool(2);
    start(world);
    world_read(world, 0, 3);
    flush(world);
    assert_true(adopt(world, old));
    world_stop(world);
    start(world);
    assert_int_equal(world->next_line[0], 3);
    assert_int_equal(world->next_line[1], old->next_line[1]);
    world_destroy(world);
    world_destroy(old);
}

static void a_power_cut_at_any_time_doubles_nothing(void **state) {
    (void)state;
    struct world *old = old_spool();
    for (unsigned cut = 1; cut <= CUTS; cut++) {
        struct world *world = new_spool(cut);
        start(world);
        flush(world);
        world->disk->dies_at = world->disk->operations + cut;
        bool whole = adopt(world, old);
        world_stop(world);
        world->disk->dies_at = 0;
        disk_model_power_cut(world->disk);
        start(world);
        assert_true(adopt(world, old));
        check_taken_over(world, old);
        world_destroy(world);
        if (whole && cut > CUTS / 2)
            break;
    }
    world_destroy(old);
}

static void a_spool_that_is_not_there_is_empty_and_a_full_disk_is_told(void **state) {
    (void)state;
    struct world *old = old_spool(), *world = new_spool(3), *nothing = new_spool(4);
    start(world);
    flush(world);
    assert_true(adopt(world, nothing));
    world->disk->bytes_most = disk_model_used(world->disk) + 100;
    assert_false(adopt(world, old));
    world->disk->bytes_most = UINT64_MAX;
    world_stop(world);
    start(world);
    assert_true(adopt(world, old));
    check_taken_over(world, old);
    world_destroy(nothing);
    world_destroy(world);
    world_destroy(old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_stored_comes_anew_and_sources_go_on),
        cmocka_unit_test(taking_over_again_takes_nothing_more),
        cmocka_unit_test(what_the_new_spool_knows_of_a_source_stands),
        cmocka_unit_test(a_power_cut_at_any_time_doubles_nothing),
        cmocka_unit_test(a_spool_that_is_not_there_is_empty_and_a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
