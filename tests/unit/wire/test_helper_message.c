#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "helper_message.h"
#include "memory.h"

static const struct helper_message messages[] = {
    {.kind = HELPER_BEGIN,
     .version = 7,
     .name = {(const uint8_t *)"probe", 5},
     .user = {(const uint8_t *)"u", 1}},
    {.kind = HELPER_SETTING, .bytes = {(const uint8_t *)"\0a", 2}},
    {.kind = HELPER_SETTING},
    {.kind = HELPER_POSITIONS, .bytes = {(const uint8_t *)"xyz", 3}},
    {.kind = HELPER_START},
    {.kind = HELPER_PING, .number = UINT64_MAX - 1},
    {.kind = HELPER_FINISH},
    {.kind = HELPER_GROUP, .last = true, .bytes = {(const uint8_t *)"xyz", 3}},
    {.kind = HELPER_GROUP, .last = false},
    {.kind = HELPER_PONG, .number = 3},
    {.kind = HELPER_FINISHED},
    {.kind = HELPER_RESTING, .bytes = {(const uint8_t *)"what", 4}},
    {.kind = HELPER_REFUSED, .bytes = {(const uint8_t *)"why", 3}},
};
#define MESSAGES (sizeof messages / sizeof *messages)

static enum helper_side side_of(const struct helper_message *message) {
    return message->kind < HELPER_GROUP ? HELPER_AGENT : HELPER_PROGRAM;
}

static void messages_come_out_as_they_went_in(void **state) {
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(HELPER_MESSAGE_MOST);
        struct helper_message got;
        assert_true(helper_message_write(&bytes, &messages[i]));
        assert_true(helper_message_read(buffer_slice(&bytes), side_of(&messages[i]), &got, NULL));
        assert_int_equal(got.kind, messages[i].kind);
        assert_int_equal(got.version, messages[i].version);
        assert_int_equal(got.number, messages[i].number);
        assert_int_equal(got.last, messages[i].last);
        assert_true(slice_equal(got.name, messages[i].name) && slice_equal(got.user, messages[i].user));
        assert_true(slice_equal(got.bytes, messages[i].bytes));
    }
}

static void a_message_from_the_wrong_side_cut_or_too_long_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(HELPER_MESSAGE_MOST);
        enum helper_side from = side_of(&messages[i]),
                         other = from == HELPER_AGENT ? HELPER_PROGRAM : HELPER_AGENT;
        struct helper_message got;
        struct fault fault = {0};
        assert_true(helper_message_write(&bytes, &messages[i]));
        assert_false(helper_message_read(buffer_slice(&bytes), other, &got, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
        bool open_ended =
            messages[i].bytes.size || messages[i].kind == HELPER_GROUP || messages[i].kind == HELPER_SETTING;
        if (bytes.size > 1 && !open_ended)
            assert_false(helper_message_read(slice_make(bytes.data, bytes.size - 1), from, &got, &fault));
        bytes_write_u8(&bytes, 0);
        assert_int_equal(helper_message_read(buffer_slice(&bytes), from, &got, &fault), open_ended);
    }
    CLEANUP_FREE uint8_t *long_one = memory_new(HELPER_MESSAGE_MOST + 1);
    struct helper_message got;
    struct fault fault = {0};
    long_one[0] = HELPER_SETTING;
    assert_true(helper_message_read(slice_make(long_one, HELPER_MESSAGE_MOST), HELPER_AGENT, &got, NULL));
    assert_false(
        helper_message_read(slice_make(long_one, HELPER_MESSAGE_MOST + 1), HELPER_AGENT, &got, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_false(helper_message_read(SLICE(""), HELPER_AGENT, &got, &fault));
    assert_string_equal(fault.text, "an empty message");
    long_one[0] = HELPER_REFUSED;
    assert_false(
        helper_message_read(slice_make(long_one, HELPER_REASON_MOST + 2), HELPER_PROGRAM, &got, &fault));
    assert_false(helper_message_read(SLICE("\x10\2"), HELPER_PROGRAM, &got, &fault)); /* `last` is 0 or 1 */
}

static void what_is_too_long_is_not_written(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer to = BUFFER(4 * HELPER_MESSAGE_MOST);
    CLEANUP_FREE uint8_t *bytes = memory_new(HELPER_MESSAGE_MOST);
    const struct slice all = slice_make(bytes, HELPER_MESSAGE_MOST);
    const struct helper_message long_ones[] = {
        {.kind = HELPER_SETTING, .bytes = all},
        {.kind = HELPER_GROUP, .bytes = slice_head(all, HELPER_MESSAGE_MOST - 1)},
        {.kind = HELPER_REFUSED, .bytes = slice_head(all, HELPER_REASON_MOST + 1)},
        {.kind = HELPER_BEGIN, .name = slice_head(all, HELPER_NAME_MOST + 1)},
        {.kind = HELPER_BEGIN, .user = slice_head(all, HELPER_NAME_MOST + 1)},
        {.kind = (enum helper_message_kind)99},
    };
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        buffer_clear(&to);
        assert_false(helper_message_write(&to, &long_ones[i]));
        assert_int_equal(to.size, 0);
        assert_true(to.overflow);
    }
}

/* --- groups --- */

static void add_event(struct buffer *to, const struct event_body *body) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(EVENT_BODY_MOST);
    assert_true(event_body_write(&bytes, body));
    const struct helper_item item = {
        .kind = HELPER_ITEM_EVENT, .class = CLASS_SYSTEM, .body = buffer_slice(&bytes)};
    size_t before = to->size;
    assert_true(helper_item_write(to, &item));
    assert_int_equal(to->size - before, helper_item_size(&item));
}

