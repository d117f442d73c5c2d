/* agent/spool: lanes, cursors, failures of the disk, damage, the quota. */
#include "bytes.h"
#include "lanes_world.h"

#include "memory.h"
#include "merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct world *started(uint64_t seed) {
    struct world *world = world_create(seed);
    struct fault fault = {0};
    if (!world_start(world, &fault))
        fail_msg("%s", fault.text);
    return world;
}

static void flush(struct world *world) {
    struct fault fault = {0};
    if (!lanes_flush(world->lanes, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

static void start_again(struct world *world) {
    struct fault fault = {0};
    disk_model_restart(world->disk);
    if (!world_start(world, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
}

static struct spool_marks marks_of(const struct world *world) {
    return lanes_marks(world->lanes, 0, LANE_SECURITY);
}

static struct lanes_report report_of(const struct world *world) {
    struct lanes_report report;
    lanes_report(world->lanes, &report);
    return report;
}

/* Both lanes' batches closed and everything delivered. */
static void finish(struct world *world) {
    world_pass(world, 61000000);
    flush(world);
    world_send(world, UINT32_MAX);
}

/* ---- the ordinary way */

static void a_new_stream_begins_with_a_break_in_each_lane(void **state) {
    (void)state;
    struct world *world = started(1);
    assert_true(lanes_gathered(world->lanes));
    world_send(world, UINT32_MAX);
    assert_int_equal(world->closes, 0); /* nothing is seen before it is on disk */
    flush(world);
    assert_false(lanes_gathered(world->lanes));
    world_send(world, UINT32_MAX);
    assert_int_equal(world->closes, 2);
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct batch_entry entry;
        assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[lane]), &entry, NULL));
        assert_true(entry.kind == BATCH_BREAK && entry.batch_seq == 0 && entry.event_count == 0);
    }
    world_destroy(world);
}

static void a_turn_costs_one_write_and_one_sync(void **state) {
    (void)state;
    struct world *world = world_create(1);
    struct fault fault;
    world->settings.segment_bytes = 1024 * 1024;
    assert_true(world_start(world, &fault));
    flush(world);
    uint64_t before = report_of(world).syncs;
    for (unsigned i = 0; i < 10; i++) {
        world_pass(world, 1000);
        world_read(world, 0, 3);
        world_read(world, 1, 3);
        flush(world);
        flush(world); /* nothing left: no sync */
    }
    assert_int_equal(report_of(world).syncs - before, 10);
    assert_int_equal(report_of(world).groups, 11);
    world_destroy(world);
}

static ssize_t no_pread(void *context, int file, void *data, size_t size, off_t offset) {
    (void)context, (void)file, (void)data, (void)size, (void)offset;
    fail_msg("what was just written was read from a file");
    return -1;
}

static void what_was_just_written_is_sent_without_reading_a_file(void **state) {
    (void)state;
    struct world *world = world_create(1);
    struct fault fault;
    world->settings.cache_bytes = 1024 * 1024;
    world->settings.segment_bytes = 64 * 1024;
    world->files.pread = no_pread;
    assert_true(world_start(world, &fault));
    for (unsigned i = 0; i < 200; i++) {
        world_pass(world, 1000);
        world_read(world, i % 3, 20);
        flush(world);
        world_send(world, UINT32_MAX);
    }
    assert_true(report_of(world).segments > 1);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void a_collector_that_comes_late_gets_everything_from_the_files(void **state) {
    (void)state;
    struct world *world = started(1);
    for (unsigned i = 0; i < 100; i++) {
        world_pass(world, 900000);
        world_read(world, i % 3, 20);
        flush(world);
    }
    assert_true(report_of(world).segments > 3);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void batches_close_at_4096_events_and_at_60_seconds(void **state) {
    (void)state;
    struct world *world = started(1);
    flush(world);
    for (unsigned i = 0; i < 10; i++) {
        world_read(world, 0, 1000);
        flush(world);
    }
    assert_int_equal(report_of(world).batch_seq[LANE_SECURITY], 3); /* break, two full ones */
    world_send(world, UINT32_MAX);
    struct batch_entry entry;
    assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[0]), &entry, NULL));
    assert_int_equal(entry.event_count, 4096);
    assert_true(lanes_due(world->lanes) <= world->now.now_us + 60000000);
    world_pass(world, 59000000);
    assert_false(lanes_gathered(world->lanes));
    world_pass(world, 1000000);
    assert_true(lanes_gathered(world->lanes));
    flush(world);
    world_send(world, UINT32_MAX);
    assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[0]), &entry, NULL));
    assert_int_equal(entry.event_count, 10000 - 2 * 4096);
    world_check_lines(world);
    world_destroy(world);
}

