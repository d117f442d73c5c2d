#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_fixture.h"

static struct batch_entry closed(const struct fixture *f) {
    struct batch_entry entry;
    assert_true(batch_entry_read(slice_make(f->close.entry, BATCH_ENTRY_SIZE), &entry, NULL));
    return entry;
}

static enum stream_due due(struct fixture *f) {
    uint64_t next;
    return stream_writer_due(f->writer, &f->clock, &next);
}

static bool event(struct fixture *f, enum event_class class, struct slice body) {
    struct stream_writer_event written;
    f->fault = (struct fault){0};
    return stream_writer_event(f->writer, class, f->clock.now_us, body, &written, &f->fault);
}

static void a_stream_begins_with_a_break(void **state) {
    (void)state;
    struct fixture *f = fixture_create();
    assert_int_equal(due(f), DUE_BREAK);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    assert_false(stream_writer_close(f->writer, &f->clock, NULL, &f->close, &f->fault));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    assert_int_equal(due(f), DUE_CLOSE);
    fixture_close(f);
    assert_int_equal(closed(f).kind, BATCH_BREAK);
    assert_int_equal(closed(f).batch_seq, 0);
    assert_int_equal(due(f), DUE_NOTHING);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void a_heartbeat_is_due_when_nothing_happens(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    uint64_t next;
    assert_int_equal(stream_writer_due(f->writer, &f->clock, &next), DUE_NOTHING);
    assert_int_equal(next, f->clock.now_us + FIXTURE_HEARTBEAT_US);
    fixture_pass(f, FIXTURE_HEARTBEAT_US - 1);
    assert_int_equal(due(f), DUE_NOTHING);
    fixture_pass(f, 1);
    assert_int_equal(due(f), DUE_CLOSE);
    fixture_close(f);
    assert_int_equal(closed(f).kind, BATCH_HEARTBEAT);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void a_batch_closes_a_minute_after_its_first_event(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    uint64_t next;
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "first");
    uint64_t first_us = f->clock.now_us;
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "second");
    assert_int_equal(stream_writer_due(f->writer, &f->clock, &next), DUE_NOTHING);
    assert_int_equal(next, first_us + STREAM_BATCH_US);
    fixture_pass(f, 59000000);
    assert_int_equal(due(f), DUE_CLOSE);
    fixture_close(f);
    assert_int_equal(closed(f).kind, BATCH_DATA);
    assert_int_equal(closed(f).event_count, 2);
    fixture_destroy(f);
}

static void a_batch_is_full_at_4096_events(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    for (unsigned i = 0; i < 4096; i++) {
        assert_int_equal(due(f), DUE_NOTHING);
        fixture_event(f, CLASS_ACCESS, "x");
    }
    assert_int_equal(due(f), DUE_CLOSE);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_close(f);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_true(event(f, CLASS_ACCESS, SLICE("x")));
    fixture_destroy(f);
}

static void a_batch_is_full_at_a_mebibyte(void **state) {
    (void)state;
    static uint8_t body[EVENT_BODY_MOST + 1];
    struct fixture *f = fixture_begin();
    for (unsigned i = 0; i < 4; i++)
        assert_true(event(f, CLASS_ACCESS, slice_make(body, EVENT_BODY_MOST)));
    assert_int_equal(due(f), DUE_CLOSE);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    fixture_close(f);
    assert_false(event(f, CLASS_ACCESS, slice_make(body, EVENT_BODY_MOST + 1)));
    assert_int_equal(f->fault.code, FAULT_LIMIT);
    fixture_destroy(f);
}

static void a_class_of_the_other_lane_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    assert_false(event(f, CLASS_SYSTEM, SLICE("x")));
    assert_int_equal(f->fault.code, FAULT_USAGE);
    assert_false(event(f, (enum event_class)CLASSES, SLICE("x")));
    assert_int_equal(stream_writer_next_seq(f->writer), 0);
    fixture_destroy(f);
}

