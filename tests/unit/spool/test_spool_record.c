/* core/spool: records, segments, positions, the folded state. */
#include "spool_segment.h"
#include "spool_state.h"

#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct spool_segment_id id = {.number = 7, .nonce = 0x1122334455667788};

static void add_item(struct buffer *to, const char *key, const char *value) {
    assert_true(spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_POSITION,
                                                          .more = slice_string(key),
                                                          .bytes = slice_string(value)}));
}

/* A segment of `count` records; where each begins is in `offsets`. */
static struct buffer make_segment(unsigned count, size_t offsets[]) {
    struct buffer bytes = BUFFER(1024 * 1024);
    for (unsigned i = 0; i < count; i++) {
        char value[32];
        size_t start = bytes.size;
        offsets[i] = start;
        assert_true(spool_record_begin(&bytes));
        if (i == 0)
            spool_item_write(&bytes, &(struct spool_item){.kind = SPOOL_ITEM_SEGMENT, .id = id});
        snprintf(value, sizeof value, "%u%.*s", i, (int)(i % 20), "....................");
        add_item(&bytes, "key", value);
        assert_true(spool_record_end(&bytes, start, bytes.size - start - SPOOL_HEAD, id, start));
    }
    return bytes;
}

struct seen {
    unsigned records, damages;
    uint64_t offsets[64];
    uint64_t damage_at[64], damage_size[64];
};

static void see_record(void *context, uint64_t offset, size_t size, struct slice items) {
    struct seen *seen = context;
    assert_true(size >= SPOOL_HEAD && items.size <= size);
    seen->offsets[seen->records++] = offset;
}

static void see_damage(void *context, uint64_t offset, size_t size) {
    struct seen *seen = context;
    seen->damage_at[seen->damages] = offset;
    seen->damage_size[seen->damages++] = size;
}

static struct spool_segment_result read_all(struct slice bytes, struct seen *seen) {
    *seen = (struct seen){0};
    const struct spool_segment_reader reader = {seen, see_record, see_damage};
    struct spool_segment_result result;
    spool_segment_read(bytes, id, &reader, &result);
    return result;
}

