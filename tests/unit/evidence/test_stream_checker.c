/* What a checker must catch: each case takes a good stream, changes one thing and signs it again with the agent's own
 * key, so that nothing but the rule itself can refuse it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "stream_fixture.h"

static struct batch_entry closed(const struct fixture *f) {
    struct batch_entry entry;
    assert_true(batch_entry_read(slice_make(f->close.entry, BATCH_ENTRY_SIZE), &entry, NULL));
    return entry;
}

/* A stream with a break, a batch of four events, and a closed batch of three that is stored but for its entry. */
static struct fixture *before_a_close(void) {
    struct fixture *f = fixture_begin();
    fixture_whole_batch(f, 4);
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_event(f, CLASS_SIGNING, "b");
    fixture_event(f, CLASS_SIGNING, "c");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    fixture_pass(f, 1000000);
    fixture_close(f);
    return f;
}

static void nothing(struct batch_entry *entry) {
    (void)entry;
}
static void other_stream(struct batch_entry *entry) {
    entry->stream_id.bytes[0] ^= 1;
}
static void other_epoch(struct batch_entry *entry) {
    entry->epoch = 1;
}
static void batch_skipped(struct batch_entry *entry) {
    entry->batch_seq++;
}
static void wrong_prev(struct batch_entry *entry) {
    entry->prev.bytes[31] ^= 1;
}
static void event_overlap(struct batch_entry *entry) {
    entry->first_event_seq--;
}
static void event_gap(struct batch_entry *entry) {
    entry->first_event_seq++;
}
static void count_up(struct batch_entry *entry) {
    entry->event_count++;
}
static void count_down(struct batch_entry *entry) {
    entry->event_count--;
}
static void cum_up(struct batch_entry *entry) {
    entry->cum[CLASS_ACCESS]++;
}
static void cum_falls(struct batch_entry *entry) {
    entry->cum[CLASS_SIGNING] = 0;
}
static void cum_of_another_class(struct batch_entry *entry) {
    entry->cum[CLASS_REPORT] = 1;
}
static void cum_of_no_class(struct batch_entry *entry) {
    entry->cum[12] = 1;
}
static void root_changed(struct batch_entry *entry) {
    entry->event_root.bytes[3] ^= 1;
}
static void opens_late(struct batch_entry *entry) {
    entry->open_us++;
}
static void opens_early(struct batch_entry *entry) {
    entry->open_us--;
}
static void closes_before_its_events(struct batch_entry *entry) {
    entry->close_us = entry->open_us + 1;
}
static void closes_before_it_opens(struct batch_entry *entry) {
    entry->close_us = entry->open_us - 1;
}
static void signed_in_advance(struct batch_entry *entry) {
    entry->close_us += 600000000;
}
static void boot_clock_falls(struct batch_entry *entry) {
    entry->boottime_us = 0;
}
static void boot_changed(struct batch_entry *entry) {
    entry->boot_id[0] ^= 1;
}
static void heartbeat_with_events(struct batch_entry *entry) {
    entry->kind = BATCH_HEARTBEAT;
}
static void unknown_kind(struct batch_entry *entry) {
    entry->kind = (enum batch_kind)5;
}
static void break_after_a_part(struct batch_entry *entry) {
    entry->kind = BATCH_BREAK;
    entry->open_us += 10;
}
static void same_number_again(struct batch_entry *entry) {
    entry->batch_seq--;
}
static void an_old_number(struct batch_entry *entry) {
    entry->batch_seq = 0, entry->prev = (struct hash){{0}};
}
static void seen_of_no_log(struct batch_entry *entry) {
    entry->seen.size = 7;
}