static void time_does_not_fall_with_a_clock_that_does(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    struct stream_writer_event first, second;
    fixture_pass(f, 1000000);
    assert_true(stream_writer_event(f->writer, CLASS_ACCESS, f->clock.now_us, SLICE("a"), &first, NULL));
    assert_true(
        stream_writer_event(f->writer, CLASS_ACCESS, f->clock.now_us - 400000, SLICE("b"), &second, NULL));
    assert_int_equal(second.time_us, first.time_us);
    assert_non_null(first.new_key);
    assert_null(second.new_key);
    f->clock.now_us -= 400000;
    assert_int_equal(due(f), DUE_NOTHING);
    fixture_close(f);
    assert_int_equal(closed(f).close_us, first.time_us);
    fixture_destroy(f);
}

static void a_batch_closes_no_earlier_than_its_newest_part(void **state) {
    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        struct fixture *f = fixture_begin();
        fixture_event(f, CLASS_ACCESS, "a");
        assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
        fixture_pass(f, 700000);
        fixture_part(f);
        assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
        uint64_t part_us = f->clock.now_us;
        if (restart)
            fixture_restart_writer(f);
        f->clock.now_us -= 600000;
        fixture_close(f);
        assert_int_equal(closed(f).close_us, part_us);
        assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
        fixture_destroy(f);
    }
}

/* delivery: a clock stepped either way, once with an event open and once without */
static void a_clock_that_leaves_the_boot_clock_makes_a_break(void **state) {
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        struct fixture *f = fixture_begin();
        bool with_event = variant & 1;
        fixture_pass(f, 5000000);
        if (with_event) {
            fixture_event(f, CLASS_ACCESS, "before the step");
            assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
        }
        uint64_t before_us = f->clock.now_us;
        f->clock.now_us += variant & 2 ? 3600000000ull : -3600000000ull;
        if (with_event) {
            assert_int_equal(due(f), DUE_CLOSE);
            fixture_close(f);
            assert_int_equal(closed(f).kind, BATCH_DATA);
            assert_int_equal(closed(f).close_us, before_us);
            assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
        } else {
            assert_false(stream_writer_close(f->writer, &f->clock, NULL, &f->close, NULL));
        }
        assert_int_equal(due(f), DUE_BREAK);
        assert_true(stream_writer_break(f->writer, &f->clock, NULL));
        fixture_close(f);
        assert_int_equal(closed(f).kind, BATCH_BREAK);
        assert_int_equal(closed(f).open_us, f->clock.now_us);
        assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
        assert_int_equal(due(f), DUE_NOTHING);
        fixture_whole_batch(f, 3);
        fixture_destroy(f);
    }
}

static void a_part_is_signed_once_for_the_same_events(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    assert_false(stream_writer_part(f->writer, f->clock.now_us, f->part));
    fixture_event(f, CLASS_ACCESS, "a");
    assert_true(stream_writer_part(f->writer, f->clock.now_us, f->part));
    assert_false(stream_writer_part(f->writer, f->clock.now_us, f->part));
    fixture_event(f, CLASS_ACCESS, "b");
    assert_true(stream_writer_part(f->writer, f->clock.now_us, f->part));
    assert_memory_equal(stream_writer_newest_part(f->writer).data, f->part, PART_SIZE);
    fixture_close(f);
    assert_int_equal(stream_writer_newest_part(f->writer).size, 0);
    fixture_destroy(f);
}

static void what_a_restart_left_open_takes_only_its_close(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_event(f, CLASS_SIGNING, "b");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_pass(f, 1000000);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    uint64_t last_us = f->clock.now_us;
    fixture_event(f, CLASS_SIGNING, "c");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_restart_writer(f);
    fixture_pass(f, 30000000);
    f->clock.boottime_us = 1;
    f->clock.boot_id[0] = 2;
    assert_int_equal(stream_writer_next_seq(f->writer), 3);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    assert_false(stream_writer_part(f->writer, f->clock.now_us, f->part));
    assert_false(stream_writer_break(f->writer, &f->clock, NULL));
    assert_int_equal(due(f), DUE_CLOSE);
    fixture_close(f);
    struct batch_entry entry = closed(f);
    assert_int_equal(entry.kind, BATCH_DATA);
    assert_int_equal(entry.close_us, last_us);
    assert_int_equal(entry.boot_id[0], 1);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_int_equal(due(f), DUE_BREAK);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_close(f);
    assert_int_equal(closed(f).boot_id[0], 2);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_whole_batch(f, 5);
    fixture_destroy(f);
}