static void every_kind_of_item_comes_back_as_it_was_written(void **state) {
    (void)state;
    uint8_t part[SPOOL_PART_SIZE] = {0}, entry[SPOOL_ENTRY_SIZE] = {0};
    part[63] = 5, part[71] = 6, part[75] = 7;
    entry[63] = 8, entry[71] = 9, entry[75] = 10;
    const struct spool_item items[] = {
        {.kind = SPOOL_ITEM_SEGMENT,
         .id = id,
         .previous = 6,
         .previous_end = 800,
         .rewritten = true,
         .oldest = 3},
        {.kind = SPOOL_ITEM_EVENTS,
         .lane = 1,
         .batch_seq = UINT64_MAX,
         .first_event_seq = 77,
         .count = 4096,
         .classes = 0x14,
         .bytes = SLICE("a message")},
        {.kind = SPOOL_ITEM_STATE, .lane = 1, .bytes = SLICE("state")},
        {.kind = SPOOL_ITEM_POSITION, .more = SLICE("file:/var/log/x"), .bytes = SLICE("\0\1\2")},
        {.kind = SPOOL_ITEM_POSITION, .more = SLICE("file:/var/log/x")},
        {.kind = SPOOL_ITEM_PART,
         .bytes = slice_make(part, sizeof part),
         .batch_seq = 5,
         .first_event_seq = 6,
         .count = 7},
        {.kind = SPOOL_ITEM_CLOSE,
         .lane = 1,
         .bytes = slice_make(entry, sizeof entry),
         .more = SLICE("\0"),
         .batch_seq = 8,
         .first_event_seq = 9,
         .count = 10},
        {.kind = SPOOL_ITEM_MARK, .collector = 3, .lane = 1, .marks = {1, 2, UINT64_MAX, 4}},
        {.kind = SPOOL_ITEM_VOID, .lane = 1, .batch_seq = 3, .first_event_seq = 4, .count = 5},
        {.kind = SPOOL_ITEM_OLDEST, .oldest = 99},
        {.kind = SPOOL_ITEM_SEEN, .collector = 2, .bytes = SLICE("a note")},
        {.kind = SPOOL_ITEM_LEFT, .collector = 1},
    };
    size_t count = sizeof items / sizeof *items;
    struct buffer bytes = BUFFER(64 * 1024);
    spool_record_begin(&bytes);
    for (size_t i = 0; i < count; i++)
        assert_true(spool_item_write(&bytes, &items[i]));
    assert_true(spool_record_end(&bytes, 0, bytes.size - SPOOL_HEAD, id, 4096));
    struct slice rest;
    size_t size;
    assert_int_equal(spool_record_read(buffer_slice(&bytes), id, 4096, &rest, &size), SPOOL_RECORD_GOOD);
    assert_int_equal(size, bytes.size);
    for (size_t i = 0; i < count; i++) {
        struct spool_item item;
        assert_true(spool_item_next(&rest, &item, NULL));
        assert_int_equal(item.kind, items[i].kind);
        assert_int_equal(item.lane, items[i].lane);
        assert_true(slice_equal(item.bytes, items[i].bytes) && slice_equal(item.more, items[i].more));
        assert_true(item.batch_seq == items[i].batch_seq && item.first_event_seq == items[i].first_event_seq);
        assert_true(item.count == items[i].count && item.classes == items[i].classes);
        assert_int_equal(item.collector, items[i].collector);
        assert_memory_equal(&item.marks, &items[i].marks, sizeof item.marks);
        assert_int_equal(item.oldest, items[i].oldest);
        assert_true(item.id.number == items[i].id.number && item.id.nonce == items[i].id.nonce);
        assert_true(item.previous == items[i].previous && item.previous_end == items[i].previous_end);
        assert_int_equal(item.rewritten, items[i].rewritten);
    }
    struct spool_item item;
    assert_false(spool_item_next(&rest, &item, NULL));
    assert_int_equal(rest.size, 0);
    buffer_free(&bytes);
}

static void a_record_counts_only_in_its_own_segment_and_place(void **state) {
    (void)state;
    size_t offsets[3], size;
    struct buffer bytes = make_segment(3, offsets);
    struct slice items, second = slice_from(buffer_slice(&bytes), offsets[1]);
    assert_int_equal(spool_record_read(second, id, offsets[1], &items, &size), SPOOL_RECORD_GOOD);
    assert_int_equal(spool_record_read(second, id, offsets[2], &items, &size), SPOOL_RECORD_BAD);
    struct spool_segment_id other = {.number = 8, .nonce = id.nonce},
                            forged = {.number = 7, .nonce = id.nonce + 1};
    assert_int_equal(spool_record_read(second, other, offsets[1], &items, &size), SPOOL_RECORD_BAD);
    assert_int_equal(spool_record_read(second, forged, offsets[1], &items, &size), SPOOL_RECORD_BAD);
    buffer_free(&bytes);
}

static void a_sealed_record_can_be_sealed_again_for_another_place(void **state) {
    (void)state;
    size_t offsets[1], size;
    struct buffer bytes = make_segment(1, offsets);
    struct spool_segment_id next = {.number = 8, .nonce = 1};
    struct slice items;
    assert_int_equal(spool_record_read(buffer_slice(&bytes), id, 0, &items, &size), SPOOL_RECORD_GOOD);
    assert_true(spool_record_end(&bytes, 0, items.size, next, 800));
    assert_int_equal(spool_record_read(buffer_slice(&bytes), next, 800, &items, &size), SPOOL_RECORD_GOOD);
    assert_int_equal(spool_record_read(buffer_slice(&bytes), id, 0, &items, &size), SPOOL_RECORD_BAD);
    buffer_free(&bytes);
}