static const struct {
    const char *name;
    void (*change)(struct batch_entry *entry);
    enum check check;
} changes[] = {
    {"nothing", nothing, CHECK_ACCEPTED},
    {"other stream", other_stream, CHECK_STREAM},
    {"other epoch", other_epoch, CHECK_EPOCH},
    {"batch skipped", batch_skipped, CHECK_SEQUENCE},
    {"wrong prev", wrong_prev, CHECK_CHAIN},
    {"event overlap", event_overlap, CHECK_SEQUENCE},
    {"event gap", event_gap, CHECK_SEQUENCE},
    {"count up", count_up, CHECK_COUNT},
    {"count down", count_down, CHECK_COUNT},
    {"cum up", cum_up, CHECK_COUNT},
    {"cum falls", cum_falls, CHECK_COUNT},
    {"cum of another class", cum_of_another_class, CHECK_COUNT},
    {"cum of no class", cum_of_no_class, CHECK_MALFORMED},
    {"root changed", root_changed, CHECK_ROOT},
    {"opens late", opens_late, CHECK_TIME},
    {"opens early", opens_early, CHECK_TIME},
    {"closes before its events", closes_before_its_events, CHECK_TIME},
    {"closes before it opens", closes_before_it_opens, CHECK_MALFORMED},
    {"signed in advance", signed_in_advance, CHECK_TIME},
    {"boot clock falls", boot_clock_falls, CHECK_TIME},
    {"boot changed", boot_changed, CHECK_BOOT},
    {"heartbeat with events", heartbeat_with_events, CHECK_MALFORMED},
    {"unknown kind", unknown_kind, CHECK_MALFORMED},
    {"break after a part", break_after_a_part, CHECK_FORK},
    {"same number again", same_number_again, CHECK_FORK},
    {"an old number", an_old_number, CHECK_BELOW},
    {"seen of no log", seen_of_no_log, CHECK_MALFORMED},
};

static void every_change_to_an_entry_has_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct fixture *f = before_a_close();
        struct stream_close good = f->close;
        struct batch_entry entry = closed(f);
        changes[i].change(&entry);
        batch_entry_sign(&entry, f->key, f->close.entry);
        f->fault = (struct fault){0};
        enum check check = fixture_send_close(f);
        if (check != changes[i].check)
            fail_msg("%s: %s, not %s", changes[i].name, check_word(check), check_word(changes[i].check));
        assert_int_equal(check_good(check), f->fault.code == FAULT_NONE);
        /* A refusal changes nothing: the good entry is still taken. */
        f->close = good;
        assert_int_equal(fixture_send_close(f), check == CHECK_ACCEPTED ? CHECK_REPEATED : CHECK_ACCEPTED);
        fixture_destroy(f);
    }
}

/* An entry re-signed over other times, its boot clock going along, so that only the rule about times can refuse it. */
static enum check closed_between(struct fixture *f, uint64_t open_us, uint64_t close_us) {
    struct batch_entry entry = closed(f);
    entry.boottime_us -= entry.close_us - close_us;
    entry.open_us = open_us;
    entry.close_us = close_us;
    batch_entry_sign(&entry, f->key, f->close.entry);
    return fixture_send_close(f);
}

static void events_and_parts_lie_within_their_batch(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    uint64_t open_us = f->clock.now_us;
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "a");
    uint64_t event_us = f->clock.now_us;
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_pass(f, 1000000);
    struct stream_checker *without_part = fixture_checker_again(f);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    fixture_close(f);
    assert_int_equal(closed_between(f, open_us, event_us + 999999), CHECK_FORK);
    struct stream_checker *with_part = f->checker;
    f->checker = without_part;
    assert_int_equal(closed_between(f, open_us, event_us - 1), CHECK_TIME);
    assert_int_equal(closed_between(f, open_us, event_us), CHECK_ACCEPTED);
    stream_checker_destroy(with_part);
    fixture_destroy(f);
}