static void a_batch_of_long_lines_closes_at_a_mebibyte_and_no_block_spans_two(void **state) {
    (void)state;
    struct world *world = started(1);
    for (unsigned i = 0; i < 30; i++) {
        world_read_long(world, 1, 150 * 1024);
        flush(world);
    }
    assert_true(report_of(world).batch_seq[LANE_BULK] >= 4);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void a_group_holds_a_mebibyte_and_then_takes_nothing(void **state) {
    (void)state;
    struct world *world = started(1);
    flush(world);
    uint32_t before;
    unsigned given = 0;
    do {
        before = world->next_line[0] + world->next_line[1];
        world_read_long(world, given++ % 2, 60000);
    } while (world->next_line[0] + world->next_line[1] > before);
    assert_int_equal(before, LANES_GROUP_TEXT / 60000);
    flush(world);
    world_read(world, 0, 1);
    assert_true(lanes_gathered(world->lanes));
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void an_event_that_is_too_large_becomes_a_gap_event(void **state) {
    (void)state;
    struct world *world = started(1);
    world_read_long(world, 0, EVENT_BODY_MOST + 10);
    world_read(world, 0, 1);
    finish(world);
    assert_int_equal(world->gaps, 1);
    assert_true(world->gap_events >= EVENT_BODY_MOST);
    assert_int_equal(world_missing_lines(world), 1);
    assert_int_equal(report_of(world).oversized_events, 1);
    world_destroy(world);
}

static void idle_lanes_send_heartbeats_and_nothing_else(void **state) {
    (void)state;
    struct world *world = world_create(1);
    struct fault fault;
    world->settings.heartbeat_us = 60000000;
    assert_true(world_start(world, &fault));
    flush(world);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t due = lanes_due(world->lanes);
        assert_true(due > world->now.now_us && due <= world->now.now_us + 60000000);
        world_pass(world, due - world->now.now_us - 1);
        assert_false(lanes_gathered(world->lanes));
        world_pass(world, 1);
        flush(world);
    }
    world_send(world, UINT32_MAX);
    assert_int_equal(world->closes, 2 * 6);
    struct batch_entry entry;
    assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[1]), &entry, NULL));
    assert_int_equal(entry.kind, BATCH_HEARTBEAT);
    world_destroy(world);
}

static void a_stepped_clock_closes_what_is_open_and_makes_a_break(void **state) {
    (void)state;
    for (int step = -1; step <= 1; step += 2) {
        struct world *world = started(1);
        world_read(world, 0, 5);
        world->now.now_us += (uint64_t)(step * 3600000000ll);
        world_pass(world, 1000);
        world_read(world, 0, 5);
        flush(world);
        world_send(world, UINT32_MAX);
        struct batch_entry entry;
        assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[0]), &entry, NULL));
        assert_true(entry.kind == BATCH_BREAK && entry.batch_seq == 2);
        finish(world);
        world_check_lines(world);
        world_destroy(world);
    }
}

static void parts_cover_what_was_sent_and_only_the_newest_goes(void **state) {
    (void)state;
    struct world *world = started(1);
    flush(world);
    assert_false(lanes_part(world->lanes)); /* nothing to sign */
    for (unsigned i = 0; i < 5; i++) {
        world_pass(world, 1000);
        world_read(world, 0, 2);
        assert_true(lanes_part(world->lanes));
        assert_false(lanes_part(world->lanes));
        flush(world);
    }
    world_send(world, UINT32_MAX);
    assert_int_equal(world->parts, 1);
    assert_int_equal(stream_checker_attested(world->checkers[0]), 10);
    struct lanes_hello hello;
    lanes_hello(world->lanes, 0, LANE_SECURITY, &hello);
    assert_true(hello.has_part && hello.next_event_seq == 10 && hello.batch_seq == 1);
    assert_true(slice_equal(stream_checker_newest_part(world->checkers[0]),
                            slice_make(hello.newest_part, PART_SIZE)));
    finish(world);
    lanes_hello(world->lanes, 0, LANE_SECURITY, &hello);
    assert_true(!hello.has_part && hello.batch_seq == 2);
    world_check_lines(world);
    world_destroy(world);
}

static void the_collector_can_have_a_batch_closed(void **state) {
    (void)state;
    struct world *world = started(1);
    struct fault fault = {0};
    flush(world);
    world_read(world, 1, 3);
    assert_true(lanes_close(world->lanes, LANE_BULK, BATCH_DATA, &fault));
    flush(world);
    world_send(world, UINT32_MAX);
    struct batch_entry entry;
    assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[1]), &entry, NULL));
    assert_true(entry.kind == BATCH_DATA && entry.event_count == 3);
    world_destroy(world);
}

static void keys_are_rotated_and_the_next_start_knows_it(void **state) {
    (void)state;
    const uint8_t seed[ED25519_SEED_SIZE] = {9};
    struct signing_key *next = signing_key_create(seed);
    struct world *world = started(1);
    struct fault fault = {0};
    world_read(world, 0, 3);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_true(lanes_close(world->lanes, (enum lane)lane, BATCH_ROTATE, &fault));
    flush(world);
    world_read(world, 0, 1);
    assert_int_equal(world->next_line[0], 3); /* nothing is taken between two epochs */
    assert_true(lanes_epoch(world->lanes, next, &fault));
    world_read(world, 0, 1);
    flush(world);
    world_send(world, 3);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_true(stream_checker_epoch(world->checkers[lane], signing_key_public(next), &fault));
    world_stop(world);
    world->settings.first_key = signing_key_public(world->key);
    assert_false(world_start(world, &fault)); /* with the old key: refused, with a reason */
    assert_int_equal(fault.code, FAULT_CONFLICT);
    world->settings.key = next;
    world->settings.epoch = 2;
    start_again(world);
    flush(world);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
    signing_key_destroy(next);
}

static void what_is_acknowledged_and_closed_leaves_the_disk(void **state) {
    (void)state;
    struct world *world = started(1);
    for (unsigned i = 0; i < 300; i++) {
        world_pass(world, 3000000);
        world_read(world, i % 3, 30);
        flush(world);
        world_send(world, UINT32_MAX);
        world_acknowledge(world);
        assert_true(report_of(world).segments < 8 && report_of(world).spool_bytes < 8 * 16 * 1024);
    }
    finish(world);
    world_check_lines(world);
    world_stop(world);
    start_again(world);
    assert_int_equal(world->findings, 0);
    flush(world);
    finish(world);
    assert_int_equal(world->gaps, 0);
    world_destroy(world);
}

