/* A key's rotation in the spool: all of it or nothing, wherever the agent is cut off; the next start knows which key is
 * in force. */
#include "lanes_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROTATIONS 3u
#define EPOCHS (ROTATIONS + 2u)
#define FIRST_EPOCH 1u /* world_create's */

struct host {
    struct world *world;
    struct signing_key *keys[FIRST_EPOCH + EPOCHS]; /* by epoch */
};

static struct host host_make(uint64_t seed) {
    struct host host = {.world = world_create(seed)};
    host.keys[FIRST_EPOCH] = host.world->key;
    host.world->settings.first_key = signing_key_public(host.world->key);
    for (unsigned epoch = FIRST_EPOCH + 1; epoch < FIRST_EPOCH + EPOCHS; epoch++) {
        const uint8_t secret[ED25519_SEED_SIZE] = {40, (uint8_t)epoch};
        host.keys[epoch] = signing_key_create(secret);
    }
    return host;
}

static void host_drop(struct host *host) {
    world_destroy(host->world);
    for (unsigned epoch = FIRST_EPOCH + 1; epoch < FIRST_EPOCH + EPOCHS; epoch++)
        signing_key_destroy(host->keys[epoch]);
}

/* As the agent starts: the key in force by its files, and the next one. What the spool says becomes the files'. */
static bool host_start(struct host *host, struct fault *fault) {
    struct lanes_settings *settings = &host->world->settings;
    settings->key = host->keys[settings->epoch];
    settings->next_key = host->keys[settings->epoch + 1];
    if (!world_start(host->world, fault))
        return false;
    settings->epoch = lanes_epoch_number(host->world->lanes);
    return true;
}

/* Sends all there is; the collector knows every next key. */
static void host_send(struct host *host) {
    struct world *world = host->world;
    for (unsigned before = UINT32_MAX, now = 0; before != now;) {
        before = world->messages + world->parts + world->closes;
        world_send(world, 1);
        for (unsigned lane = 0; lane < LANES; lane++)
            if (stream_checker_rotated(world->checkers[lane])) {
                uint32_t next = stream_checker_epoch_number(world->checkers[lane]) + 1;
                assert_true(next < FIRST_EPOCH + EPOCHS);
                assert_true(
                    stream_checker_epoch(world->checkers[lane], signing_key_public(host->keys[next]), NULL));
            }
        now = world->messages + world->parts + world->closes;
    }
}

static void a_rotation_in_the_midst_of_reading_loses_nothing(void **state) {
    (void)state;
    struct host host = host_make(1);
    struct fault fault = {0};
    assert_true(host_start(&host, &fault));
    for (unsigned i = 0; i < ROTATIONS; i++) {
        world_pass(host.world, 1000);
        world_read(host.world, 0, 30);
        world_read(host.world, 1, 30);
        assert_true(lanes_rotate(host.world->lanes, host.keys[FIRST_EPOCH + 1 + i], &fault));
        assert_int_equal(lanes_epoch_number(host.world->lanes), FIRST_EPOCH + 1 + i);
        world_read(host.world, 0, 30); /* in the same group, under the new key */
        assert_true(lanes_flush(host.world->lanes, &fault));
        host_send(&host);
    }
    world_pass(host.world, 61000000);
    assert_true(lanes_flush(host.world->lanes, &fault));
    host_send(&host);
    assert_int_equal(stream_checker_epoch_number(host.world->checkers[LANE_BULK]), FIRST_EPOCH + ROTATIONS);
    assert_int_equal(host.world->gaps, 0);
    world_check_lines(host.world);
    host_drop(&host);
}

