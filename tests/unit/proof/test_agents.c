/* Which key of which host is live where: enrolments, rotations, revocations and forks, as a verifier folds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "small_log.h"

/* The log's control chain, each entry at its place. */
static struct log_history *history_of(const struct small_log *log) {
    struct log_history *history = log_history_create(NULL);
    for (size_t i = 0; i < log->control_count; i++) {
        struct fault fault = {0};
        if (!log_history_add(history, buffer_slice(&log->entries[log->controls[i]].bytes), log->controls[i],
                             NULL, &fault))
            fail_msg("control entry %zu: %s", i, fault.text);
    }
    return history;
}

static const struct agent_line *line_of(const struct log_history *history, const struct small_agent *agent) {
    enum lane lane;
    const struct agent_line *line =
        agent_registry_by_stream(log_history_agents(history), &agent->streams[LANE_BULK], &lane);
    assert_non_null(line);
    assert_int_equal(lane, LANE_BULK);
    return line;
}

static uint64_t last_control(const struct small_log *log) {
    return log->controls[log->control_count - 1];
}

static void enrol_payload(struct buffer *payload, const struct small_agent *agent,
                          const struct verify_key *key, uint32_t epoch, uint64_t first_batch_seq) {
    struct agent_enrolment enrolment = {.name = slice_string(agent->host),
                                        .key = *key,
                                        .epoch = epoch,
                                        .first_batch_seq = {first_batch_seq, first_batch_seq},
                                        .heartbeat_s = 60};
    memcpy(enrolment.streams, agent->streams, sizeof agent->streams);
    enrolment.first_key = agent->first_key;
    assert_true(agent_enrolment_write(payload, &enrolment));
}

static void a_key_is_live_from_its_enrolment_to_its_end(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    small_log_mark(log);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    uint64_t from = last_control(log);
    small_log_run(log, 2);
    small_agent_revoke(agent, 0);
    uint64_t until = last_control(log);
    struct log_history *history = history_of(log);
    const struct agent_epoch *epoch = agent_line_epoch(line_of(history, agent), 0);
    assert_int_equal(epoch->from, from);
    assert_int_equal(epoch->until, until);
    assert_false(agent_epoch_live(epoch, from));
    assert_true(agent_epoch_live(epoch, from + 1));
    assert_true(agent_epoch_live(epoch, until - 1));
    assert_false(agent_epoch_live(epoch, until));
    assert_false(agent_epoch_live(epoch, until + 1));
    assert_true(epoch->confirmed);
    assert_null(agent_line_open(line_of(history, agent)));
    assert_ptr_equal(agent_registry_by_name(log_history_agents(history), SLICE("a.example"), from + 1),
                     line_of(history, agent));
    assert_null(agent_registry_by_name(log_history_agents(history), SLICE("a.example"), until + 1));
    assert_null(agent_registry_by_name(log_history_agents(history), SLICE("b.example"), from + 1));
    log_history_destroy(history);
    small_log_destroy(log);
}

static void a_rotation_opens_an_epoch_and_ends_none(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    small_agent_rotate(agent);
    uint64_t first = last_control(log);
    small_agent_rotate(agent);
    struct log_history *history = history_of(log);
    const struct agent_line *line = line_of(history, agent);
    assert_int_equal(line->epoch_count, 3);
    assert_int_equal(line->epochs[1].from, first);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(line->epochs[i].until, AGENT_INDEX_NEVER);
    assert_true(line->epochs[2].rotated && line->epochs[2].confirmed);
    assert_memory_equal(line->epochs[2].key.bytes, signing_key_public(agent->key)->bytes,
                        ED25519_PUBLIC_SIZE);
    log_history_destroy(history);
    small_log_destroy(log);
}

static void a_revocation_ends_what_descends_from_its_epoch_and_nothing_before_it(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    small_agent_rotate(agent);
    small_agent_rotate(agent);
    small_agent_revoke(agent, 1);
    uint64_t until = last_control(log);
    struct log_history *history = history_of(log);
    const struct agent_line *line = line_of(history, agent);
    assert_int_equal(line->epochs[0].until, AGENT_INDEX_NEVER);
    assert_int_equal(line->epochs[1].until, until);
    assert_int_equal(line->epochs[2].until, until);
    log_history_destroy(history);
    small_log_destroy(log);
}