static void within_one_boot_it_closes_at_its_last_time_too(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_pass(f, 3000000);
    fixture_event(f, CLASS_ACCESS, "a");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    struct stream_clock then = f->clock;
    fixture_restart_writer(f);
    fixture_pass(f, 20000000);
    fixture_close(f);
    assert_int_equal(closed(f).close_us, then.now_us);
    assert_int_equal(closed(f).boottime_us, then.boottime_us);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void a_break_with_events_survives_a_restart(void **state) {
    (void)state;
    struct fixture *f = fixture_create();
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_event(f, CLASS_JOURNAL, "started");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    struct stream_clock then = f->clock;
    fixture_restart_writer(f);
    fixture_pass(f, 1000000);
    fixture_close(f);
    assert_int_equal(closed(f).kind, BATCH_BREAK);
    assert_int_equal(closed(f).open_us, then.now_us);
    assert_int_equal(closed(f).boottime_us, then.boottime_us);
    assert_memory_equal(closed(f).boot_id, then.boot_id, BOOT_ID_SIZE);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_int_equal(due(f), DUE_BREAK);
    fixture_destroy(f);
}

static void a_break_without_events_is_begun_again_after_a_restart(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "a");
    assert_false(stream_writer_break(f->writer, &f->clock, &f->fault));
    assert_int_equal(f->fault.code, FAULT_BUSY);
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_close(f);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_restart_writer(f);
    assert_int_equal(due(f), DUE_BREAK);
    fixture_pass(f, 9000000);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_close(f);
    assert_int_equal(closed(f).open_us, f->clock.now_us);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void a_spool_that_lost_signed_events_is_noticed(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_event(f, CLASS_ACCESS, "a");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_event(f, CLASS_ACCESS, "b");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_part(f);
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_WRITER_STATE_MOST);
    assert_true(stream_writer_save(f->writer, &saved));
    struct stream_writer *again = stream_writer_load(&f->settings, buffer_slice(&saved), NULL);
    assert_true(stream_writer_restore_events(again, &f->runs[0].events, NULL));
    assert_false(stream_writer_restore_part(again, slice_make(f->part, PART_SIZE), &f->fault));
    assert_int_equal(f->fault.code, FAULT_CONFLICT);
    assert_false(stream_writer_restore_events(again, &f->runs[0].events, &f->fault));
    assert_int_equal(f->fault.code, FAULT_CONFLICT);
    stream_writer_destroy(again);
    fixture_destroy(f);
}

static void a_state_with_one_bit_changed_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_WRITER_STATE_MOST);
    assert_true(stream_writer_save(f->writer, &saved));
    for (size_t bit = 0; bit < 8 * saved.size; bit += 5) {
        saved.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_null(stream_writer_load(&f->settings, buffer_slice(&saved), &f->fault));
        saved.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < saved.size; size++)
        assert_null(stream_writer_load(&f->settings, slice_head(buffer_slice(&saved), size), &f->fault));
    struct stream_writer_settings other = f->settings;
    other.epoch = 1;
    assert_null(stream_writer_load(&other, buffer_slice(&saved), &f->fault));
    assert_int_equal(f->fault.code, FAULT_CONFLICT);
    fixture_destroy(f);
}