static void a_break_opens_no_later_than_its_events(void **state) {
    (void)state;
    struct fixture *f = fixture_create();
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_event(f, CLASS_ACCESS, "a");
    uint64_t event_us = f->clock.now_us;
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_pass(f, 1000000);
    fixture_close(f);
    assert_int_equal(closed_between(f, event_us + 1, f->clock.now_us), CHECK_TIME);
    assert_int_equal(closed_between(f, event_us, f->clock.now_us), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void the_boot_clock_never_falls_within_a_boot(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    uint64_t boottime_us = f->clock.boottime_us;
    fixture_pass(f, 500000);
    fixture_close(f);
    struct batch_entry entry = closed(f);
    entry.boottime_us = boottime_us - 1;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_TIME);
    entry.boottime_us = boottime_us;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void another_key_signs_nothing_here(void **state) {
    (void)state;
    struct fixture *f = before_a_close();
    struct signing_key *other = fixture_key(9);
    struct batch_entry entry = closed(f);
    batch_entry_sign(&entry, other, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_SIGNATURE);
    assert_int_equal(f->fault.code, FAULT_AUTH);
    struct part part;
    assert_true(part_read(slice_make(f->part, PART_SIZE), &part, NULL));
    part.number++;
    part_sign(&part, other, f->part);
    assert_int_equal(fixture_send_part(f), CHECK_SIGNATURE);
    signing_key_destroy(other);
    fixture_destroy(f);
}

static void a_first_batch_that_is_no_break_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_create();
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_close(f);
    struct batch_entry entry = closed(f);
    entry.kind = BATCH_HEARTBEAT;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_BOOT);
    fixture_destroy(f);
}