static void add_position(struct buffer *to, const char *key, size_t value_size) {
    CLEANUP_FREE uint8_t *value = memory_new(value_size + 1);
    const struct helper_item item = {
        .kind = HELPER_ITEM_POSITION, .key = slice_string(key), .value = slice_make(value, value_size)};
    size_t before = to->size;
    assert_true(helper_item_write(to, &item));
    assert_int_equal(to->size - before, helper_item_size(&item));
}

static const struct event_body line = {.source = {(const uint8_t *)"probe:www", 9},
                                       .raw = {(const uint8_t *)"good", 4}};

static bool check(const struct buffer *group, struct helper_group *ret_group, struct fault *fault) {
    struct event_field fields[EVENT_FIELDS_MOST];
    return helper_group_check(buffer_slice(group), SLICE("probe"), fields, ret_group, fault);
}

static void a_group_is_counted_as_the_spool_counts_it(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer group = BUFFER(HELPER_GROUP_MOST);
    struct helper_group size;
    CLEANUP_BUFFER struct buffer body = BUFFER(EVENT_BODY_MOST);
    assert_true(event_body_write(&body, &line));
    assert_true(check(&group, &size, NULL)); /* nothing is a group, too */
    assert_int_equal(size.events, 0);
    add_event(&group, &line);
    add_position(&group, "probe:www", 56);
    add_position(&group, "probe", 0);
    add_event(&group, &line);
    assert_true(check(&group, &size, NULL));
    assert_int_equal(size.events, 2);
    assert_int_equal(size.text, 2 * (EVENT_BLOCK_HEAD + body.size));
    struct slice rest = buffer_slice(&group);
    struct helper_item item;
    struct fault fault = {0};
    unsigned items = 0;
    while (helper_item_next(&rest, &item, &fault))
        items++;
    assert_int_equal(items, 4);
    assert_int_equal(fault.code, FAULT_NONE);
}

