/* A stream that does what comes to a seeded random mind: events, parts, closes, waits, steps of the clock, restarts of
 * either side, rotations. Everything that it sends is taken; everything with one bit changed is refused, at once where it
 * is signed, at the latest at the next signature where it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_fixture.h"

static uint64_t random_state;

static uint64_t roll(uint64_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static const enum event_class classes[] = {CLASS_JOURNAL, CLASS_ACCESS, CLASS_SIGNING, CLASS_REVOCATION};

static void flip(uint8_t *bytes, size_t size) {
    uint64_t bit = roll(8 * size);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* The stored body of a random event with one bit changed, given to another checker: the entry is not its root. */
static void an_altered_event_is_found(struct fixture *f) {
    if (f->run_count == 0)
        return;
    struct run *altered = &f->runs[roll(f->run_count)];
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_CHECKER_STATE_MOST);
    assert_true(stream_checker_save(f->checker, &state));
    struct stream_checker *other = stream_checker_load(buffer_slice(&state), NULL);
    bool key = altered->events.key_count && roll(4) == 0;
    uint8_t *bytes = key ? altered->keys[0].key : altered->block.data;
    size_t size = key ? CLASS_KEY_SIZE : altered->block.size;
    uint64_t bit = roll(8 * size);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    bool good = true;
    for (size_t i = 0; good && i < f->run_count; i++)
        good = check_good(stream_checker_events(other, &f->runs[i].events, NULL));
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (good)
        assert_false(check_good(
            stream_checker_close(other, slice_make(f->close.entry, BATCH_ENTRY_SIZE),
                                 slice_make(f->close.class_list, f->close.class_list_size), NULL)));
    stream_checker_destroy(other);
}

static void deliver_part(struct fixture *f) {
    uint8_t good[PART_SIZE];
    memcpy(good, f->part, PART_SIZE);
    flip(f->part, PART_SIZE);
    assert_false(check_good(fixture_send_part(f)));
    memcpy(f->part, good, PART_SIZE);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    assert_int_equal(fixture_send_part(f), CHECK_REPEATED);
}

static void deliver_close(struct fixture *f) {
    struct stream_close good = f->close;
    flip(f->close.entry, BATCH_ENTRY_SIZE);
    enum check check = fixture_send_close(f);
    /* A batch_seq that became smaller names an old batch, and the owner compares it with the stored one. */
    struct batch_entry entry;
    bool below = batch_entry_read(slice_make(f->close.entry, BATCH_ENTRY_SIZE), &entry, NULL) &&
                 entry.batch_seq + 1 < stream_checker_batch_seq(f->checker);
    assert_true(below ? check == CHECK_BELOW : !check_good(check));
    f->close = good;
    flip(f->close.class_list, f->close.class_list_size);
    assert_false(check_good(fixture_send_close(f)));
    f->close = good;
    an_altered_event_is_found(f);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    assert_int_equal(fixture_send_close(f), CHECK_REPEATED);
}

static void write_events(struct fixture *f) {
    static const char text[] =
        "Nov 21 18:44:24 host sshd[4242]: Failed password for invalid user admin from 203.0.113.7";
    for (uint64_t count = 1 + roll(20); count > 0; count--) {
        fixture_pass(f, roll(3) * 500);
        fixture_event(f, classes[roll(4)], text + roll(sizeof text));
    }
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    assert_int_equal(stream_checker_events(f->checker, &f->runs[roll(f->run_count)].events, NULL),
                     CHECK_REPEATED);
}

static void settle(struct fixture *f) {
    uint64_t next;
    for (int i = 0; i < 5; i++) {
        enum stream_due due = stream_writer_due(f->writer, &f->clock, &next);
        if (due == DUE_NOTHING)
            return;
        if (due == DUE_BREAK) {
            assert_true(stream_writer_break(f->writer, &f->clock, &f->fault));
        } else {
            fixture_close(f);
            deliver_close(f);
        }
    }
    fail_msg("the writer is never done");
}

static void rotate(struct fixture *f) {
    struct signing_key *next = fixture_key((uint8_t)(2 + f->settings.epoch));
    assert_true(stream_writer_rotate(f->writer, &f->clock, NULL, &f->close, &f->fault));
    deliver_close(f);
    assert_true(stream_writer_epoch(f->writer, next, NULL));
    assert_true(stream_checker_epoch(f->checker, signing_key_public(next), NULL));
    signing_key_destroy(f->key);
    f->key = next;
    f->settings.key = next;
    f->settings.epoch++;
}

static void restart_checker(struct fixture *f) {
    struct stream_checker *again = fixture_checker_again(f);
    stream_checker_destroy(f->checker);
    f->checker = again;
}

static void act(struct fixture *f) {
    switch (roll(14)) {
    case 0:
        fixture_pass(f, roll(700000000));
        break;
    case 1:
        fixture_restart_writer(f);
        fixture_pass(f, roll(60000000));
        if (roll(2)) {
            f->clock.boot_id[3]++;
            f->clock.boottime_us = roll(1000000);
        }
        break;
    case 2:
        restart_checker(f);
        break;
    case 3:
        f->clock.now_us += roll(4000000) - 2000000;
        break;
    case 4:
        rotate(f);
        break;
    case 5:
    case 6:
        if (stream_writer_part(f->writer, f->clock.now_us, f->part))
            deliver_part(f);
        break;
    case 7:
        fixture_close(f);
        deliver_close(f);
        break;
    default:
        write_events(f);
    }
}

static void whatever_a_stream_does_is_taken_and_no_changed_bit_is(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        struct fixture *f = fixture_create();
        for (int turn = 0; turn < 120; turn++) {
            settle(f);
            act(f);
            assert_int_equal(stream_checker_next_seq(f->checker), stream_writer_next_seq(f->writer));
            assert_int_equal(stream_checker_batch_seq(f->checker), stream_writer_batch_seq(f->writer));
        }
        fixture_destroy(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_stream_does_is_taken_and_no_changed_bit_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
