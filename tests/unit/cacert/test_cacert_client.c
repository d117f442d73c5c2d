/* Exchanges with CAcert's signer, as transcripts: what it sends and when, what is sent to it, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cacert_client.h"

#define SECOND UINT64_C(1000000)
#define ANSWER "00001000000401000000000000000000000000 15 7269653445636837"
#define OTHER_ACTION "00001000000401010000000000000000000000 14 7269653445636837"
#define WRONG_XOR "00001000000401000000000000000000000000 16 7269653445636837"
#define REQUEST "000015000009010000000000000000000000000000000000 1d 7269653445636837"

/* What the line sees: '>' is due from the client now, '<' comes from the signer, '+' so many seconds pass before the next
 * step, in which nothing is due unless a step says so. */
struct step {
    char way;
    const char *hex;
    double seconds;
};

static struct cacert_times times;
static struct cacert_client *client;
static uint64_t now_us;

static size_t unhex(const char *hex, uint8_t *to) {
    size_t size = 0;
    for (; *hex; hex += *hex == ' ' ? 1 : 2)
        if (*hex != ' ') {
            char digits[3] = {hex[0], hex[1], 0};
            to[size++] = (uint8_t)strtoul(digits, NULL, 16);
        }
    return size;
}

static void play(const struct step *steps) {
    CLEANUP_BUFFER struct buffer nul = BUFFER(100);
    assert_true(cacert_nul_write(&nul));
    now_us = 1000 * SECOND;
    times = cacert_times_default();
    client = cacert_client_create(buffer_slice(&nul), CACERT_ACTION_NUL, &times, now_us);
    for (const struct step *step = steps; step->way; step++) {
        uint8_t bytes[256];
        size_t size = step->hex ? unhex(step->hex, bytes) : 0;
        if (step->way == '<')
            cacert_client_take(client, slice_make(bytes, size), now_us);
        else if (step->way == '>')
            for (size_t at = 0; at < size;) {
                struct slice given = cacert_client_give(client);
                if (given.size == 0 || given.size > size - at ||
                    memcmp(given.data, bytes + at, given.size) != 0)
                    fail_msg("step %d: byte %zu of \"%s\" is due, and %zu bytes are given",
                             (int)(step - steps), at, step->hex, given.size);
                at += given.size;
                cacert_client_gave(client, given.size, now_us);
            }
        else {
            uint64_t end = now_us + (uint64_t)(step->seconds * 1e6);
            assert_int_equal(cacert_client_give(client).size, 0);
            for (uint64_t expiry; (expiry = cacert_client_expiry(client)) <= end;) {
                now_us = expiry > now_us ? expiry : now_us + 1;
                cacert_client_tick(client, now_us);
                if (cacert_client_give(client).size)
                    break;
            }
            now_us = cacert_client_give(client).size ? now_us : end;
        }
    }
}

static int finish(void **state) {
    (void)state;
    client = cacert_client_destroy(client);
    return 0;
}

static void expect(enum cacert_outcome outcome, bool done) {
    const struct cacert_result *result = cacert_client_result(client);
    if (result->outcome != outcome)
        fail_msg("%s: %s", cacert_outcome_name(result->outcome), result->fault.text);
    assert_int_equal(cacert_client_done(client), done);
    assert_int_equal(result->fault.code != FAULT_NONE, outcome != CACERT_GOOD && outcome != CACERT_RUNNING);
}

#define BEGIN                                                                                                \
    {'+', NULL, 1}, {                                                                                        \
        '>', "02", 0                                                                                         \
    }
#define ASKED                                                                                                \
    BEGIN, {'+', NULL, 0.1}, {'<', "10", 0}, {                                                               \
        '>', REQUEST, 0                                                                                      \
    }
#define TAKEN                                                                                                \
    ASKED, {'+', NULL, 0.2}, {                                                                               \
        '<', "10", 0                                                                                         \
    }
#define END                                                                                                  \
    { 0, NULL, 0 }