static void marks_that_fall_or_lie_are_ignored(void **state) {
    (void)state;
    struct world *world = started(1);
    for (unsigned i = 0; i < 40; i++) {
        world_pass(world, 3000000);
        world_read(world, 0, 30);
        flush(world);
    }
    uint64_t segments = report_of(world).segments;
    lanes_acknowledge(world->lanes, 0, LANE_SECURITY, UINT64_MAX, 0, 0);
    lanes_acknowledge(world->lanes, 0, LANE_SECURITY, 5, 6, 0);
    lanes_acknowledge(world->lanes, 0, LANE_SECURITY, 5, 5, 1000);
    lanes_acknowledge(world->lanes, 0, LANE_BULK, 1, 0, 0);
    assert_true(marks_of(world).stored == 0 && report_of(world).segments == segments);
    lanes_acknowledge(world->lanes, 0, LANE_SECURITY, 30, 30, 1);
    lanes_acknowledge(world->lanes, 0, LANE_SECURITY, 20, 20, 1);
    assert_int_equal(marks_of(world).stored, 30);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

/* ---- what is in a verified checkpoint */

static void acknowledge_alone(struct world *world) {
    for (unsigned lane = 0; lane < LANES; lane++)
        lanes_acknowledge(world->lanes, 0, (enum lane)lane, stream_checker_next_seq(world->checkers[lane]),
                          stream_checker_attested(world->checkers[lane]),
                          stream_checker_batch_seq(world->checkers[lane]));
}

static struct world *with_segments(void) {
    struct world *world = started(1);
    for (unsigned i = 0; i < 40; i++) {
        world_pass(world, 61000000);
        world_read(world, 0, 100);
        flush(world);
        world_send(world, UINT32_MAX);
    }
    finish(world);
    acknowledge_alone(world);
    flush(world);
    return world;
}

static const struct seen_checkpoint seen_forty = {{1, 2, 3, 4}, 40, {{5}}};

static void batches_leave_once_a_checkpoint_holds_them_and_not_before(void **state) {
    (void)state;
    struct world *world = with_segments();
    uint64_t segments = report_of(world).segments;
    assert_true(segments > 3);
    lanes_seen(world->lanes, 0, &seen_forty, SLICE("a note"));
    lanes_proved(world->lanes, 0, LANE_SECURITY, stream_checker_batch_seq(world->checkers[LANE_SECURITY]) + 1);
    assert_int_equal(report_of(world).segments, segments); /* more than there is */
    lanes_proved(world->lanes, 0, LANE_SECURITY, stream_checker_batch_seq(world->checkers[LANE_SECURITY]));
    lanes_proved(world->lanes, 0, LANE_BULK, stream_checker_batch_seq(world->checkers[LANE_BULK]));
    assert_int_equal(report_of(world).segments, 1);
    /* What was verified is on the disk before anything of it went. */
    world_stop(world);
    disk_model_power_cut(world->disk);
    start_again(world);
    assert_true(slice_equal(lanes_seen_note(world->lanes, 0), SLICE("a note")));
    assert_int_equal(marks_of(world).proved, stream_checker_batch_seq(world->checkers[0]));
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static bool is_there(const struct world *world, const char *name) {
    for (size_t i = 0; i < disk_model_names(world->disk); i++)
        if (strcmp(disk_model_name(world->disk, i), name) == 0)
            return true;
    return false;
}

static void a_quiet_host_keeps_no_proved_event_for_more_than_a_day(void **state) {
    (void)state;
    struct world *world = world_create(1);
    struct fault fault = {0};
    world->settings.segment_bytes = 8 * 1024 * 1024;
    assert_true(world_start(world, &fault));
    flush(world);
    world_read(world, 0, 3);
    finish(world);
    world_acknowledge(world);
    char first[300];
    snprintf(first, sizeof first, "%s", disk_model_name(world->disk, 0));
    for (unsigned hour = 0; hour < 26; hour++) { /* heartbeats alone, every ten minutes */
        for (unsigned i = 0; i < 6; i++) {
            world_pass(world, 600000000);
            flush(world);
            world_send(world, UINT32_MAX);
            world_acknowledge(world);
        }
        if (hour < 23)
            assert_true(is_there(world, first));
    }
    assert_false(is_there(world, first));
    assert_int_equal(report_of(world).segments, 1);
    world_stop(world);
    disk_model_power_cut(world->disk);
    start_again(world);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void a_checkpoint_alone_is_written_with_the_next_flush_and_once(void **state) {
    (void)state;
    struct world *world = started(1);
    finish(world);
    lanes_seen(world->lanes, 0, &seen_forty, SLICE("a note"));
    assert_true(lanes_gathered(world->lanes));
    flush(world);
    uint64_t groups = report_of(world).groups;
    lanes_seen(world->lanes, 0, &seen_forty, SLICE("a note"));
    flush(world);
    assert_int_equal(report_of(world).groups, groups);
    world_stop(world);
    disk_model_power_cut(world->disk);
    start_again(world);
    assert_true(slice_equal(lanes_seen_note(world->lanes, 0), SLICE("a note")));
    world_destroy(world);
}

static void entries_say_which_checkpoint_was_seen(void **state) {
    (void)state;
    struct world *world = started(1);
    finish(world);
    lanes_seen(world->lanes, 0, &seen_forty, SLICE("a note"));
    world_read(world, 0, 3);
    finish(world);
    struct batch_entry entry;
    assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[0]), &entry, NULL));
    assert_int_equal(entry.seen.size, 40);
    assert_memory_equal(entry.seen.key_id, seen_forty.key_id, 4);
    world_destroy(world);
}