static void a_class_list_that_was_not_signed_is_refused(void **state) {
    (void)state;
    struct fixture *f = before_a_close();
    for (size_t bit = 0; bit < 8 * f->close.class_list_size; bit++) {
        f->close.class_list[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum check check = fixture_send_close(f);
        assert_true(check == CHECK_MALFORMED || check == CHECK_ROOT);
        f->close.class_list[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    f->close.class_list[5] ^= 1;
    assert_false(check_good(fixture_send_close(f)));
    fixture_destroy(f);
}

static void a_signed_class_list_of_the_other_lane_is_refused(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_close(f);
    struct batch_entry entry = closed(f);
    f->close.class_list[1] = CLASS_SYSTEM;
    entry.event_root = class_list_event_root(slice_make(f->close.class_list, f->close.class_list_size));
    entry.cum[CLASS_SYSTEM] = entry.cum[CLASS_ACCESS];
    entry.cum[CLASS_ACCESS] = 0;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_CLASS);
    fixture_destroy(f);
}

static void a_seen_checkpoint_never_falls(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    struct seen_checkpoint seen = {{1, 2, 3, 4}, 100, {{7}}}, smaller = seen, other = seen, elsewhere = seen;
    assert_true(stream_writer_close(f->writer, &f->clock, &seen, &f->close, NULL));
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    smaller.size = 99;
    other.root.bytes[0] = 8;
    elsewhere.key_id[0] = 9, elsewhere.size = 1;
    assert_true(stream_writer_close(f->writer, &f->clock, &smaller, &f->close, NULL));
    struct batch_entry entry = closed(f);
    assert_int_equal(fixture_send_close(f), CHECK_SEEN);
    entry.seen = other;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_SEEN);
    entry.seen = elsewhere;
    batch_entry_sign(&entry, f->key, f->close.entry);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void an_entry_without_its_events_is_owed(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_event(f, CLASS_ACCESS, "a");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_event(f, CLASS_ACCESS, "b");
    fixture_close(f);
    assert_int_equal(fixture_send_close(f), CHECK_OWED);
    assert_int_equal(stream_checker_next_seq(f->checker), 2);
    assert_int_equal(fixture_send_events(f), CHECK_BELOW);
    fixture_destroy(f);
}

/* ---- parts */

static void part_nothing(struct part *part) {
    part->number++;
}
static void part_other_stream(struct part *part) {
    part->stream_id.bytes[9] ^= 1;
}
static void part_other_epoch(struct part *part) {
    part->epoch++;
}
static void part_same_number(struct part *part) {
    part->time_us++;
}
static void part_number_falls(struct part *part) {
    part->number = 0;
}
static void part_of_an_old_batch(struct part *part) {
    part->batch_seq--;
}
static void part_of_a_later_batch(struct part *part) {
    part->batch_seq++;
}
static void part_other_first(struct part *part) {
    part->number++, part->first_event_seq++;
}
static void part_other_prev(struct part *part) {
    part->number++, part->prev.bytes[0] ^= 1;
}
static void part_fewer_events(struct part *part) {
    part->number++, part->event_count = 1;
}
static void part_more_events(struct part *part) {
    part->number++, part->event_count = 4;
}
static void part_other_root(struct part *part) {
    part->number++, part->event_root.bytes[0] ^= 1;
}
static void part_other_open(struct part *part) {
    part->number++, part->open_us--;
}
static void part_earlier(struct part *part) {
    part->number++, part->time_us = part->open_us + 1;
}
static void part_before_open(struct part *part) {
    part->time_us = part->open_us - 1;
}

static const struct {
    const char *name;
    void (*change)(struct part *part);
    enum check check;
} part_changes[] = {
    {"nothing", part_nothing, CHECK_ACCEPTED},
    {"other stream", part_other_stream, CHECK_STREAM},
    {"other epoch", part_other_epoch, CHECK_EPOCH},
    {"same number", part_same_number, CHECK_FORK},
    {"number falls", part_number_falls, CHECK_SEQUENCE},
    {"an old batch", part_of_an_old_batch, CHECK_SEQUENCE},
    {"a later batch", part_of_a_later_batch, CHECK_SEQUENCE},
    {"other first", part_other_first, CHECK_SEQUENCE},
    {"other prev", part_other_prev, CHECK_CHAIN},
    {"fewer events", part_fewer_events, CHECK_FORK},
    {"more events", part_more_events, CHECK_SEQUENCE},
    {"other root", part_other_root, CHECK_ROOT},
    {"other open", part_other_open, CHECK_FORK},
    {"earlier", part_earlier, CHECK_TIME},
    {"before open", part_before_open, CHECK_MALFORMED},
};

/* Part 1 over two events is here. */
static struct fixture *after_a_part(void) {
    struct fixture *f = fixture_begin();
    fixture_whole_batch(f, 4);
    fixture_pass(f, 1000000);
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_part(f);
    fixture_event(f, CLASS_SIGNING, "b");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_pass(f, 1000000);
    assert_true(stream_writer_part(f->writer, f->clock.now_us, f->part));
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    return f;
}

static void every_change_to_a_part_has_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof part_changes / sizeof *part_changes; i++) {
        struct fixture *f = after_a_part();
        uint8_t good[PART_SIZE];
        struct part part;
        memcpy(good, f->part, PART_SIZE);
        assert_true(part_read(slice_make(f->part, PART_SIZE), &part, NULL));
        assert_int_equal(part.number, 1);
        part_changes[i].change(&part);
        part_sign(&part, f->key, f->part);
        enum check check = fixture_send_part(f);
        if (check != part_changes[i].check)
            fail_msg("%s: %s, not %s", part_changes[i].name, check_word(check),
                     check_word(part_changes[i].check));
        if (check != CHECK_ACCEPTED) {
            assert_memory_equal(stream_checker_newest_part(f->checker).data, good, PART_SIZE);
            memcpy(f->part, good, PART_SIZE);
            assert_int_equal(fixture_send_part(f), CHECK_REPEATED);
        }
        fixture_destroy(f);
    }
}