static void wherever_a_segment_is_cut_the_whole_records_before_count_and_the_rest_is_torn(void **state) {
    (void)state;
    size_t offsets[12];
    struct buffer bytes = make_segment(12, offsets);
    for (size_t cut = 0; cut <= bytes.size; cut++) {
        struct seen seen;
        unsigned whole = 0;
        while (whole < 12 && (whole == 11 ? bytes.size : offsets[whole + 1]) <= cut)
            whole++;
        uint8_t *exact = memory_copy(bytes.data, cut);
        struct spool_segment_result result = read_all(slice_make(exact, cut), &seen);
        free(exact);
        uint64_t end = whole == 12 ? bytes.size : offsets[whole];
        assert_true(result.records == whole && seen.damages == 0 && result.end == end &&
                    result.torn == cut - end);
        assert_int_equal(result.headed, whole > 0);
    }
    buffer_free(&bytes);
}

static void whatever_bit_is_flipped_costs_one_record_and_is_named(void **state) {
    (void)state;
    enum { COUNT = 8 };
    size_t offsets[COUNT + 1];
    struct buffer bytes = make_segment(COUNT, offsets);
    offsets[COUNT] = bytes.size;
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        struct seen seen;
        unsigned hit = 0;
        while (offsets[hit + 1] <= bit / 8)
            hit++;
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct spool_segment_result result = read_all(buffer_slice(&bytes), &seen);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(result.records, COUNT - 1);
        if (hit == COUNT - 1) { /* like an interrupted write */
            assert_true(seen.damages == 0 && result.torn == offsets[COUNT] - offsets[COUNT - 1]);
            continue;
        }
        assert_true(seen.damages == 1 && result.damaged == 1 && result.torn == 0);
        assert_true(seen.damage_at[0] == offsets[hit] &&
                    seen.damage_size[0] == offsets[hit + 1] - offsets[hit]);
        assert_int_equal(result.headed, hit != 0);
    }
    buffer_free(&bytes);
}

static void bytes_that_were_cut_out_or_put_in_are_passed_over(void **state) {
    (void)state;
    size_t offsets[8];
    struct buffer bytes = make_segment(8, offsets);
    struct seen seen;
    /* Everything behind a cut stands at another offset and does not count. */
    struct buffer shorter = BUFFER(1024 * 1024);
    buffer_append(&shorter, bytes.data, offsets[3]);
    buffer_append(&shorter, bytes.data + offsets[4], bytes.size - offsets[4]);
    struct spool_segment_result result = read_all(buffer_slice(&shorter), &seen);
    assert_true(result.records == 3 && result.torn == shorter.size - offsets[3]);
    /* A hole of zeros inside. */
    memset(bytes.data + offsets[2], 0, offsets[5] - offsets[2]);
    result = read_all(buffer_slice(&bytes), &seen);
    assert_true(result.records == 5 && seen.damages == 1 && seen.damage_size[0] == offsets[5] - offsets[2]);
    buffer_free(&shorter);
    buffer_free(&bytes);
}

/* What a person writes into a log may be a whole record; behind damage it must not be found. */
static void a_record_inside_an_event_is_never_found_behind_damage(void **state) {
    (void)state;
    struct buffer bytes = BUFFER(64 * 1024);
    struct spool_segment_id guessed = {.number = id.number, .nonce = 0};
    size_t inner;
    spool_record_begin(&bytes);
    const struct spool_item item = {.kind = SPOOL_ITEM_EVENTS, .batch_seq = 1};
    size_t mark;
    spool_item_begin(&bytes, &item, &mark);
    while (bytes.size % SPOOL_ALIGNMENT)
        buffer_append(&bytes, "x", 1);
    inner = bytes.size;
    spool_record_begin(&bytes);
    add_item(&bytes, "file:/etc/shadow", "forged");
    spool_record_end(&bytes, inner, bytes.size - inner - SPOOL_HEAD, guessed, inner);
    spool_item_end(&bytes, mark);
    spool_record_end(&bytes, 0, bytes.size - SPOOL_HEAD, id, 0);
    struct seen seen;
    assert_int_equal(read_all(buffer_slice(&bytes), &seen).records, 1);
    bytes.data[SPOOL_HEAD] ^= 1;
    assert_int_equal(read_all(buffer_slice(&bytes), &seen).records, 0);
    buffer_free(&bytes);
}