static void leaves_of_closed_batches_are_there_after_a_start_and_while_new_ones_come(void **state) {
    (void)state;
    struct world *world = with_segments();
    struct lanes_hello hello;
    struct hash leaf, expected;
    lanes_hello(world->lanes, 0, LANE_SECURITY, &hello);
    assert_int_equal(hello.proved, 0);
    expected = merkle_leaf(stream_checker_last_entry(world->checkers[0]));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lanes_leaf(world->lanes, LANE_SECURITY, hello.batch_seq - 1, &leaf, NULL), LANES_ITEM);
        assert_true(hash_equal(&leaf, &expected));
        for (uint64_t batch = 0; batch < hello.batch_seq; batch++)
            assert_int_equal(lanes_leaf(world->lanes, LANE_SECURITY, batch, &leaf, NULL), LANES_ITEM);
        struct lanes_hello now;
        lanes_hello(world->lanes, 0, LANE_SECURITY, &now);
        assert_int_equal(lanes_leaf(world->lanes, LANE_SECURITY, now.batch_seq, &leaf, NULL), LANES_END);
        world_stop(world);
        start_again(world);
        flush(world);
    }
    lanes_proved(world->lanes, 0, LANE_SECURITY, 7);
    lanes_hello(world->lanes, 0, LANE_SECURITY, &hello);
    assert_int_equal(hello.proved, 7);
    world_send(world, UINT32_MAX);
    world_read(world, 0, 3);
    finish(world);
    expected = merkle_leaf(stream_checker_last_entry(world->checkers[0]));
    assert_int_equal(lanes_leaf(world->lanes, LANE_SECURITY, stream_checker_batch_seq(world->checkers[0]) - 1, &leaf,
                                NULL),
                     LANES_ITEM);
    assert_true(hash_equal(&leaf, &expected));
    world_destroy(world);
}

static void while_held_nothing_goes(void **state) {
    (void)state;
    struct world *world = with_segments();
    uint64_t segments = report_of(world).segments;
    lanes_hold(world->lanes, 0, true);
    world_acknowledge(world);
    assert_int_equal(report_of(world).segments, segments);
    lanes_hold(world->lanes, 0, false);
    world_acknowledge(world);
    assert_int_equal(report_of(world).segments, 1);
    world_destroy(world);
}

/* ---- several collectors */

static void acknowledge_at(struct world *world, unsigned collector) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        const struct stream_checker *checker = world->checkers[lane];
        lanes_acknowledge(world->lanes, collector, (enum lane)lane, stream_checker_next_seq(checker),
                          stream_checker_attested(checker), stream_checker_batch_seq(checker));
        lanes_proved(world->lanes, collector, (enum lane)lane, stream_checker_batch_seq(checker));
    }
}

static void join_from_the_start(struct world *world, unsigned collector) {
    static const struct lanes_begin begin[LANES];
    struct fault fault = {0};
    if (!lanes_join(world->lanes, collector, begin, &fault))
        fail_msg("%s", fault.text);
}

static void a_batch_stays_until_each_collector_has_it_proved(void **state) {
    (void)state;
    struct world *world = with_segments();
    uint64_t segments = report_of(world).segments;
    join_from_the_start(world, 2);
    acknowledge_at(world, 0);
    assert_int_equal(report_of(world).segments, segments);
    assert_int_equal(lanes_marks(world->lanes, 2, LANE_SECURITY).stored, 0);
    assert_true(marks_of(world).stored > 0);
    acknowledge_at(world, 2);
    assert_int_equal(report_of(world).segments, 1);
    world_destroy(world);
}

static void one_that_is_left_holds_nothing_back_any_more(void **state) {
    (void)state;
    struct world *world = with_segments();
    join_from_the_start(world, 1);
    lanes_hold(world->lanes, 1, true);
    acknowledge_at(world, 0);
    assert_true(report_of(world).segments > 1);
    lanes_leave(world->lanes, 1);
    assert_int_equal(report_of(world).segments, 1);
    assert_false(lanes_joined(world->lanes, 1));
    world_destroy(world);
}

static void one_that_joins_gets_what_the_spool_has_and_not_what_it_has_not(void **state) {
    (void)state;
    struct world *world = with_segments();
    struct fault fault = {0};
    struct lanes_begin begin[LANES] = {{2, 0}, {0, 0}};
    assert_true(lanes_join(world->lanes, 1, begin, &fault));
    struct lanes_hello hello;
    lanes_hello(world->lanes, 1, LANE_SECURITY, &hello);
    assert_int_equal(hello.proved, 2);
    lanes_leave(world->lanes, 1);
    world_acknowledge(world);
    assert_false(lanes_join(world->lanes, 1, begin, &fault)); /* released */
    assert_int_equal(fault.code, FAULT_MISSING);
    begin[0].batch_seq = 1000000;
    assert_false(lanes_join(world->lanes, 1, begin, &fault)); /* never signed */
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_false(lanes_joined(world->lanes, 1));
    world_destroy(world);
}

static void entries_name_each_log_in_turn(void **state) {
    (void)state;
    struct world *world = with_segments();
    const struct seen_checkpoint seen[] = {{{1}, 10, {{1}}}, {{2}, 20, {{2}}}};
    join_from_the_start(world, 1);
    lanes_seen(world->lanes, 0, &seen[0], SLICE("of a"));
    lanes_seen(world->lanes, 1, &seen[1], SLICE("of b"));
    unsigned named[3] = {0};
    for (unsigned i = 0; i < 6; i++) {
        struct batch_entry entry;
        world_pass(world, 3000000);
        world_read(world, 0, 1);
        assert_true(lanes_close(world->lanes, LANE_SECURITY, BATCH_DATA, NULL));
        flush(world);
        world_send(world, UINT32_MAX);
        assert_true(batch_entry_read(stream_checker_last_entry(world->checkers[0]), &entry, NULL));
        named[entry.seen.key_id[0]]++;
    }
    assert_int_equal(named[1], 3);
    assert_int_equal(named[2], 3);
    world_destroy(world);
}

