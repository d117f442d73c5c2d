/* What an entry, a part or a class list alone can show of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batch_entry.h"
#include "class_list.h"
#include "evidence_check.h"
#include "part.h"

static struct signing_key *key;

static int make_key(void **state) {
    (void)state;
    uint8_t seed[ED25519_SEED_SIZE] = {3};
    key = signing_key_create(seed);
    return 0;
}

static int drop_key(void **state) {
    (void)state;
    key = signing_key_destroy(key);
    return 0;
}

static struct batch_entry good_entry(void) {
    return (struct batch_entry){.kind = BATCH_DATA,
                                .batch_seq = 3,
                                .event_count = 2,
                                .open_us = 5,
                                .close_us = 9,
                                .prev = {{1}},
                                .seen = seen_none()};
}

static bool entry_taken(const struct batch_entry *entry) {
    uint8_t bytes[BATCH_ENTRY_SIZE];
    struct batch_entry back;
    struct fault fault = {0};
    batch_entry_sign(entry, key, bytes);
    bool taken = batch_entry_read(slice_make(bytes, sizeof bytes), &back, &fault);
    assert_int_equal(fault.code, taken ? FAULT_NONE : FAULT_FORMAT);
    return taken;
}

static void an_entry_is_consistent_in_itself(void **state) {
    (void)state;
    struct batch_entry entry = good_entry();
    assert_true(entry_taken(&entry));
    entry.event_count = 0;
    assert_false(entry_taken(&entry));
    entry.kind = BATCH_HEARTBEAT;
    assert_true(entry_taken(&entry));
    entry.event_count = 1;
    assert_false(entry_taken(&entry));
    entry = good_entry();
    entry.event_count = BATCH_EVENTS_MOST;
    assert_true(entry_taken(&entry));
    entry.event_count++;
    assert_false(entry_taken(&entry));
    entry = good_entry();
    entry.first_event_seq = UINT64_MAX;
    assert_false(entry_taken(&entry));
    entry = good_entry();
    entry.open_us = 10;
    assert_false(entry_taken(&entry));
    entry = good_entry();
    entry.batch_seq = 0;
    assert_false(entry_taken(&entry));
    entry.prev.bytes[0] = 0;
    assert_true(entry_taken(&entry));
    entry.batch_seq = 1;
    assert_false(entry_taken(&entry));
}

static void an_entry_has_seen_a_checkpoint_of_a_log_or_none(void **state) {
    (void)state;
    struct batch_entry entry = good_entry();
    entry.seen.size = 1;
    assert_false(entry_taken(&entry));
    entry.seen.key_id[2] = 1;
    assert_true(entry_taken(&entry));
    entry.seen.size = 0;
    assert_true(entry_taken(&entry));
    entry.seen.root.bytes[0] ^= 1;
    assert_false(entry_taken(&entry));
}

static void every_bit_of_a_signed_message_matters(void **state) {
    (void)state;
    uint8_t bytes[BATCH_ENTRY_SIZE];
    struct batch_entry entry = good_entry(), back;
    batch_entry_sign(&entry, key, bytes);
    struct slice all = slice_make(bytes, sizeof bytes);
    assert_true(batch_entry_signed_by(all, signing_key_public(key)));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit += 3) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(batch_entry_read(all, &back, NULL) &&
                     batch_entry_signed_by(all, signing_key_public(key)));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_false(batch_entry_read(slice_head(all, sizeof bytes - 1), &back, NULL));
    assert_false(batch_entry_read(SLICE(""), &back, NULL));
}

static bool part_taken(uint8_t bytes[PART_SIZE]) {
    struct part part;
    return part_read(slice_make(bytes, PART_SIZE), &part, NULL);
}

static void a_part_is_consistent_in_itself(void **state) {
    (void)state;
    uint8_t bytes[PART_SIZE];
    struct part part = {
        .batch_seq = 1, .prev = {{1}}, .event_count = BATCH_EVENTS_MOST, .open_us = 4, .time_us = 4};
    part_sign(&part, key, bytes);
    assert_true(part_taken(bytes));
    bytes[79] = 1;
    assert_false(part_taken(bytes));
    bytes[79] = 0;
    bytes[15] = 1;
    assert_false(part_taken(bytes));
    part.event_count++;
    part_sign(&part, key, bytes);
    assert_false(part_taken(bytes));
    part.event_count = 1;
    part.batch_seq = 0;
    part_sign(&part, key, bytes);
    assert_false(part_taken(bytes));
    part.prev.bytes[0] = 0;
    part_sign(&part, key, bytes);
    assert_true(part_taken(bytes));
    struct part back;
    assert_false(part_read(slice_make(bytes, PART_SIZE - 1), &back, NULL));
}

static bool list_taken(const struct class_list *list) {
    uint8_t bytes[CLASS_LIST_MOST];
    struct class_list back;
    return class_list_read(slice_make(bytes, class_list_write(list, bytes)), &back, NULL);
}

static void a_class_list_ascends_and_names_what_there_is(void **state) {
    (void)state;
    struct class_list list = {2, {{CLASS_SYSTEM, 1, {{0}}}, {CLASS_ACCESS, 2, {{0}}}}};
    assert_true(list_taken(&list));
    list.items[1].class = CLASS_SYSTEM;
    assert_false(list_taken(&list));
    list.items[1].class = CLASS_NETWORK;
    assert_false(list_taken(&list));
    list.items[1].class = CLASSES;
    assert_false(list_taken(&list));
    list.items[1] = (struct class_list_item){CLASS_ACCESS, 0, {{0}}};
    assert_false(list_taken(&list));
    list.items[1].count = UINT32_MAX;
    assert_true(list_taken(&list));
    assert_int_equal(class_list_events(&list), (uint64_t)UINT32_MAX + 1);
    uint8_t bytes[CLASS_LIST_MOST];
    size_t size = class_list_write(&list, bytes);
    for (size_t cut = 0; cut < size; cut++)
        assert_false(class_list_read(slice_make(bytes, cut), &list, NULL));
    bytes[size] = 0;
    assert_false(class_list_read(slice_make(bytes, size + 1), &list, NULL));
    bytes[0] = 255;
    assert_false(class_list_read(slice_make(bytes, size), &list, NULL));
}

static void every_answer_of_a_check_has_a_word(void **state) {
    (void)state;
    for (int check = 0; check < CHECKS; check++)
        assert_non_null(check_word((enum check)check));
    for (int kind = 0; kind < BATCH_KINDS; kind++)
        assert_non_null(batch_kind_name((enum batch_kind)kind));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_consistent_in_itself),
        cmocka_unit_test(an_entry_has_seen_a_checkpoint_of_a_log_or_none),
        cmocka_unit_test(every_bit_of_a_signed_message_matters),
        cmocka_unit_test(a_part_is_consistent_in_itself),
        cmocka_unit_test(a_class_list_ascends_and_names_what_there_is),
        cmocka_unit_test(every_answer_of_a_check_has_a_word),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