static void malformed_items_are_refused_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\x04\0\0\0", 4},               /* ends in the head */
        {"\x04\0\0\0\x09zz", 7},         /* longer than there is */
        {"\x00\0\0\0\0", 5},             /* no such kind */
        {"\x0c\0\0\0\0", 5},             /* no such kind */
        {"\x03\0\0\0\x01\x02", 6},       /* no such lane */
        {"\x05\0\0\0\x02\0z", 7},        /* a part too short */
        {"\x09\0\0\0\x09zzzzzzzzz", 14}, /* a number with a byte too many */
        {"\x07\0\0\0\x22\0\x02zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 39}, /* marks in no such lane */
        {"\x07\0\0\0\x22\x04\0zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 39}, /* of no such collector */
        {"\x07\0\0\0\x21\0\0zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 38}, /* a byte too few */
        {"\x0b\0\0\0\x02\x01z", 7}, /* left, and something behind it */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice items = slice_make(bad[i].bytes, bad[i].size);
        struct spool_item item;
        struct fault fault = {0};
        assert_false(spool_item_next(&items, &item, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
        assert_int_equal(items.size, bad[i].size);
    }
}

static void a_record_larger_than_its_limit_is_refused(void **state) {
    (void)state;
    struct buffer bytes = BUFFER(64);
    spool_record_begin(&bytes);
    assert_false(
        spool_item_write(&bytes, &(struct spool_item){.kind = SPOOL_ITEM_STATE,
                                                      .bytes = SLICE("0123456789012345678901234567")}));
    assert_false(spool_record_end(&bytes, 0, bytes.size - SPOOL_HEAD, id, 0));
    buffer_free(&bytes);
}

static void count_position(void *context, struct slice key, struct slice value) {
    (void)key;
    (void)value;
    ++*(unsigned *)context;
}

static void positions_are_kept_replaced_and_forgotten(void **state) {
    (void)state;
    struct spool_positions positions = {0};
    unsigned live = 0;
    uint32_t newest[500] = {0};
    uint32_t random = 1;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        unsigned key_number = random >> 8 & 0xffff, size = random >> 24 & 31;
        key_number %= 500;
        char key[24], value[40] = {0};
        snprintf(key, sizeof key, "file:%u", key_number);
        memset(value, 'v', size);
        memcpy(value, &i, size < 4 ? size : 4);
        assert_true(spool_positions_set(&positions, slice_string(key), slice_make(value, size)));
        live = live + (size != 0) - (newest[key_number] != 0);
        newest[key_number] = size ? i << 5 | size : 0;
        struct slice got;
        assert_int_equal(spool_positions_get(&positions, slice_string(key), &got), size != 0);
        assert_true(size == 0 || slice_equal(got, slice_make(value, size)));
        assert_int_equal(positions.live, live);
    }
    size_t bytes = 0;
    for (unsigned i = 0; i < 500; i++) {
        char key[24];
        struct slice got;
        snprintf(key, sizeof key, "file:%u", i);
        assert_int_equal(spool_positions_get(&positions, slice_string(key), &got), newest[i] != 0);
        if (newest[i]) {
            assert_int_equal(got.size, newest[i] & 31);
            bytes += got.size + strlen(key);
        }
    }
    assert_int_equal(positions.bytes, bytes);
    unsigned count = 0;
    spool_positions_each(&positions, SLICE("file:"), count_position, &count);
    assert_int_equal(count, live);
    count = 0;
    spool_positions_each(&positions, SLICE("journal"), count_position, &count);
    assert_int_equal(count, 0);
    spool_positions_free(&positions);
}

static void positions_over_a_limit_are_refused_and_change_nothing(void **state) {
    (void)state;
    struct spool_positions positions = {0};
    uint8_t *large = memory_new(SPOOL_POSITION_MOST + 1);
    struct slice got;
    assert_true(spool_positions_set(&positions, SLICE("k"), SLICE("1")));
    assert_false(spool_positions_set(&positions, SLICE("k"), slice_make(large, SPOOL_POSITION_MOST + 1)));
    assert_false(spool_positions_set(&positions, slice_make(large, SPOOL_POSITION_MOST + 1), SLICE("1")));
    assert_false(spool_positions_set(&positions, SLICE(""), SLICE("1")));
    assert_true(spool_positions_get(&positions, SLICE("k"), &got) && slice_equal(got, SLICE("1")));
    unsigned taken = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        memcpy(large, &i, sizeof i);
        taken +=
            spool_positions_set(&positions, slice_make(large, 4), slice_make(large, SPOOL_POSITION_MOST));
    }
    assert_true(taken < 3000 && positions.bytes <= SPOOL_POSITIONS_BYTES);
    spool_positions_free(&positions);
    free(large);
}

static void a_state_written_and_taken_again_is_the_same(void **state) {
    (void)state;
    struct spool_state from = {.oldest = 5}, to = {0};
    const struct spool_item items[] = {
        {.kind = SPOOL_ITEM_STATE, .lane = 1, .bytes = SLICE("writer")},
        {.kind = SPOOL_ITEM_POSITION, .more = SLICE("journal"), .bytes = SLICE("cursor")},
        {.kind = SPOOL_ITEM_MARK, .lane = 1, .marks = {10, 9, 3, 2}},
        {.kind = SPOOL_ITEM_MARK, .collector = 2, .lane = 1, .marks = {99, 99, 99, 99}},
        {.kind = SPOOL_ITEM_MARK, .collector = 3, .lane = 1, .marks = {7, 7, 7, 7}},
        {.kind = SPOOL_ITEM_SEEN, .collector = 3, .bytes = SLICE("of one that is left")},
        {.kind = SPOOL_ITEM_LEFT, .collector = 3},
        {.kind = SPOOL_ITEM_VOID, .lane = 1, .batch_seq = 8, .first_event_seq = 80},
        {.kind = SPOOL_ITEM_VOID, .lane = 1, .batch_seq = 4, .first_event_seq = 40},
        {.kind = SPOOL_ITEM_VOID, .lane = 1, .batch_seq = 8, .first_event_seq = 85},
        {.kind = SPOOL_ITEM_SEEN, .bytes = SLICE("an older note")},
        {.kind = SPOOL_ITEM_SEEN, .bytes = SLICE("a note")},
        {.kind = SPOOL_ITEM_SEEN, .collector = 2, .bytes = SLICE("another log's")},
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        assert_true(spool_state_take(&from, &items[i]));
    struct buffer bytes = BUFFER(64 * 1024);
    const struct spool_item segment = {
        .kind = SPOOL_ITEM_SEGMENT, .id = id, .previous = 6, .previous_end = 800};
    assert_true(spool_state_write(&from, &segment, &bytes));
    struct slice rest = buffer_slice(&bytes), got;
    struct spool_item item;
    while (spool_item_next(&rest, &item, NULL))
        assert_true(spool_state_take(&to, &item));
    assert_int_equal(rest.size, 0);
    uint64_t first;
    assert_true(slice_equal(buffer_slice(&to.lanes[1].writer), SLICE("writer")) &&
                to.lanes[0].writer.size == 0);
    assert_true(spool_positions_get(&to.positions, SLICE("journal"), &got) &&
                slice_equal(got, SLICE("cursor")));
    assert_true(slice_equal(buffer_slice(&to.collectors[0].seen), SLICE("a note")));
    assert_true(slice_equal(buffer_slice(&to.collectors[2].seen), SLICE("another log's")));
    const struct spool_marks marks = to.collectors[0].lanes[1];
    assert_true(marks.stored == 10 && marks.attested == 9 && marks.closed == 3 && marks.proved == 2);
    assert_int_equal(to.collectors[2].lanes[1].proved, 99);
    assert_true(to.oldest == 5 && !to.collectors[1].known && !to.collectors[3].known &&
                to.collectors[3].seen.size == 0);
    assert_true(spool_state_void(&to, LANE_BULK, 8, &first) && first == 80);
    assert_true(spool_state_void(&to, LANE_BULK, 4, &first) && first == 40);
    assert_false(spool_state_void(&to, LANE_SECURITY, 4, &first) ||
                 spool_state_void(&to, LANE_BULK, 5, &first));
    spool_state_mark(&to, 0, LANE_BULK, (struct spool_marks){80, 80, 5, 2});
    spool_state_tidy(&to); /* the collector has it: that alone is not enough */
    assert_true(spool_state_void(&to, LANE_BULK, 4, &first));
    spool_state_mark(&to, 0, LANE_BULK, (struct spool_marks){80, 80, 5, 5});
    spool_state_tidy(&to);
    assert_false(spool_state_void(&to, LANE_BULK, 4, &first));
    assert_true(spool_state_void(&to, LANE_BULK, 8, &first));
    spool_state_free(&from);
    spool_state_free(&to);
    buffer_free(&bytes);
}

static void what_is_needed_no_more_is_what_every_collector_has(void **state) {
    (void)state;
    struct spool_state state_of = {0};
    assert_int_equal(spool_state_least(&state_of, LANE_BULK).proved, 0);
    spool_state_mark(&state_of, 3, LANE_BULK, (struct spool_marks){90, 80, 9, 8});
    assert_int_equal(spool_state_least(&state_of, LANE_BULK).proved, 8);
    assert_int_equal(spool_state_least(&state_of, LANE_SECURITY).proved, 0);
    spool_state_mark(&state_of, 1, LANE_BULK, (struct spool_marks){100, 70, 10, 2});
    struct spool_marks least = spool_state_least(&state_of, LANE_BULK);
    assert_true(least.stored == 90 && least.attested == 70 && least.closed == 9 && least.proved == 2);
    spool_state_left(&state_of, 1); /* nothing is kept for it */
    assert_int_equal(spool_state_least(&state_of, LANE_BULK).proved, 8);
    spool_state_left(&state_of, 3);
    assert_int_equal(spool_state_least(&state_of, LANE_BULK).stored, 0);
    spool_state_free(&state_of);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_item_comes_back_as_it_was_written),
        cmocka_unit_test(a_record_counts_only_in_its_own_segment_and_place),
        cmocka_unit_test(a_sealed_record_can_be_sealed_again_for_another_place),
        cmocka_unit_test(wherever_a_segment_is_cut_the_whole_records_before_count_and_the_rest_is_torn),
        cmocka_unit_test(whatever_bit_is_flipped_costs_one_record_and_is_named),
        cmocka_unit_test(bytes_that_were_cut_out_or_put_in_are_passed_over),
        cmocka_unit_test(a_record_inside_an_event_is_never_found_behind_damage),
        cmocka_unit_test(malformed_items_are_refused_with_a_reason),
        cmocka_unit_test(a_record_larger_than_its_limit_is_refused),
        cmocka_unit_test(positions_are_kept_replaced_and_forgotten),
        cmocka_unit_test(positions_over_a_limit_are_refused_and_change_nothing),
        cmocka_unit_test(a_state_written_and_taken_again_is_the_same),
        cmocka_unit_test(what_is_needed_no_more_is_what_every_collector_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