static void a_collector_that_fell_back_gets_it_again_unless_a_checkpoint_held_it(void **state) {
    (void)state;
    struct world *world = with_segments();
    struct fault fault = {0};
    assert_true(lanes_greeted(world->lanes, 0, LANE_SECURITY, 50, 10, &fault));
    assert_int_equal(marks_of(world).stored, 50);
    assert_int_equal(marks_of(world).closed, 10);
    lanes_proved(world->lanes, 0, LANE_SECURITY, 9);
    assert_true(lanes_greeted(world->lanes, 0, LANE_SECURITY, 60, 9, &fault));
    assert_false(lanes_greeted(world->lanes, 0, LANE_SECURITY, 60, 8, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_int_equal(marks_of(world).stored, 50);
    world_destroy(world);
}

static void a_cursor_says_when_it_is_asked_for_what_is_not_there(void **state) {
    (void)state;
    struct world *world = started(1);
    struct fault fault = {0};
    for (unsigned i = 0; i < 100; i++) {
        world_pass(world, 3000000);
        world_read(world, 0, 30);
        flush(world);
        world_send(world, UINT32_MAX);
        world_acknowledge(world);
    }
    struct lanes_cursor *cursor = world->cursors[0];
    assert_false(lanes_cursor_seek(cursor, 0, 0, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_false(lanes_cursor_seek(cursor, 1000, 3000, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    uint64_t next = stream_checker_next_seq(world->checkers[0]);
    assert_false(lanes_cursor_seek(cursor, stream_checker_batch_seq(world->checkers[0]), next + 1, &fault));
    assert_true(lanes_cursor_seek(cursor, stream_checker_batch_seq(world->checkers[0]), next, &fault));
    world_read(world, 0, 1);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void two_cursors_of_one_lane_do_not_disturb_each_other(void **state) {
    (void)state;
    struct world *world = started(1);
    struct lanes_cursor *other = lanes_cursor_create(world->lanes, LANE_SECURITY);
    struct lanes_item item;
    uint64_t next = 0;
    for (unsigned i = 0; i < 60; i++) {
        world_pass(world, 1000);
        world_read(world, 0, 30);
        flush(world);
        world_send(world, i % 3);
        if (i % 7 == 0 && lanes_cursor_next(other, &item, NULL) == LANES_ITEM && item.kind == LANES_EVENTS) {
            assert_int_equal(item.first_event_seq, next);
            next += item.count;
        }
    }
    while (lanes_cursor_next(other, &item, NULL) == LANES_ITEM)
        next = item.kind == LANES_EVENTS ? item.first_event_seq + item.count : next;
    assert_int_equal(next, 60 * 30);
    lanes_cursor_destroy(other);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

/* ---- the disk says no (delivery 11) */

static void a_full_disk_stops_the_sources_and_all_goes_on_when_there_is_room(void **state) {
    (void)state;
    for (unsigned no_inodes = 0; no_inodes < 2; no_inodes++) {
        struct world *world = started(1);
        struct fault fault = {0};
        flush(world);
        world_read(world, 0, 500);
        world_read(world, 1, 100);
        if (no_inodes) {
            while (lanes_flush(world->lanes, &fault)) { /* until the next segment */
                world->disk->files_most = world->disk->name_count;
                world_read(world, 0, 50);
            }
        } else {
            world->disk->bytes_most = disk_model_used(world->disk) + 100;
            assert_false(lanes_flush(world->lanes, &fault));
        }
        assert_int_equal(fault.code, FAULT_SPACE);
        uint32_t at = world->next_line[0];
        for (unsigned i = 0; i < 5; i++) { /* it can last: only positions move, and only the newest is kept */
            world_pass(world, 61000000);
            assert_true(lanes_due(world->lanes) <= world->now.now_us + LANES_RETRY_US);
            world_read(world, 0, 10);
            assert_int_equal(world->next_line[0], at);
            assert_false(lanes_flush(world->lanes, &fault));
            assert_false(lanes_part(world->lanes) ||
                         lanes_close(world->lanes, LANE_BULK, BATCH_DATA, &fault));
        }
        assert_true(report_of(world).full);
        world_send(world, UINT32_MAX);
        world->disk->bytes_most = UINT64_MAX;
        world->disk->files_most = SIZE_MAX;
        flush(world);
        assert_false(report_of(world).full);
        world_read(world, 0, 10);
        assert_int_equal(world->next_line[0], at + 10);
        finish(world);
        finish(world);
        world_check_lines(world);
        assert_int_equal(world->gaps, 0);
        world_destroy(world);
    }
}

static void an_agent_starts_on_a_full_disk_and_frees_it_by_sending(void **state) {
    (void)state;
    struct world *world = started(1);
    struct fault fault = {0};
    for (unsigned i = 0; i < 60; i++) {
        world_pass(world, 3000000);
        world_read(world, 0, 30);
        flush(world);
    }
    world_stop(world);
    world->disk->bytes_most = disk_model_used(world->disk);
    start_again(world);
    assert_false(lanes_flush(world->lanes, &fault));
    assert_int_equal(fault.code, FAULT_SPACE);
    world_send(world, UINT32_MAX);
    world_acknowledge(world);
    world_pass(world, 1000000);
    flush(world);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

static void after_a_failed_sync_the_group_goes_into_a_new_segment(void **state) {
    (void)state;
    for (unsigned cannot_truncate = 0; cannot_truncate < 2; cannot_truncate++) {
        struct world *world = started(1);
        flush(world);
        world_read(world, 0, 10);
        world->disk->fail_sync = 1;
        world->disk->fail_truncate = cannot_truncate;
        flush(world);
        assert_int_equal(report_of(world).given_up_segments, 1);
        world_read(world, 0, 10);
        flush(world);
        world_stop(world);
        disk_model_power_cut(world->disk); /* what the failed sync did not write is not there */
        start_again(world);
        assert_int_equal(world->next_line[0], 20);
        flush(world);
        finish(world);
        world_check_lines(world);
        world_destroy(world);
    }
}

static void a_disk_that_never_syncs_is_told_and_nothing_is_sent(void **state) {
    (void)state;
    struct world *world = started(1);
    struct fault fault = {0};
    flush(world);
    world_send(world, UINT32_MAX);
    world_read(world, 0, 10);
    world->disk->fail_sync = 1000;
    assert_false(lanes_flush(world->lanes, &fault));
    assert_int_equal(fault.code, FAULT_IO);
    assert_non_null(strstr(fault.place, "spool"));
    unsigned closes = world->closes;
    world_send(world, UINT32_MAX);
    assert_true(world->messages == 0 && world->closes == closes);
    world->disk->fail_sync = 0;
    flush(world);
    finish(world);
    world_check_lines(world);
    world_destroy(world);
}

/* ---- damage (delivery 10) */

/* The name of the place-th segment, by number. */
static const char *segment_name(const struct world *world, size_t place) {
    const char *found = NULL;
    for (size_t i = 0; i <= place; i++) {
        const char *least = NULL;
        for (size_t k = 0; k < disk_model_names(world->disk); k++) {
            const char *name = disk_model_name(world->disk, k);
            if ((!found || strcmp(name, found) > 0) && (!least || strcmp(name, least) < 0))
                least = name;
        }
        found = least;
    }
    return found;
}

static struct world *filled(uint64_t seed, unsigned groups, uint64_t pause_us) {
    struct world *world = started(seed);
    for (unsigned i = 0; i < groups; i++) {
        world_pass(world, pause_us);
        world_read(world, i % 3, 20);
        flush(world);
    }
    return world;
}

static void a_flipped_bit_anywhere_costs_one_record_and_everything_else_is_delivered(void **state) {
    (void)state;
    unsigned gaps = 0, replays = 0;
    for (unsigned run = 0; run < 150; run++) {
        /* Batches that are closed, and one that is still open; a flip in all but the last record. */
        struct world *world = filled(run + 1, 40, run % 2 ? 4000000 : 300000);
        world_stop(world);
        size_t size, segments = disk_model_names(world->disk);
        size_t place = (size_t)disk_model_random(world->disk, segments);
        uint8_t *bytes = disk_model_bytes(world->disk, segment_name(world, place), &size);
        size_t most = place + 1 == segments ? size * 3 / 4 : size;
        bytes[disk_model_random(world->disk, most)] ^= (uint8_t)(1 << disk_model_random(world->disk, 8));
        start_again(world);
        flush(world);
        finish(world);
        unsigned missing = world_missing_lines(world);
        if (missing > 20)
            fail_msg("run %u: %u lines are missing, one record holds 20", run, missing);
        if (missing && !world->gaps)
            fail_msg("run %u: %u lines are missing and no gap event says so", run, missing);
        gaps += world->gaps > 0;
        for (unsigned i = 0; i < WORLD_SOURCES; i++)
            for (unsigned line = 0; line < world->next_line[i]; line++) {
                assert_true(world->seen[i][line] + world->replayed[i][line] <= 1);
                replays += world->replayed[i][line];
            }
        /* What was told once is not told again. */
        unsigned told = world->gaps;
        world_stop(world);
        start_again(world);
        flush(world);
        world_read(world, 0, 5);
        finish(world);
        assert_int_equal(world->gaps, told);
        assert_true(world_missing_lines(world) == missing);
        world_destroy(world);
    }
    assert_true(gaps > 50 && replays > 100);
}

static void a_missing_segment_is_named_its_entries_stand_in_the_next_and_the_rest_is_delivered(void **state) {
    (void)state;
    for (size_t place = 0; place < 3; place++) {
        struct world *world = filled(3, 80, 4000000);
        world_stop(world);
        assert_true(disk_model_names(world->disk) > 4);
        disk_model_remove(world->disk, segment_name(world, place));
        start_again(world);
        assert_int_equal(report_of(world).missing_segments, 1);
        assert_true(world->findings > 0);
        flush(world);
        finish(world);
        unsigned missing = world_missing_lines(world);
        if (missing == 0 || missing > 20 * 40)
            fail_msg("segment %zu: %u lines are missing", place, missing);
        assert_true(world->owed > 0 && world->gaps > 0 && world->gap_events >= missing);
        world_destroy(world);
    }
}

static void a_segment_that_was_cut_loses_its_end_alone(void **state) {
    (void)state;
    struct world *world = filled(3, 80, 4000000);
    world_stop(world);
    size_t size;
    const char *name = segment_name(world, 1);
    disk_model_bytes(world->disk, name, &size);
    disk_model_cut(world->disk, name, size / 2);
    start_again(world);
    flush(world);
    finish(world);
    unsigned missing = world_missing_lines(world);
    assert_true(missing > 0 && missing < 20 * 40 && world->gaps > 0);
    world_destroy(world);
}

static void files_that_are_no_segments_are_left_alone(void **state) {
    (void)state;
    struct world *world = filled(1, 3, 1000);
    world_stop(world);
    int file = world->files.open(world->files.context, "spool/notes.txt", 0100, 0);
    world->files.close(world->files.context, file);
    start_again(world);
    flush(world);
    finish(world);
    world_check_lines(world);
    size_t size;
    disk_model_bytes(world->disk, "notes.txt", &size);
    assert_int_equal(world->findings, 0);
    world_destroy(world);
}

static void another_hosts_spool_is_refused(void **state) {
    (void)state;
    struct world *world = filled(1, 3, 1000);
    struct fault fault = {0};
    world_stop(world);
    world->settings.host = "other.example";
    assert_false(world_start(world, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    world->settings.host = "Not A Host";
    assert_false(world_start(world, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    world_destroy(world);
}

/* ---- the spool's own quota */

static struct world *with_quota(void) {
    struct world *world = world_create(5);
    struct fault fault = {0};
    world->settings.quota = LANES_QUOTA_LEAST;
    world->settings.segment_bytes = 1024 * 1024;
    assert_true(world_start(world, &fault));
    return world;
}

/* A mebibyte of bulk that does not compress, a few lines of access, and a minute. */
static bool add_bulk(struct world *world) {
    world_pass(world, 61000000);
    for (unsigned k = 0; k < 10; k++)
        world_read_long(world, 1, 100 * 1024);
    world_read(world, 0, 10);
    return lanes_flush(world->lanes, NULL);
}

static void over_its_quota_the_spool_gives_up_bulk_bodies_first_and_says_so(void **state) {
    (void)state;
    struct world *world = with_quota();
    for (unsigned i = 0; i < 70; i++) {
        assert_true(add_bulk(world));
        assert_true(report_of(world).spool_bytes <= LANES_QUOTA_LEAST);
    }
    struct lanes_report report = report_of(world);
    assert_true(report.dropped_batches > 0 && report.dropped_events > 0);
    finish(world);
    assert_int_equal(world->gap_events, report.dropped_events);
    assert_int_equal(world->owed, report.dropped_batches);
    assert_int_equal(world_missing_lines(world), report.dropped_events);
    for (unsigned line = 0; line < world->next_line[0]; line++)
        assert_int_equal(world->seen[0][line], 1); /* the security lane lost nothing */
    for (unsigned line = 0; line < report.dropped_events; line++)
        assert_int_equal(world->seen[1][line], 0); /* the oldest went */
    /* After a restart nothing is told twice and nothing comes back. */
    world_stop(world);
    start_again(world);
    flush(world);
    finish(world);
    assert_int_equal(world->gap_events, report.dropped_events);
    world_destroy(world);
}

static void bodies_given_up_stay_given_up_when_the_crash_comes_before_their_bytes_go(void **state) {
    (void)state;
    struct world *world = with_quota();
    world->disk->dies_at_point = "rewrite.synced";
    while (!world->disk->dead)
        add_bulk(world);
    assert_true(report_of(world).dropped_events > 0);
    world_stop(world);
    start_again(world);
    flush(world);
    finish(world);
    assert_true(world->gaps > 0);
    assert_int_equal(world_missing_lines(world), world->gap_events);
    assert_true(report_of(world).spool_bytes <= LANES_QUOTA_LEAST);
    world_destroy(world);
}

/* Events of a class that must never be given up. Returns how many were taken. */
static unsigned add_signing(struct world *world) {
    unsigned taken = 0;
    struct buffer text = BUFFER(256 * 1024);
    buffer_reserve(&text, 100 * 1024);
    text.size = 100 * 1024;
    world_pass(world, 1000000);
    for (unsigned k = 0; k < 10; k++) {
        for (size_t at = 0; at < text.size; at++)
            text.data[at] = (uint8_t)disk_model_random(world->disk, 256);
        const struct event_body body = {.kind = EVENT_STATE, .raw = buffer_slice(&text)};
        taken += lanes_event(world->lanes, CLASS_SIGNING, &body);
    }
    buffer_free(&text);
    return taken;
}

static void what_the_collector_has_stored_goes_first_whatever_its_class_and_is_no_loss(void **state) {
    (void)state;
    struct world *world = with_quota();
    unsigned taken = 0;
    for (unsigned i = 0; i < 50; i++) {
        taken += add_signing(world);
        flush(world);
        world_send(world, UINT32_MAX);
        for (unsigned lane = 0; lane < LANES; lane++) /* stored, but nothing is closed over there yet */
            lanes_acknowledge(world->lanes, 0, (enum lane)lane, stream_checker_next_seq(world->checkers[lane]),
                              0, 0);
    }
    assert_int_equal(taken, 500);
    assert_int_equal(report_of(world).dropped_batches, 0);
    assert_true(report_of(world).spool_bytes <= LANES_QUOTA_LEAST);
    finish(world);
    assert_true(world->gaps == 0 && world->owed == 0);
    world_destroy(world);
}

static void what_one_collector_has_goes_for_the_other_whatever_its_class(void **state) {
    (void)state;
    struct world *world = with_quota();
    unsigned taken = 0;
    join_from_the_start(world, 1); /* and is never heard of again */
    for (unsigned i = 0; i < 50; i++) {
        taken += add_signing(world);
        flush(world);
        world_send(world, UINT32_MAX);
        acknowledge_at(world, 0);
    }
    assert_int_equal(taken, 500); /* the one that is there got everything at once */
    assert_true(report_of(world).dropped_batches > 0);
    assert_true(report_of(world).spool_bytes <= LANES_QUOTA_LEAST);
    finish(world);
    assert_true(world->gaps > 0 && world->owed == 0); /* the other one will read what it lacks */
    world_destroy(world);
}

static void while_held_the_quota_stops_the_sources_and_gives_up_nothing(void **state) {
    (void)state;
    struct world *world = with_quota();
    struct fault fault = {0};
    unsigned taken = 0;
    bool flushed = true;
    lanes_hold(world->lanes, 0, true);
    for (unsigned i = 0; i < 80 && flushed; i++) {
        taken += add_signing(world);
        flushed = lanes_flush(world->lanes, &fault);
        world_send(world, UINT32_MAX);
        acknowledge_alone(world);
    }
    assert_false(flushed);
    assert_int_equal(fault.code, FAULT_SPACE);
    assert_int_equal(report_of(world).dropped_batches, 0);
    lanes_hold(world->lanes, 0, false);
    world_acknowledge(world);
    flush(world);
    finish(world);
    assert_true(world->gaps == 0 && world->owed == 0);
    world_destroy(world);
}

static void what_must_never_be_given_up_stops_the_sources_at_the_quota(void **state) {
    (void)state;
    struct world *world = with_quota();
    struct fault fault = {0};
    unsigned taken = 0;
    bool flushed = true;
    for (unsigned i = 0; i < 60 && flushed; i++) {
        taken += add_signing(world);
        flushed = lanes_flush(world->lanes, &fault);
    }
    assert_false(flushed);
    assert_int_equal(fault.code, FAULT_SPACE);
    assert_true(report_of(world).dropped_batches == 0 && taken > 200);
    assert_int_equal(add_signing(world), 0);
    world_send(world, UINT32_MAX);
    world_acknowledge(world);
    world_pass(world, 1000000);
    flush(world);
    assert_true(add_signing(world) > 0);
    world_destroy(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_stream_begins_with_a_break_in_each_lane),
        cmocka_unit_test(a_turn_costs_one_write_and_one_sync),
        cmocka_unit_test(what_was_just_written_is_sent_without_reading_a_file),
        cmocka_unit_test(a_collector_that_comes_late_gets_everything_from_the_files),
        cmocka_unit_test(batches_close_at_4096_events_and_at_60_seconds),
        cmocka_unit_test(a_batch_of_long_lines_closes_at_a_mebibyte_and_no_block_spans_two),
        cmocka_unit_test(a_group_holds_a_mebibyte_and_then_takes_nothing),
        cmocka_unit_test(an_event_that_is_too_large_becomes_a_gap_event),
        cmocka_unit_test(idle_lanes_send_heartbeats_and_nothing_else),
        cmocka_unit_test(a_stepped_clock_closes_what_is_open_and_makes_a_break),
        cmocka_unit_test(parts_cover_what_was_sent_and_only_the_newest_goes),
        cmocka_unit_test(the_collector_can_have_a_batch_closed),
        cmocka_unit_test(keys_are_rotated_and_the_next_start_knows_it),
        cmocka_unit_test(what_is_acknowledged_and_closed_leaves_the_disk),
        cmocka_unit_test(marks_that_fall_or_lie_are_ignored),
        cmocka_unit_test(batches_leave_once_a_checkpoint_holds_them_and_not_before),
        cmocka_unit_test(a_quiet_host_keeps_no_proved_event_for_more_than_a_day),
        cmocka_unit_test(a_checkpoint_alone_is_written_with_the_next_flush_and_once),
        cmocka_unit_test(entries_say_which_checkpoint_was_seen),
        cmocka_unit_test(leaves_of_closed_batches_are_there_after_a_start_and_while_new_ones_come),
        cmocka_unit_test(while_held_nothing_goes),
        cmocka_unit_test(a_batch_stays_until_each_collector_has_it_proved),
        cmocka_unit_test(one_that_is_left_holds_nothing_back_any_more),
        cmocka_unit_test(one_that_joins_gets_what_the_spool_has_and_not_what_it_has_not),
        cmocka_unit_test(entries_name_each_log_in_turn),
        cmocka_unit_test(a_collector_that_fell_back_gets_it_again_unless_a_checkpoint_held_it),
        cmocka_unit_test(a_cursor_says_when_it_is_asked_for_what_is_not_there),
        cmocka_unit_test(two_cursors_of_one_lane_do_not_disturb_each_other),
        cmocka_unit_test(a_full_disk_stops_the_sources_and_all_goes_on_when_there_is_room),
        cmocka_unit_test(an_agent_starts_on_a_full_disk_and_frees_it_by_sending),
        cmocka_unit_test(after_a_failed_sync_the_group_goes_into_a_new_segment),
        cmocka_unit_test(a_disk_that_never_syncs_is_told_and_nothing_is_sent),
        cmocka_unit_test(a_flipped_bit_anywhere_costs_one_record_and_everything_else_is_delivered),
        cmocka_unit_test(a_missing_segment_is_named_its_entries_stand_in_the_next_and_the_rest_is_delivered),
        cmocka_unit_test(a_segment_that_was_cut_loses_its_end_alone),
        cmocka_unit_test(files_that_are_no_segments_are_left_alone),
        cmocka_unit_test(another_hosts_spool_is_refused),
        cmocka_unit_test(over_its_quota_the_spool_gives_up_bulk_bodies_first_and_says_so),
        cmocka_unit_test(bodies_given_up_stay_given_up_when_the_crash_comes_before_their_bytes_go),
        cmocka_unit_test(what_the_collector_has_stored_goes_first_whatever_its_class_and_is_no_loss),
        cmocka_unit_test(what_one_collector_has_goes_for_the_other_whatever_its_class),
        cmocka_unit_test(while_held_the_quota_stops_the_sources_and_gives_up_nothing),
        cmocka_unit_test(what_must_never_be_given_up_stops_the_sources_at_the_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