static void a_part_over_fewer_events_than_came_is_held_against_the_prefix(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_event(f, CLASS_SIGNING, "b");
    fixture_event(f, CLASS_ACCESS, "c");
    fixture_part(f);
    fixture_pass(f, 1000);
    for (int i = 0; i < 40; i++)
        fixture_event(f, i % 2 ? CLASS_ACCESS : CLASS_REPORT, "later");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    assert_int_equal(stream_checker_attested(f->checker), 3);
    struct part part;
    assert_true(part_read(slice_make(f->part, PART_SIZE), &part, NULL));
    part.number++;
    part.event_count++;
    part_sign(&part, f->key, f->part);
    assert_int_equal(fixture_send_part(f), CHECK_TIME);
    part.time_us = f->clock.now_us;
    part_sign(&part, f->key, f->part);
    assert_int_equal(fixture_send_part(f), CHECK_ROOT);
    fixture_destroy(f);
}

static void an_entry_that_does_not_cover_a_part_is_a_fork(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    /* The machine was rolled back: what it signs now knows nothing of the part that it sent. */
    fixture_restart_writer(f);
    struct stream_writer *other = f->writer;
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_WRITER_STATE_MOST);
    assert_true(stream_writer_save(other, &saved));
    stream_writer_destroy(other);
    f->writer = stream_writer_load(&f->settings, buffer_slice(&saved), NULL);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_event(f, CLASS_ACCESS, "signed, then forgotten");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_part(f);
    assert_int_equal(fixture_send_part(f), CHECK_ACCEPTED);
    stream_writer_destroy(f->writer);
    f->writer = stream_writer_load(&f->settings, buffer_slice(&saved), NULL);
    fixture_pass(f, 5000000);
    assert_true(stream_writer_break(f->writer, &f->clock, NULL));
    fixture_close(f);
    assert_int_equal(fixture_send_close(f), CHECK_FORK);
    fixture_destroy(f);
}

/* What the agent's key could still sign for the batch after the last. */
static void sign_what_comes_after(struct fixture *f) {
    struct batch_entry entry = closed(f);
    entry.kind = BATCH_HEARTBEAT;
    entry.prev = batch_entry_hash(slice_make(f->close.entry, BATCH_ENTRY_SIZE));
    entry.batch_seq++;
    entry.first_event_seq += entry.event_count;
    entry.event_count = 0;
    entry.event_root = class_list_event_root(SLICE("\0"));
    entry.open_us = entry.close_us;
    struct part part = {.stream_id = entry.stream_id,
                        .epoch = entry.epoch,
                        .batch_seq = entry.batch_seq,
                        .first_event_seq = entry.first_event_seq,
                        .open_us = entry.open_us,
                        .time_us = entry.open_us,
                        .event_root = entry.event_root,
                        .prev = entry.prev};
    batch_entry_sign(&entry, f->key, f->close.entry);
    part_sign(&part, f->key, f->part);
    f->close.class_list[0] = 0;
    f->close.class_list_size = 1;
}

/* The format knows a break in the place of an orphan's batch, behind the events of its part. Nobody here writes one, and it is
 * not taken: whoever lost what it had signed is no longer told from a copy of its machine, and joins anew. */
static void a_successor_of_an_orphan_is_refused_and_changes_nothing(void **state) {
    (void)state;
    for (unsigned begun = 0; begun < 2; begun++) {
        struct fixture *f = before_a_close();
        struct stream_close good = f->close;
        struct batch_entry entry = closed(f), last;
        assert_true(batch_entry_read(stream_checker_last_entry(f->checker), &last, NULL));
        static const uint8_t no_events[1];
        entry.kind = BATCH_BREAK;
        entry.boot_id[0] ^= 1;
        entry.open_us = entry.close_us += 86400000000;
        if (begun == 0) /* behind the orphan's; otherwise over its numbers once more */
            entry.first_event_seq += entry.event_count;
        entry.event_count = 0;
        memcpy(entry.cum, last.cum, sizeof entry.cum);
        f->close.class_list_size = sizeof no_events;
        memcpy(f->close.class_list, no_events, sizeof no_events);
        entry.event_root = class_list_event_root(slice_make(no_events, sizeof no_events));
        batch_entry_sign(&entry, f->key, f->close.entry);
        assert_int_equal(fixture_send_close(f), begun == 0 ? CHECK_SEQUENCE : CHECK_FORK);
        f->close = good;
        assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
        fixture_destroy(f);
    }
}