static void a_signer_that_is_well_answers_with_its_times(void **state) {
    (void)state;
    play((const struct step[]){TAKEN,
                               {'+', NULL, 1.0},
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'+', NULL, 1.0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    const struct cacert_result *result = cacert_client_result(client);
    assert_int_equal(result->handshake_us, 100000);
    assert_int_equal(result->confirm_us, 200000);
    assert_int_equal(result->work_us, SECOND);
    assert_int_equal(result->answer_us, SECOND);
    assert_int_equal(result->response.header.size, CACERT_RESPONSE_HEADER);
    assert_false(result->abandoned);
}

static void nothing_is_sent_before_the_line_was_quiet(void **state) {
    (void)state;
    play((const struct step[]){{'+', NULL, 0.9}, {'<', "00", 0}, {'+', NULL, 0.9}, END});
    expect(CACERT_RUNNING, false);
    assert_int_equal(cacert_client_give(client).size, 0);
}

static void a_line_that_is_never_quiet_is_not_the_signers(void **state) {
    (void)state;
    struct step noise[100] = {{0}};
    for (size_t i = 0; i < 60; i += 2) {
        noise[i] = (struct step){'<', "41", 0};
        noise[i + 1] = (struct step){'+', NULL, 0.9};
    }
    play(noise);
    expect(CACERT_ODD, true);
}

static void silence_is_told_after_20_s_and_the_exchange_still_finished(void **state) {
    (void)state;
    play((const struct step[]){BEGIN, {'+', NULL, 19.9}, END});
    expect(CACERT_RUNNING, false);
    finish(state);
    play((const struct step[]){BEGIN, {'+', NULL, 20.1}, END});
    expect(CACERT_SILENT, false);
    finish(state);
    /* It comes up again and reads the start that was left in its line: without a block it would die once more. */
    play((const struct step[]){BEGIN,
                               {'+', NULL, 60},
                               {'<', "10", 0},
                               {'>', REQUEST, 0},
                               {'<', "10", 0},
                               {'+', NULL, 1},
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_SILENT, true);
    assert_false(cacert_client_result(client)->abandoned);
}

static void an_exchange_that_never_ends_is_given_up_and_says_so(void **state) {
    (void)state;
    play((const struct step[]){BEGIN, {'+', NULL, 400}, END});
    expect(CACERT_SILENT, true);
    assert_true(cacert_client_result(client)->abandoned);
    finish(state);
    play((const struct step[]){TAKEN, {'+', NULL, 400}, END});
    expect(CACERT_HANGING, true);
    assert_true(cacert_client_result(client)->abandoned);
}

static void a_request_without_receipt_is_told_after_5_s(void **state) {
    (void)state;
    play((const struct step[]){ASKED, {'+', NULL, 4.9}, END});
    expect(CACERT_RUNNING, false);
    finish(state);
    play((const struct step[]){ASKED, {'+', NULL, 5.1}, END});
    expect(CACERT_UNCONFIRMED, false);
}

static void a_request_is_sent_again_when_asked_for_and_not_for_ever(void **state) {
    (void)state;
    play((const struct step[]){ASKED,
                               {'<', "11", 0},
                               {'>', REQUEST, 0},
                               {'<', "10", 0},
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    finish(state);
    play((const struct step[]){ASKED,
                               {'<', "11", 0},
                               {'>', REQUEST, 0},
                               {'<', "11", 0},
                               {'>', REQUEST, 0},
                               {'<', "11", 0},
                               {'>', REQUEST, 0},
                               {'<', "11", 0},
                               END});
    expect(CACERT_REFUSED, true);
}

static void one_that_hangs_on_a_request_is_told_after_120_s(void **state) {
    (void)state;
    play((const struct step[]){TAKEN, {'+', NULL, 119.9}, END});
    expect(CACERT_RUNNING, false);
    finish(state);
    play((const struct step[]){
        TAKEN, {'+', NULL, 121}, {'<', "02", 0}, {'>', "10", 0}, {'<', ANSWER, 0}, {'>', "10", 0}, END});
    expect(CACERT_HANGING, true);
    assert_false(cacert_client_result(client)->abandoned);
}

static void bytes_that_flow_are_life_however_slowly(void **state) {
    (void)state;
    play((const struct step[]){TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'+', NULL, 4.9},
                               {'<', "0000100000", 0},
                               {'+', NULL, 1.9},
                               {'<', "0401000000", 0},
                               {'+', NULL, 1.9},
                               {'<', "00000000", 0},
                               {'+', NULL, 1.9},
                               {'<', "0000000000 15", 0},
                               {'+', NULL, 1.9},
                               {'<', "7269653445636837", 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
}

static void an_answer_that_stops_is_asked_for_again(void **state) {
    (void)state;
    play((const struct step[]){TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', "000010", 0},
                               {'+', NULL, 2.1},
                               {'>', "11", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    finish(state);
    play((const struct step[]){TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               END});
    expect(CACERT_CUT, true);
    assert_true(cacert_client_result(client)->abandoned);
}

static void a_broken_answer_is_asked_for_three_times_and_then_taken_so_that_the_signer_lives(void **state) {
    (void)state;
    play((const struct step[]){TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', WRONG_XOR, 0},
                               {'>', "11", 0},
                               {'<', WRONG_XOR, 0},
                               {'>', "11", 0},
                               {'<', OTHER_ACTION, 0},
                               {'>', "11", 0},
                               {'<', OTHER_ACTION, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GARBLED, true);
    assert_non_null(strstr(cacert_client_result(client)->fault.text, "action 1"));
    assert_false(cacert_client_result(client)->abandoned);
    finish(state);
    /* What is no block at all is waited out, or its end would be taken for the next one's beginning. */
    play((const struct step[]){TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', "ffffff", 0},
                               {'+', NULL, 1},
                               {'<', ANSWER, 0},
                               {'+', NULL, 2.1},
                               {'>', "11", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
}

static void a_byte_that_does_not_belong_is_told_and_the_exchange_goes_on(void **state) {
    (void)state;
    play((const struct step[]){BEGIN, {'<', "41", 0}, END});
    expect(CACERT_ODD, false);
    assert_non_null(strstr(cacert_client_result(client)->fault.text, "41"));
    finish(state);
    play((const struct step[]){
        TAKEN, {'<', "10", 0}, {'<', "02", 0}, {'>', "10", 0}, {'<', ANSWER, 0}, {'>', "10", 0}, END});
    expect(CACERT_ODD, true);
}

static void a_stale_answer_is_taken_and_thrown_away_first(void **state) {
    (void)state;
    play((const struct step[]){{'<', "02", 0},
                               {'>', "10", 0},
                               {'<', OTHER_ACTION, 0},
                               {'>', "10", 0},
                               TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    assert_int_equal(cacert_client_result(client)->stale, 1);
    finish(state);
    play((const struct step[]){BEGIN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', OTHER_ACTION, 0},
                               {'>', "10", 0},
                               TAKEN,
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    assert_int_equal(cacert_client_result(client)->stale, 1);
}

static void an_answer_that_drips_is_told_and_still_taken(void **state) {
    (void)state;
    play((const struct step[]){TAKEN, {'<', "02", 0}, {'>', "10", 0}, {'<', "001000", 0}, END});
    for (unsigned i = 0; i < 32; i++) {
        expect(CACERT_RUNNING, false);
        now_us += 19 * SECOND / 10;
        cacert_client_take(client, SLICE("\0"), now_us);
    }
    expect(CACERT_CUT, false);
    assert_non_null(strstr(cacert_client_result(client)->fault.text, "drips"));
    assert_int_equal(cacert_client_result(client)->step, CACERT_AT_ANSWER);
    assert_true(cacert_client_result(client)->gap_us >= 19 * SECOND / 10);
    /* And it does not drip for ever. */
    for (unsigned i = 0; !cacert_client_done(client); i++) {
        assert_true(i < 200);
        now_us += SECOND;
        cacert_client_take(client, SLICE("\0"), now_us);
    }
    assert_true(cacert_client_result(client)->abandoned);
}

static void what_was_sent_again_is_counted_with_its_reason(void **state) {
    (void)state;
    play((const struct step[]){ASKED,
                               {'<', "11", 0},
                               {'>', REQUEST, 0},
                               {'<', "10", 0},
                               {'<', "02", 0},
                               {'>', "10", 0},
                               {'<', WRONG_XOR, 0},
                               {'>', "11", 0},
                               {'<', ANSWER, 0},
                               {'>', "10", 0},
                               END});
    expect(CACERT_GOOD, true);
    const struct cacert_result *result = cacert_client_result(client);
    assert_int_equal(result->resent, 1);
    assert_int_equal(result->asked, 1);
    assert_non_null(strstr(result->asked_why.text, "check byte"));
    assert_int_equal(result->flaw, CACERT_SOUND);
}

static void one_that_is_stopped_ends_what_it_began_and_begins_nothing(void **state) {
    (void)state;
    play((const struct step[]){{'+', NULL, 0.5}, END});
    cacert_client_stop(client, now_us);
    expect(CACERT_STOPPED, true);
    assert_int_equal(cacert_client_give(client).size, 0);
    finish(state);
    play((const struct step[]){TAKEN, END});
    cacert_client_stop(client, now_us);
    expect(CACERT_STOPPED, false);
    static const uint8_t start = 2;
    cacert_client_take(client, slice_make(&start, 1), now_us);
    assert_int_equal(cacert_client_give(client).size, 1);
    cacert_client_gave(client, 1, now_us);
    uint8_t answer[64];
    cacert_client_take(client, slice_make(answer, unhex(ANSWER, answer)), now_us);
    assert_int_equal(cacert_client_give(client).size, 1); /* its receipt */
    assert_false(cacert_client_done(client));
    cacert_client_gave(client, 1, now_us);
    expect(CACERT_STOPPED, true);
    assert_false(cacert_client_result(client)->abandoned);
    finish(state);
    /* While a stale answer is drained, nothing of its own is begun. */
    play((const struct step[]){{'<', "02", 0}, {'>', "10", 0}, END});
    cacert_client_stop(client, now_us);
    cacert_client_take(client, slice_make(answer, unhex(ANSWER, answer)), now_us);
    cacert_client_gave(client, 1, now_us);
    now_us += SECOND;
    cacert_client_tick(client, now_us);
    expect(CACERT_STOPPED, true);
}

static void a_stale_answer_that_stops_is_told(void **state) {
    (void)state;
    play((const struct step[]){{'<', "02", 0},
                               {'>', "10", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               {'>', "11", 0},
                               {'+', NULL, 5.1},
                               END});
    expect(CACERT_CUT, true);
    assert_int_equal(cacert_client_result(client)->step, CACERT_AT_LINE);
    assert_non_null(strstr(cacert_client_result(client)->fault.text, "left behind"));
}

static void times_are_settings(void **state) {
    (void)state;
    play((const struct step[]){END});
    finish(state);
    CLEANUP_BUFFER struct buffer nul = BUFFER(100);
    assert_true(cacert_nul_write(&nul));
    times.quiet_us = 0;
    times.handshake_us = SECOND / 2;
    times.finish_us = SECOND;
    client = cacert_client_create(buffer_slice(&nul), CACERT_ACTION_NUL, &times, now_us);
    cacert_client_tick(client, now_us);
    cacert_client_gave(client, 1, now_us);
    cacert_client_tick(client, now_us + SECOND / 2);
    expect(CACERT_SILENT, false);
    assert_string_equal(cacert_client_result(client)->fault.text, "no answer to the start within 0.5 s");
    cacert_client_tick(client, now_us + 3 * SECOND / 2);
    expect(CACERT_SILENT, true);
    assert_true(cacert_client_result(client)->abandoned);
}

int main(void) {
#define TEST(function) cmocka_unit_test_teardown(function, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_signer_that_is_well_answers_with_its_times),
        TEST(nothing_is_sent_before_the_line_was_quiet),
        TEST(a_line_that_is_never_quiet_is_not_the_signers),
        TEST(silence_is_told_after_20_s_and_the_exchange_still_finished),
        TEST(an_exchange_that_never_ends_is_given_up_and_says_so),
        TEST(a_request_without_receipt_is_told_after_5_s),
        TEST(a_request_is_sent_again_when_asked_for_and_not_for_ever),
        TEST(one_that_hangs_on_a_request_is_told_after_120_s),
        TEST(bytes_that_flow_are_life_however_slowly),
        TEST(an_answer_that_stops_is_asked_for_again),
        TEST(a_broken_answer_is_asked_for_three_times_and_then_taken_so_that_the_signer_lives),
        TEST(a_byte_that_does_not_belong_is_told_and_the_exchange_goes_on),
        TEST(an_answer_that_drips_is_told_and_still_taken),
        TEST(what_was_sent_again_is_counted_with_its_reason),
        TEST(one_that_is_stopped_ends_what_it_began_and_begins_nothing),
        TEST(a_stale_answer_that_stops_is_told),
        TEST(times_are_settings),
        TEST(a_stale_answer_is_taken_and_thrown_away_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
