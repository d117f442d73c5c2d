/* The registry of agents, and an agent as it is kept. */
#include <stdio.h>
#include <stdlib.h>

#include "agents.h"
#include "pipeline.h"
#include "stream_id.h"

static struct agent_record record_of(unsigned number, uint8_t generation) {
    struct agent_record record = {.epoch = generation, .heartbeat_s = 600, .enrolled_us = 5, .heard_us = 6};
    snprintf(record.name, sizeof record.name, "host%u.example", number);
    uint8_t *const keys[] = {record.public_key, record.first_key, record.tls_key};
    for (uint8_t i = 0; i < 3; i++) {
        keys[i][0] = i;
        keys[i][1] = generation;
        keys[i][2] = (uint8_t)number;
        keys[i][3] = (uint8_t)(number >> 8);
    }
    return record;
}

static void a_record_is_read_as_it_was_written_and_cut_nowhere(void **state) {
    (void)state;
    struct agent_record record = record_of(7, 1), read;
    struct fault fault = {0};
    record.forked = true;
    record.next_tls_key[0] = 1;
    record.next_public_key[31] = 2;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(AGENT_RECORD_MOST);
    assert_true(agent_record_write(&bytes, &record));
    assert_true(agent_record_read(buffer_slice(&bytes), &read, &fault));
    CLEANUP_BUFFER struct buffer again = BUFFER(AGENT_RECORD_MOST);
    assert_true(agent_record_write(&again, &read));
    assert_true(slice_equal(buffer_slice(&bytes), buffer_slice(&again)));
    assert_true(read.forked);
    assert_string_equal(read.name, record.name);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(agent_record_read(slice_head(buffer_slice(&bytes), size), &read, &fault));
    bytes.data[0]++;
    assert_false(agent_record_read(buffer_slice(&bytes), &read, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    buffer_append(&bytes, "x", 1);
    assert_false(agent_record_read(buffer_slice(&bytes), &read, &fault));
}

static void the_longest_name_fits(void **state) {
    (void)state;
    struct agent_record record = record_of(1, 1), read;
    memset(record.name, 'h', sizeof record.name - 1);
    CLEANUP_BUFFER struct buffer bytes = BUFFER(AGENT_RECORD_MOST);
    assert_true(agent_record_write(&bytes, &record));
    assert_true(agent_record_read(buffer_slice(&bytes), &read, NULL));
    assert_string_equal(read.name, record.name);
}

static void agents_are_found_by_name_and_by_either_tls_key(void **state) {
    (void)state;
    struct agents *agents = agents_create();
    assert_null(agents_by_name(agents, SLICE("host1.example")));
    for (unsigned i = 0; i < 300; i++) {
        struct agent_record record = record_of(i, 1);
        agents_put(agents, &record, i);
    }
    assert_int_equal(agents_count(agents), 300);
    for (unsigned i = 0; i < 300; i++) {
        struct agent_record record = record_of(i, 1);
        struct agent *agent = agents_by_name(agents, slice_string(record.name));
        assert_non_null(agent);
        assert_ptr_equal(agents_by_tls_key(agents, record.tls_key), agent);
        assert_int_equal(agent->heard_us, i);
    }
    struct agent_record announced = record_of(3, 1);
    announced.next_tls_key[0] = 0xee;
    struct agent *agent = agents_put(agents, &announced, 999);
    assert_int_equal(agents_count(agents), 300);
    assert_int_equal(agent->heard_us, 3); /* being written is not being heard */
    assert_ptr_equal(agents_by_tls_key(agents, announced.next_tls_key), agent);
    assert_ptr_equal(agents_by_tls_key(agents, announced.tls_key), agent);
    /* The announced key is in use: the old one knows nobody any more. */
    struct agent_record renewed = announced;
    memcpy(renewed.tls_key, announced.next_tls_key, 32);
    memset(renewed.next_tls_key, 0, 32);
    agents_put(agents, &renewed, 999);
    assert_null(agents_by_tls_key(agents, announced.tls_key));
    assert_ptr_equal(agents_by_tls_key(agents, renewed.tls_key), agent);
    agents_destroy(agents);
}

static void no_key_is_nobodys(void **state) {
    (void)state;
    static const uint8_t none[32];
    struct agents *agents = agents_create();
    for (unsigned i = 0; i < 300; i++) {
        struct agent_record record = record_of(i, 1);
        agents_put(agents, &record, 0);
    }
    assert_null(agents_by_tls_key(agents, none)); /* every record's next key is zeros */
    agents_destroy(agents);
}

static void joining_anew_with_another_key_begins_other_streams(void **state) {
    (void)state;
    struct agents *agents = agents_create();
    struct agent_record record = record_of(1, 1);
    struct agent *agent = agents_put(agents, &record, 0);
    struct hash old[LANES];
    for (unsigned lane = 0; lane < LANES; lane++)
        old[lane] = *ingest_stream_id(agent->streams[lane]);
    record.epoch = 5; /* a rotation keeps its streams */
    record.public_key[9] = 9;
    assert_ptr_equal(agents_put(agents, &record, 0), agent);
    for (unsigned lane = 0; lane < LANES; lane++)
        assert_true(hash_equal(ingest_stream_id(agent->streams[lane]), &old[lane]));
    struct agent_record anew = record_of(1, 2);
    assert_ptr_equal(agents_put(agents, &anew, 0), agent);
    struct verify_key first;
    memcpy(first.bytes, anew.first_key, 32);
    static const char *const names[LANES] = {"host1.example", "host1.example/bulk"};
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct hash wanted = stream_id_make(slice_string(names[lane]), &first);
        assert_true(hash_equal(ingest_stream_id(agent->streams[lane]), &wanted));
        assert_false(hash_equal(&wanted, &old[lane]));
    }
    agents_destroy(agents);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written_and_cut_nowhere),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(agents_are_found_by_name_and_by_either_tls_key),
        cmocka_unit_test(no_key_is_nobodys),
        cmocka_unit_test(joining_anew_with_another_key_begins_other_streams),
    };
    return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}
