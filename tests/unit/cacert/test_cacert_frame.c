/* Blocks of CAcert's signer, byte for byte, and whatever is no block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cacert_frame.h"

static const uint8_t request[] = {0, 0, 0x15, 0, 0, 9, 1, 0,    0,   0,   0,   0,   0,   0,   0,   0,  0,
                                  0, 0, 0,    0, 0, 0, 0, 0x1d, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'};
static const uint8_t response[] = {0, 0, 0x10, 0, 0, 4,    1,   0,   0,   0,   0,   0,   0,   0,
                                   0, 0, 0,    0, 0, 0x15, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'};

static struct slice bytes_of(const uint8_t *bytes, size_t size) {
    return slice_make(bytes, size);
}

static void the_probes_request_is_that_of_the_real_client(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer made = BUFFER(1000);
    assert_true(cacert_nul_write(&made));
    assert_int_equal(made.size, sizeof request);
    assert_memory_equal(made.data, request, sizeof request);
}

static void the_real_servers_response_is_read(void **state) {
    (void)state;
    struct cacert_block block;
    struct fault fault = {0};
    assert_true(cacert_block_read(bytes_of(response, sizeof response), &block, &fault));
    assert_int_equal(block.header.size, CACERT_RESPONSE_HEADER);
    for (size_t i = 0; i < CACERT_FIELDS; i++)
        assert_int_equal(block.fields[i].size, 0);
    assert_int_equal(
        cacert_response_read(bytes_of(response, sizeof response), CACERT_ACTION_NUL, &block, &fault),
        CACERT_SOUND);
    assert_int_equal(cacert_response_read(bytes_of(response, sizeof response), 1, &block, &fault),
                     CACERT_FLAW_RESPONSE);
    assert_non_null(strstr(fault.text, "action 0"));
}

static void fields_come_back_as_they_were_written(void **state) {
    (void)state;
    static uint8_t large[70000];
    memset(large, 0x5a, sizeof large);
    CLEANUP_BUFFER struct buffer made = BUFFER(CACERT_BLOCK_MOST);
    struct cacert_block block = {slice_string("header"),
                                 {slice_string("a"), slice_make(large, sizeof large), slice_string("")}};
    struct cacert_block back;
    struct fault fault = {0};
    assert_true(buffer_append_string(&made, "before"));
    assert_true(cacert_block_write(&made, &block));
    assert_true(cacert_block_read(slice_from(buffer_slice(&made), 6), &back, &fault));
    assert_true(slice_equal(back.header, block.header));
    for (size_t i = 0; i < CACERT_FIELDS; i++)
        assert_true(slice_equal(back.fields[i], block.fields[i]));
}

static void a_block_that_is_too_long_is_not_written(void **state) {
    (void)state;
    static uint8_t large[CACERT_BLOCK_MOST];
    CLEANUP_BUFFER struct buffer made = BUFFER(2 * CACERT_BLOCK_MOST);
    struct cacert_block block = {slice_string("h"), {slice_make(large, sizeof large)}};
    assert_false(cacert_block_write(&made, &block));
    CLEANUP_BUFFER struct buffer small = BUFFER(20);
    assert_false(cacert_nul_write(&small));
}

static void a_block_is_whole_with_its_last_byte(void **state) {
    (void)state;
    size_t size = 0;
    for (size_t cut = 0; cut < sizeof response; cut++) {
        struct cacert_block block;
        assert_int_equal(cacert_block_whole(bytes_of(response, cut), &size, NULL), CACERT_MORE);
        assert_false(cacert_block_read(bytes_of(response, cut), &block, NULL));
    }
    assert_int_equal(cacert_block_whole(bytes_of(response, sizeof response), &size, NULL), CACERT_WHOLE);
    assert_int_equal(size, sizeof response);
}

/* The XOR finds every flipped bit but those in the lengths, which are found by what they say. */
static void a_flipped_bit_is_found_wherever_it_is(void **state) {
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof response; bit++) {
        uint8_t flipped[sizeof response];
        struct cacert_block block;
        struct fault fault = {0};
        memcpy(flipped, response, sizeof response);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(cacert_block_read(bytes_of(flipped, sizeof flipped), &block, &fault));
        assert_int_not_equal(fault.text[0], 0);
    }
}

static void lengths_that_do_not_fit_together_are_refused(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[40];
        size_t size;
        const char *said;
    } bad[] = {
        {{0xff, 0xff, 0xff}, 3, "a block of"},
        {{0, 0, 11}, 3, "a block of"},
        {{0, 0, 13, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'},
         25,
         "header has 13"},
        {{0, 0, 13, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 13 ^ 2, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'},
         25,
         "ends before its third"},
        {{0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 13 ^ 7, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'},
         25,
         "stand behind"},
        {{0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 'r', 'i', 'e', '4', 'E', 'c', 'h', '8'},
         24,
         "last 8 bytes"},
        {{0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7', 0},
         25,
         "1 bytes follow"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cacert_block block;
        struct fault fault = {0};
        assert_false(cacert_block_read(bytes_of(bad[i].bytes, bad[i].size), &block, &fault));
        if (!strstr(fault.text, bad[i].said))
            fail_msg("%zu: %s", i, fault.text);
    }
}

static void what_is_wrong_with_a_response_has_a_name(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum cacert_flaw flaw;
    } bad[] = {{2, 0x0b, CACERT_FLAW_LENGTHS}, {2, 0x11, CACERT_FLAW_LENGTHS}, {27, '8', CACERT_FLAW_TRAILER},
               {19, 0x16, CACERT_FLAW_XOR},    {7, 9, CACERT_FLAW_XOR},        {20, 0, CACERT_FLAW_TRAILER}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t changed[sizeof response];
        struct cacert_block block;
        struct fault fault = {0};
        memcpy(changed, response, sizeof response);
        changed[bad[i].at] = bad[i].value;
        assert_int_equal(
            cacert_response_read(bytes_of(changed, sizeof changed), CACERT_ACTION_NUL, &block, &fault),
            bad[i].flaw);
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probes_request_is_that_of_the_real_client),
        cmocka_unit_test(the_real_servers_response_is_read),
        cmocka_unit_test(fields_come_back_as_they_were_written),
        cmocka_unit_test(a_block_that_is_too_long_is_not_written),
        cmocka_unit_test(a_block_is_whole_with_its_last_byte),
        cmocka_unit_test(a_flipped_bit_is_found_wherever_it_is),
        cmocka_unit_test(what_is_wrong_with_a_response_has_a_name),
        cmocka_unit_test(lengths_that_do_not_fit_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