static void nothing_follows_a_last_batch(void **state) {
    (void)state;
    for (int end = 0; end < 2; end++) {
        struct fixture *f = fixture_begin();
        fixture_whole_batch(f, 2);
        assert_true(
            (end ? stream_writer_end : stream_writer_rotate)(f->writer, &f->clock, NULL, &f->close, NULL));
        assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
        uint64_t batch_seq = stream_checker_batch_seq(f->checker), next = stream_checker_next_seq(f->checker);
        sign_what_comes_after(f);
        assert_int_equal(fixture_send_part(f), CHECK_ENDED);
        assert_int_equal(fixture_send_close(f), CHECK_ENDED);
        struct batch_events events = {batch_seq, next, 1, NULL, 0, SLICE("")};
        assert_int_equal(stream_checker_events(f->checker, &events, NULL), CHECK_ENDED);
        fixture_destroy(f);
    }
}

/* ---- events */

static enum check send(struct fixture *f, const struct batch_events *events) {
    uint64_t before = stream_checker_next_seq(f->checker);
    enum check check = stream_checker_events(f->checker, events, &f->fault);
    assert_true(check == CHECK_ACCEPTED || stream_checker_next_seq(f->checker) == before);
    return check;
}

static void runs_of_events_follow_each_other_without_gap_or_overlap(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    for (int i = 0; i < 5; i++)
        fixture_event(f, CLASS_ACCESS, "one of the first five");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    struct batch_events events = f->runs[0].events;
    assert_int_equal(send(f, &events), CHECK_REPEATED);
    events.first_event_seq = 3;
    assert_int_equal(send(f, &events), CHECK_SEQUENCE);
    events.first_event_seq = 6;
    assert_int_equal(send(f, &events), CHECK_SEQUENCE);
    events.first_event_seq = 5;
    assert_int_equal(send(f, &events), CHECK_KEY);
    events.key_count = 0;
    events.count = 4;
    assert_int_equal(send(f, &events), CHECK_MALFORMED);
    events.count = 6;
    assert_int_equal(send(f, &events), CHECK_MALFORMED);
    events.count = 5;
    assert_int_equal(send(f, &events), CHECK_ACCEPTED);
    events.batch_seq++;
    assert_int_equal(send(f, &events), CHECK_SEQUENCE);
    events.batch_seq -= 2;
    assert_int_equal(send(f, &events), CHECK_BELOW);
    fixture_destroy(f);
}

static void a_repeat_with_other_content_is_a_fork(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    fixture_event(f, CLASS_ACCESS, "a");
    fixture_event(f, CLASS_SIGNING, "b");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    fixture_event(f, CLASS_ACCESS, "c");
    fixture_event(f, CLASS_SIGNING, "d");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    for (size_t which = 0; which < 2; which++) {
        struct run *run = &f->runs[which];
        assert_int_equal(send(f, &run->events), CHECK_REPEATED);
        for (size_t i = 0; i < run->block.size; i++) {
            run->block.data[i] ^= 1;
            assert_false(check_good(send(f, &run->events)));
            run->block.data[i] ^= 1;
        }
        for (size_t i = 0; i < run->events.key_count; i++) {
            run->keys[i].key[0] ^= 1;
            assert_int_equal(send(f, &run->events), CHECK_FORK);
            run->keys[i].key[0] ^= 1;
        }
        struct batch_events shorter = run->events;
        shorter.count--;
        assert_int_equal(send(f, &shorter), CHECK_MALFORMED);
    }
    fixture_destroy(f);
}