static void what_no_such_source_may_give_is_refused(void **state) {
    (void)state;
    static const struct event_body others[] = {
        {.source = {(const uint8_t *)"journal", 7}},
        {.source = {(const uint8_t *)"prober", 6}},
        {.source = {(const uint8_t *)"prob", 4}},
        {0},
        {.kind = EVENT_ALERT, .source = {(const uint8_t *)"probe", 5}},
        {.kind = EVENT_DECISION, .source = {(const uint8_t *)"probe", 5}},
    };
    struct helper_group size;
    struct fault fault = {0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CLEANUP_BUFFER struct buffer group = BUFFER(HELPER_GROUP_MOST);
        add_event(&group, &line);
        add_event(&group, &others[i]);
        assert_false(check(&group, &size, &fault));
    }
    CLEANUP_BUFFER struct buffer group = BUFFER(HELPER_GROUP_MOST);
    add_position(&group, "prober:x", 1);
    assert_false(check(&group, &size, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    /* Fields in another order than they are written in: the same event, with two spellings. */
    static const uint8_t unordered[] = {0x1a, 1, 'x', 0x12, 5, 'p', 'r', 'o', 'b', 'e'};
    buffer_clear(&group);
    helper_item_write(&group, &(struct helper_item){.kind = HELPER_ITEM_EVENT,
                                                    .body = slice_make(unordered, sizeof unordered)});
    assert_false(check(&group, &size, &fault));
    assert_string_equal(fault.text, "an event's body that is not written as it must be");
}

static void items_past_a_limit_or_cut_are_refused(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer whole = BUFFER(HELPER_GROUP_MOST);
    struct helper_group size;
    struct fault fault = {0};
    add_event(&whole, &line);
    add_position(&whole, "probe:www", 5);
    for (size_t cut = 1; cut < whole.size; cut++) {
        CLEANUP_BUFFER struct buffer part = BUFFER(HELPER_GROUP_MOST);
        buffer_append(&part, whole.data, cut);
        /* Cut between its items it is a group all the same: that it ends there is what the message says. */
        struct slice first = buffer_slice(&whole);
        struct helper_item item;
        assert_true(helper_item_next(&first, &item, NULL));
        assert_int_equal(check(&part, &size, &fault), cut == whole.size - first.size);
    }
    static const struct {
        uint8_t bytes[16];
        size_t size;
    } bad[] = {
        {{0}, 1},
        {{3, 0, 0, 0, 0}, 5},
        {{1, 99, 0, 0, 0, 0}, 6},            /* no such class */
        {{1, 2, 0xff, 0xff, 0xff, 0xff}, 6}, /* longer than there is */
        {{2, 0, 0, 0, 0, 0, 0, 0, 0}, 9},    /* a position without a key */
        {{2, 0, 0, 4, 1, 'p'}, 6},           /* a key that is too long */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice rest = slice_make(bad[i].bytes, bad[i].size);
        struct helper_item item;
        fault = (struct fault){0};
        assert_false(helper_item_next(&rest, &item, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    buffer_clear(&whole);
    add_position(&whole, "probe:www", HELPER_VALUE_MOST);
    assert_true(check(&whole, &size, NULL));
    add_position(&whole, "probe:www", HELPER_VALUE_MOST + 1);
    assert_false(check(&whole, &size, &fault));
}

static void a_group_that_no_record_holds_is_refused(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer group = BUFFER(HELPER_GROUP_MOST + 1);
    struct helper_group size;
    struct fault fault = {0};
    for (unsigned i = 0; i < HELPER_EVENTS_MOST; i++)
        add_event(&group, &line);
    assert_true(check(&group, &size, NULL));
    add_event(&group, &line);
    assert_false(check(&group, &size, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    buffer_clear(&group);
    static uint8_t text[HELPER_TEXT_MOST / 4];
    struct event_body large = line;
    large.raw = slice_make(text, sizeof text - 256);
    for (unsigned i = 0; i < 4; i++)
        add_event(&group, &large);
    assert_true(check(&group, &size, NULL));
    add_event(&group, &large);
    assert_false(check(&group, &size, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_as_they_went_in),
        cmocka_unit_test(a_message_from_the_wrong_side_cut_or_too_long_is_refused),
        cmocka_unit_test(what_is_too_long_is_not_written),
        cmocka_unit_test(a_group_is_counted_as_the_spool_counts_it),
        cmocka_unit_test(what_no_such_source_may_give_is_refused),
        cmocka_unit_test(items_past_a_limit_or_cut_are_refused),
        cmocka_unit_test(a_group_that_no_record_holds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