static void a_group_that_waits_for_the_disk_puts_it_off(void **state) {
    (void)state;
    struct host host = host_make(1);
    struct fault fault = {0};
    assert_true(host_start(&host, &fault));
    assert_true(lanes_flush(host.world->lanes, &fault));
    world_read(host.world, 0, 30);
    host.world->disk->bytes_most = disk_model_used(host.world->disk);
    assert_false(lanes_flush(host.world->lanes, &fault));
    assert_false(lanes_rotate(host.world->lanes, host.keys[FIRST_EPOCH + 1], &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    assert_int_equal(lanes_epoch_number(host.world->lanes), FIRST_EPOCH);
    host.world->disk->bytes_most = UINT64_MAX;
    assert_true(lanes_flush(host.world->lanes, &fault));
    assert_true(lanes_rotate(host.world->lanes, host.keys[FIRST_EPOCH + 1], &fault));
    assert_true(lanes_flush(host.world->lanes, &fault));
    host_send(&host);
    world_check_lines(host.world);
    host_drop(&host);
}

/* After a step of the clock a break comes first: it is begun and closed, then the rotation follows in a batch of its own. */
static void a_break_that_is_due_comes_before_it(void **state) {
    (void)state;
    struct host host = host_make(1);
    struct fault fault = {0};
    assert_true(host_start(&host, &fault));
    assert_true(lanes_flush(host.world->lanes, &fault));
    host.world->now.now_us += 5000000;
    world_pass(host.world, 1000);
    assert_true(lanes_rotate(host.world->lanes, host.keys[FIRST_EPOCH + 1], &fault));
    assert_true(lanes_flush(host.world->lanes, &fault));
    host_send(&host);
    assert_int_equal(host.world->closes, 2 * 3);
    host_drop(&host);
}

static void without_the_next_key_a_spool_of_the_next_epoch_is_refused(void **state) {
    (void)state;
    struct host host = host_make(1);
    struct fault fault = {0};
    assert_true(host_start(&host, &fault));
    assert_true(lanes_rotate(host.world->lanes, host.keys[FIRST_EPOCH + 1], &fault));
    assert_true(lanes_flush(host.world->lanes, &fault));
    world_stop(host.world);
    disk_model_restart(host.world->disk);
    host.world->settings.next_key = NULL;
    assert_false(world_start(host.world, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    host_drop(&host);
}

/* Rotates and is cut off at the disk's operation `at`; false where it was done before. */
static bool cut_off_at(uint64_t at, bool power) {
    struct host host = host_make(at * 2 + power);
    struct world *world = host.world;
    struct fault fault = {0};
    assert_true(host_start(&host, &fault));
    lanes_flush(world->lanes, &fault);
    world->disk->dies_at = world->disk->operations + at;
    for (unsigned i = 0; i < ROTATIONS && !world->disk->dead; i++) {
        world_pass(world, 1000);
        world_read(world, 0, 20);
        world_read(world, 1, 20);
        /* The collector has the next key; files follow the spool. */
        if (lanes_rotate(world->lanes, host.keys[world->settings.epoch + 1], &fault) &&
            lanes_flush(world->lanes, &fault))
            world->settings.epoch = lanes_epoch_number(world->lanes);
        if (!world->disk->dead)
            host_send(&host);
        world_read(world, 0, 5);
        lanes_flush(world->lanes, &fault);
    }
    bool died = world->disk->dead;
    world_stop(world);
    power ? disk_model_power_cut(world->disk) : disk_model_restart(world->disk);
    world->disk->dies_at = 0;
    if (!host_start(&host, &fault))
        fail_msg("cut off at %llu: %s: %s", (unsigned long long)at, fault.place, fault.text);
    world_read(world, 0, 20);
    world_pass(world, 61000000);
    assert_true(lanes_flush(world->lanes, &fault));
    host_send(&host);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_int_equal(stream_checker_epoch_number(world->checkers[lane]), world->settings.epoch);
    assert_int_equal(world->gaps, 0);
    world_check_lines(world);
    host_drop(&host);
    return died;
}

static void wherever_it_is_cut_off_the_next_start_goes_on(void **state) {
    (void)state;
    for (int power = 0; power < 2; power++) {
        uint64_t at = 1;
        while (cut_off_at(at, power))
            at++;
        assert_true(at > 6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_in_the_midst_of_reading_loses_nothing),
        cmocka_unit_test(a_group_that_waits_for_the_disk_puts_it_off),
        cmocka_unit_test(a_break_that_is_due_comes_before_it),
        cmocka_unit_test(without_the_next_key_a_spool_of_the_next_epoch_is_refused),
        cmocka_unit_test(wherever_it_is_cut_off_the_next_start_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