static void a_class_needs_its_key_once_and_its_lane(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    CLEANUP_BUFFER struct buffer block = BUFFER(1024);
    assert_true(event_block_append(&block, f->clock.now_us, CLASS_ACCESS, SLICE("x")));
    struct class_key keys[3] = {{CLASS_ACCESS, {1}}, {CLASS_SIGNING, {2}}, {CLASS_ACCESS, {3}}};
    struct batch_events events = {1, 0, 1, keys, 0, buffer_slice(&block)};
    assert_int_equal(send(f, &events), CHECK_KEY);
    events.key_count = 2;
    assert_int_equal(send(f, &events), CHECK_KEY);
    events.key_count = 3;
    assert_int_equal(send(f, &events), CHECK_KEY);
    keys[0].class = 200;
    events.key_count = 1;
    assert_int_equal(send(f, &events), CHECK_KEY);
    keys[0].class = block.data[8] = CLASS_SYSTEM;
    assert_int_equal(send(f, &events), CHECK_CLASS);
    keys[0].class = CLASS_ACCESS;
    block.data[8] = 11;
    assert_int_equal(send(f, &events), CHECK_CLASS);
    block.data[8] = CLASS_ACCESS;
    assert_int_equal(send(f, &events), CHECK_ACCEPTED);
    fixture_destroy(f);
}

static void times_never_fall_within_a_batch(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    CLEANUP_BUFFER struct buffer block = BUFFER(1024);
    struct class_key key = {CLASS_ACCESS, {1}};
    assert_true(event_block_append(&block, f->clock.now_us, CLASS_ACCESS, SLICE("x")));
    struct batch_events events = {1, 0, 1, &key, 1, buffer_slice(&block)};
    assert_int_equal(send(f, &events), CHECK_ACCEPTED);
    bytes_put_u64(block.data, f->clock.now_us - 1);
    events.first_event_seq = 1;
    events.key_count = 0;
    assert_int_equal(send(f, &events), CHECK_TIME);
    fixture_destroy(f);
}

static void a_batch_never_holds_more_than_it_may(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    for (int i = 0; i < 4096; i++)
        fixture_event(f, CLASS_ACCESS, "x");
    assert_int_equal(fixture_send_events(f), CHECK_ACCEPTED);
    struct batch_events one = f->runs[0].events;
    one.first_event_seq = 4096;
    one.count = 1;
    one.key_count = 0;
    one.block = slice_head(one.block, one.block.size / 4096);
    assert_int_equal(send(f, &one), CHECK_LIMIT);
    one.count = UINT32_MAX;
    assert_int_equal(send(f, &one), CHECK_LIMIT);
    one.count = 0;
    assert_int_equal(send(f, &one), CHECK_LIMIT);
    fixture_destroy(f);
}

static void a_saved_state_comes_back_whole_or_not_at_all(void **state) {
    (void)state;
    struct fixture *f = after_a_part();
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_CHECKER_STATE_MOST);
    assert_true(stream_checker_save(f->checker, &saved));
    struct stream_checker *again = fixture_checker_again(f);
    assert_int_equal(stream_checker_next_seq(again), stream_checker_next_seq(f->checker));
    assert_int_equal(stream_checker_attested(again), stream_checker_attested(f->checker));
    stream_checker_destroy(again);
    for (size_t bit = 0; bit < 8 * saved.size; bit += 3) {
        saved.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_null(stream_checker_load(buffer_slice(&saved), &f->fault));
        saved.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < saved.size; size += 7)
        assert_null(stream_checker_load(slice_head(buffer_slice(&saved), size), &f->fault));
    fixture_destroy(f);
}

/* The checker of a log that gets the stream from its newest closed batch on. */
static struct stream_checker *begin_inside(struct fixture *f) {
    struct batch_entry entry;
    assert_true(batch_entry_read(slice_make(f->close.entry, sizeof f->close.entry), &entry, NULL));
    struct stream_checker *checker =
        stream_checker_create(LANE_SECURITY, &f->settings.stream_id, entry.epoch, signing_key_public(f->key));
    stream_checker_begin_at(checker, entry.batch_seq, entry.first_event_seq);
    return checker;
}