static void a_rotation_ends_an_epoch_and_the_next_goes_on_under_its_key(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    struct signing_key *next = fixture_key(2);
    fixture_whole_batch(f, 2);
    fixture_event(f, CLASS_ACCESS, "the old key's last");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    assert_false(stream_writer_epoch(f->writer, next, NULL));
    assert_true(stream_writer_rotate(f->writer, &f->clock, NULL, &f->close, NULL));
    assert_int_equal(closed(f).kind, BATCH_ROTATE);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_int_equal(due(f), DUE_NOTHING);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_true(stream_writer_epoch(f->writer, next, NULL));
    f->settings.key = next;
    f->settings.epoch = 1;
    fixture_event(f, CLASS_ACCESS, "the new key's first");
    assert_int_equal(fixture_send_events(f), CHECK_ENDED);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_EPOCH);
    fixture_close(f);
    assert_int_equal(closed(f).epoch, 1);
    assert_int_equal(fixture_send_close(f), CHECK_EPOCH);
    assert_true(stream_checker_epoch(f->checker, signing_key_public(next), NULL));
    assert_false(stream_checker_epoch(f->checker, signing_key_public(next), NULL));
    assert_int_equal(stream_checker_events(f->checker, &f->runs[0].events, NULL), CHECK_ACCEPTED);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_restart_writer(f);
    assert_int_equal(stream_writer_epoch_number(f->writer), 1);
    fixture_destroy(f);
    signing_key_destroy(next);
}

static void after_its_end_a_stream_takes_nothing(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    assert_true(stream_writer_end(f->writer, &f->clock, NULL, &f->close, NULL));
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_true(stream_checker_ended(f->checker));
    assert_int_equal(due(f), DUE_NOTHING);
    assert_false(event(f, CLASS_ACCESS, SLICE("x")));
    assert_false(stream_writer_break(f->writer, &f->clock, NULL));
    assert_false(stream_writer_close(f->writer, &f->clock, NULL, &f->close, NULL));
    fixture_destroy(f);
}

static bool no_random(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    (void)context, (void)ret_bytes, (void)size;
    return fault_set(fault, FAULT_INTERNAL, "none");
}

static void without_randomness_no_event_is_taken(void **state) {
    (void)state;
    struct fixture *f = fixture_create();
    f->settings.random.fill = no_random;
    struct stream_writer *writer = stream_writer_create(&f->settings);
    struct stream_writer_event written;
    assert_true(stream_writer_break(writer, &f->clock, NULL));
    assert_false(stream_writer_event(writer, CLASS_ACCESS, f->clock.now_us, SLICE("x"), &written, &f->fault));
    assert_int_equal(stream_writer_next_seq(writer), 0);
    stream_writer_destroy(writer);
    fixture_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_begins_with_a_break),
        cmocka_unit_test(a_heartbeat_is_due_when_nothing_happens),
        cmocka_unit_test(a_batch_closes_a_minute_after_its_first_event),
        cmocka_unit_test(a_batch_is_full_at_4096_events),
        cmocka_unit_test(a_batch_is_full_at_a_mebibyte),
        cmocka_unit_test(a_class_of_the_other_lane_is_refused),
        cmocka_unit_test(time_does_not_fall_with_a_clock_that_does),
        cmocka_unit_test(a_batch_closes_no_earlier_than_its_newest_part),
        cmocka_unit_test(a_clock_that_leaves_the_boot_clock_makes_a_break),
        cmocka_unit_test(a_part_is_signed_once_for_the_same_events),
        cmocka_unit_test(what_a_restart_left_open_takes_only_its_close),
        cmocka_unit_test(within_one_boot_it_closes_at_its_last_time_too),
        cmocka_unit_test(a_break_with_events_survives_a_restart),
        cmocka_unit_test(a_break_without_events_is_begun_again_after_a_restart),
        cmocka_unit_test(a_spool_that_lost_signed_events_is_noticed),
        cmocka_unit_test(a_state_with_one_bit_changed_is_refused),
        cmocka_unit_test(a_rotation_ends_an_epoch_and_the_next_goes_on_under_its_key),
        cmocka_unit_test(after_its_end_a_stream_takes_nothing),
        cmocka_unit_test(without_randomness_no_event_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