static void a_new_enrolment_goes_on_with_the_streams_and_does_not_descend(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    struct signing_key *next = small_key("next of a");
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    small_agent_revoke(agent, 0);
    enrol_payload(&payload, agent, signing_key_public(next), 1, 7);
    struct signing_key *both[] = {log->registrar, log->admin};
    small_log_statement(log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), 2, both);
    uint64_t from = last_control(log);
    small_agent_revoke(agent, 0); /* once more: the new epoch is not of it */
    struct log_history *history = history_of(log);
    const struct agent_line *line = line_of(history, agent);
    assert_int_equal(line->epoch_count, 2);
    assert_int_equal(line->epochs[1].from, from);
    assert_int_equal(line->epochs[1].until, AGENT_INDEX_NEVER);
    assert_int_equal(line->epochs[1].first_batch_seq[LANE_SECURITY], 7);
    assert_true(line->epochs[1].confirmed);
    assert_false(line->epochs[1].rotated);
    log_history_destroy(history);
    signing_key_destroy(next);
    small_log_destroy(log);
}

static void of_a_name_there_is_one_live_line(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *first = small_log_enrol(log, "a.example", 60, NULL);
    struct small_agent *other = small_log_enrol(log, "b.example", 60, NULL);
    struct small_agent *second = small_log_enrol(log, "a.example", 60, NULL);
    struct small_agent *third = small_log_enrol(log, "a.example", 60, log->board);
    struct log_history *history = history_of(log);
    uint64_t end = log->entry_count;
    assert_null(agent_line_open(line_of(history, first)));
    assert_non_null(agent_line_open(line_of(history, other)));
    assert_null(agent_line_open(line_of(history, second)));
    assert_ptr_equal(agent_registry_by_name(log_history_agents(history), SLICE("a.example"), end),
                     line_of(history, third));
    /* Who confirms is a person; the registrar alone does not. */
    assert_true(line_of(history, first)->epochs[0].confirmed);
    assert_false(line_of(history, second)->epochs[0].confirmed);
    assert_true(line_of(history, third)->epochs[0].confirmed);
    log_history_destroy(history);
    small_log_destroy(log);
}

static void a_fork_ends_both_streams_of_its_host(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    struct small_agent *other = small_log_enrol(log, "b.example", 60, NULL);
    CLEANUP_BUFFER struct buffer payload = BUFFER(2048);
    small_log_run(log, 1);
    const struct buffer *entry = &log->entries[agent->batches[LANE_SECURITY][1]].bytes;
    uint8_t again[BATCH_ENTRY_SIZE];
    struct batch_entry read;
    assert_true(batch_entry_read(buffer_slice(entry), &read, NULL));
    read.boottime_us++;
    batch_entry_sign(&read, agent->key, again);
    assert_true(fork_statement_write(&payload, buffer_slice(entry), slice_make(again, sizeof again)));
    small_log_by_log(log, STATEMENT_FORK, buffer_slice(&payload));
    struct log_history *history = history_of(log);
    assert_int_equal(line_of(history, agent)->epochs[0].until, last_control(log));
    assert_int_equal(line_of(history, other)->epochs[0].until, AGENT_INDEX_NEVER);
    log_history_destroy(history);
    small_log_destroy(log);
}

static void what_is_no_fork_is_none(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    struct small_agent *other = small_log_enrol(log, "b.example", 60, NULL);
    struct slice mine = buffer_slice(&log->entries[agent->batches[LANE_SECURITY][0]].bytes);
    struct slice theirs = buffer_slice(&log->entries[other->batches[LANE_SECURITY][0]].bytes);
    struct slice pairs[][2] = {
        {mine, mine}, {mine, theirs}, {mine, slice_head(mine, 400)}, {SLICE(""), mine}};
    struct fork_statement fork;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CLEANUP_BUFFER struct buffer payload = BUFFER(2048);
        assert_true(fork_statement_write(&payload, pairs[i][0], pairs[i][1]));
        assert_false(fork_statement_read(buffer_slice(&payload), &fork, NULL));
    }
    small_log_destroy(log);
}