static void a_stream_may_begin_in_another_log_with_a_break(void **state) {
    (void)state;
    struct fixture *f = fixture_begin();
    struct fault fault = {0};
    fixture_whole_batch(f, 4);
    struct stream_checker *whole = f->checker;
    struct stream_checker *inside = begin_inside(f);
    enum check check = stream_checker_close(inside, slice_make(f->close.entry, sizeof f->close.entry),
                                            slice_make(f->close.class_list, f->close.class_list_size), &fault);
    assert_int_equal(check, CHECK_BOOT); /* no break */
    stream_checker_destroy(inside);
    fixture_pass(f, 1000000);
    fixture_restart_writer(f);
    assert_true(stream_writer_break(f->writer, &f->clock, &f->fault));
    fixture_close(f);
    assert_int_equal(fixture_send_close(f), CHECK_ACCEPTED);
    inside = begin_inside(f);
    uint64_t begin = stream_checker_batch_seq(inside);
    assert_true(begin >= 2);
    assert_int_equal(stream_checker_next_seq(inside), stream_checker_first_seq(inside));
    CLEANUP_BUFFER struct buffer saved = BUFFER(STREAM_CHECKER_STATE_MOST);
    assert_true(stream_checker_save(inside, &saved));
    stream_checker_destroy(inside);
    inside = stream_checker_load(buffer_slice(&saved), &fault);
    assert_non_null(inside);
    assert_int_equal(stream_checker_batch_seq(inside), begin);
    check = stream_checker_close(inside, slice_make(f->close.entry, sizeof f->close.entry),
                                 slice_make(f->close.class_list, f->close.class_list_size), &fault);
    assert_int_equal(check, CHECK_ACCEPTED);
    f->checker = inside; /* from there on it is a stream like any other, and both logs agree */
    fixture_whole_batch(f, 3);
    f->checker = whole;
    assert_int_equal(stream_checker_close(whole, slice_make(f->close.entry, sizeof f->close.entry),
                                          slice_make(f->close.class_list, f->close.class_list_size), &fault),
                     CHECK_OWED);
    assert_true(slice_equal(stream_checker_last_entry(whole), stream_checker_last_entry(inside)));
    stream_checker_destroy(inside);
    fixture_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_to_an_entry_has_its_reason),
        cmocka_unit_test(events_and_parts_lie_within_their_batch),
        cmocka_unit_test(a_break_opens_no_later_than_its_events),
        cmocka_unit_test(the_boot_clock_never_falls_within_a_boot),
        cmocka_unit_test(another_key_signs_nothing_here),
        cmocka_unit_test(a_first_batch_that_is_no_break_is_refused),
        cmocka_unit_test(a_class_list_that_was_not_signed_is_refused),
        cmocka_unit_test(a_signed_class_list_of_the_other_lane_is_refused),
        cmocka_unit_test(a_seen_checkpoint_never_falls),
        cmocka_unit_test(an_entry_without_its_events_is_owed),
        cmocka_unit_test(every_change_to_a_part_has_its_reason),
        cmocka_unit_test(a_part_over_fewer_events_than_came_is_held_against_the_prefix),
        cmocka_unit_test(an_entry_that_does_not_cover_a_part_is_a_fork),
        cmocka_unit_test(a_successor_of_an_orphan_is_refused_and_changes_nothing),
        cmocka_unit_test(nothing_follows_a_last_batch),
        cmocka_unit_test(runs_of_events_follow_each_other_without_gap_or_overlap),
        cmocka_unit_test(a_repeat_with_other_content_is_a_fork),
        cmocka_unit_test(a_class_needs_its_key_once_and_its_lane),
        cmocka_unit_test(times_never_fall_within_a_batch),
        cmocka_unit_test(a_batch_never_holds_more_than_it_may),
        cmocka_unit_test(a_saved_state_comes_back_whole_or_not_at_all),
        cmocka_unit_test(a_stream_may_begin_in_another_log_with_a_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