/* In the chain, and without effect. */
static void agents_statements_that_do_not_fit_make_nothing_live(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    struct small_agent *agent = small_log_enrol(log, "a.example", 60, NULL);
    struct small_agent *other = small_log_enrol(log, "b.example", 60, NULL);
    struct signing_key *next = small_key("next of a");
    struct signing_key *both[] = {log->registrar, log->admin};
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    enrol_payload(&payload, agent, signing_key_public(next), 2, 0); /* an epoch is left out */
    small_log_statement(log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), 2, both);
    buffer_clear(&payload);
    enrol_payload(&payload, agent, signing_key_public(other->key), 1, 0); /* another agent's key */
    small_log_statement(log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), 2, both);
    buffer_clear(&payload);
    enrol_payload(&payload, agent, signing_key_public(agent->key), 1, 0); /* its own again */
    small_log_statement(log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), 2, both);
    small_agent_revoke(agent, 5); /* an epoch that is none */
    struct log_history *history = history_of(log);
    assert_int_equal(line_of(history, agent)->epoch_count, 1);
    assert_int_equal(line_of(history, agent)->epochs[0].until, AGENT_INDEX_NEVER);
    assert_int_equal(line_of(history, other)->epochs[0].until, AGENT_INDEX_NEVER);
    assert_int_equal(agent_registry_count(log_history_agents(history)), 2);
    log_history_destroy(history);
    signing_key_destroy(next);
    small_log_destroy(log);
}

static void witnesses_are_those_in_force_at_a_size(void **state) {
    (void)state;
    struct small_log *log = small_log_create(3, 2);
    CLEANUP_BUFFER struct buffer payload = BUFFER(2048);
    struct witness_policy policy = log->trust.witnesses;
    policy.needed = 3;
    assert_true(witness_policy_write(&payload, &policy));
    struct signing_key *two[] = {log->admin, log->board};
    small_log_mark(log);
    small_log_statement(log, STATEMENT_WITNESS_POLICY, buffer_slice(&payload), 2, two);
    uint64_t index = last_control(log);
    struct log_history *history = history_of(log);
    assert_null(log_history_witnesses(history, 0));
    assert_int_equal(log_history_witnesses(history, 1)->needed, 2);
    assert_int_equal(log_history_witnesses(history, index)->needed, 2);
    assert_int_equal(log_history_witnesses(history, index + 1)->needed, 3);
    log_history_destroy(history);
    small_log_destroy(log);
}

static void places_ascend_and_are_there_where_they_matter(void **state) {
    (void)state;
    struct small_log *log = small_log_create(0, 0);
    small_log_mark(log);
    small_log_enrol(log, "a.example", 60, NULL);
    struct slice entries[3];
    for (size_t i = 0; i < 3; i++)
        entries[i] = buffer_slice(&log->entries[log->controls[i]].bytes);
    const struct {
        uint64_t places[3];
        size_t good; /* so many are taken */
    } cases[] = {{{0, 5, 9}, 3}, {{0, LOG_HISTORY_NO_PLACE, 9}, 3},
                 {{1, 5, 9}, 0}, {{LOG_HISTORY_NO_PLACE, 5, 9}, 0},
                 {{0, 0, 9}, 1}, {{0, 9, 9}, 2},
                 {{0, 9, 5}, 2}, {{0, 5, LOG_HISTORY_NO_PLACE}, 2}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct log_history *history = log_history_create(NULL);
        size_t taken = 0;
        while (taken < 3 && log_history_add(history, entries[taken], cases[c].places[taken], NULL, NULL))
            taken++;
        assert_int_equal(taken, cases[c].good);
        log_history_destroy(history);
    }
    small_log_destroy(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_live_from_its_enrolment_to_its_end),
        cmocka_unit_test(a_rotation_opens_an_epoch_and_ends_none),
        cmocka_unit_test(a_revocation_ends_what_descends_from_its_epoch_and_nothing_before_it),
        cmocka_unit_test(a_new_enrolment_goes_on_with_the_streams_and_does_not_descend),
        cmocka_unit_test(of_a_name_there_is_one_live_line),
        cmocka_unit_test(a_fork_ends_both_streams_of_its_host),
        cmocka_unit_test(what_is_no_fork_is_none),
        cmocka_unit_test(agents_statements_that_do_not_fit_make_nothing_live),
        cmocka_unit_test(witnesses_are_those_in_force_at_a_size),
        cmocka_unit_test(places_ascend_and_are_there_where_they_matter),
    };
    return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}
