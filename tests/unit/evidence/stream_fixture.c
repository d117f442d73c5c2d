#include "stream_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"

static bool counting_fill(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    static uint64_t count;
    (void)context;
    (void)fault;
    count++;
    struct hash bytes = sha256_of(slice_make(&count, sizeof count));
    memcpy(ret_bytes, bytes.bytes, size);
    return true;
}

struct signing_key *fixture_key(uint8_t number) {
    struct hash seed = sha256_of(slice_make(&number, 1));
    return signing_key_create(seed.bytes);
}

static void run_clear(struct run *run) {
    buffer_free(&run->block);
    *run = (struct run){.block = BUFFER(EVENT_BLOCK_MOST)};
}

struct fixture *fixture_create(void) {
    struct fixture *fixture = memory_new(sizeof *fixture);
    fixture->key = fixture_key(1);
    fixture->settings = (struct stream_writer_settings){
        .lane = LANE_SECURITY,
        .stream_id = stream_id_make(SLICE("host.example"), signing_key_public(fixture->key)),
        .key = fixture->key,
        .random = {NULL, counting_fill},
        .batch_us = STREAM_BATCH_US,
        .heartbeat_us = FIXTURE_HEARTBEAT_US,
    };
    fixture->writer = stream_writer_create(&fixture->settings);
    fixture->checker = stream_checker_create(LANE_SECURITY, &fixture->settings.stream_id, 0,
                                             signing_key_public(fixture->key));
    fixture->clock =
        (struct stream_clock){.now_us = FIXTURE_START_US, .boottime_us = 5000000, .boot_id = {1}};
    run_clear(&fixture->gathering);
    return fixture;
}

struct fixture *fixture_begin(void) {
    struct fixture *fixture = fixture_create();
    assert_true(stream_writer_break(fixture->writer, &fixture->clock, &fixture->fault));
    fixture_close(fixture);
    assert_int_equal(fixture_send_close(fixture), CHECK_ACCEPTED);
    return fixture;
}

static void runs_drop(struct fixture *fixture) {
    for (size_t i = 0; i < fixture->run_count; i++)
        buffer_free(&fixture->runs[i].block);
    fixture->run_count = 0;
}

struct fixture *fixture_destroy(struct fixture *fixture) {
    runs_drop(fixture);
    buffer_free(&fixture->gathering.block);
    stream_writer_destroy(fixture->writer);
    stream_checker_destroy(fixture->checker);
    signing_key_destroy(fixture->key);
    free(fixture);
    return NULL;
}

void fixture_pass(struct fixture *fixture, uint64_t time_us) {
    fixture->clock.now_us += time_us;
    fixture->clock.boottime_us += time_us;
}

void fixture_event(struct fixture *fixture, enum event_class class, const char *text) {
    struct run *run = &fixture->gathering;
    struct stream_writer_event event;
    struct slice body = slice_string(text);
    assert_true(
        stream_writer_event(fixture->writer, class, fixture->clock.now_us, body, &event, &fixture->fault));
    if (run->events.count++ == 0) {
        run->events.batch_seq = event.batch_seq;
        run->events.first_event_seq = event.seq;
    }
    if (event.new_key) {
        struct class_key *key = &run->keys[run->events.key_count++];
        key->class = (uint8_t) class;
        memcpy(key->key, event.new_key, CLASS_KEY_SIZE);
    }
    assert_true(event_block_append(&run->block, event.time_us, (uint8_t) class, body));
}

void fixture_part(struct fixture *fixture) {
    assert_true(stream_writer_part(fixture->writer, fixture->clock.now_us, fixture->part));
}

void fixture_close(struct fixture *fixture) {
    assert_true(
        stream_writer_close(fixture->writer, &fixture->clock, NULL, &fixture->close, &fixture->fault));
}

enum check fixture_send_events(struct fixture *fixture) {
    assert_true(fixture->run_count < FIXTURE_RUNS_MOST);
    struct run *run = &fixture->runs[fixture->run_count++];
    *run = fixture->gathering;
    run->events.keys = run->keys;
    run->events.block = buffer_slice(&run->block);
    fixture->gathering = (struct run){.block = BUFFER(EVENT_BLOCK_MOST)};
    return stream_checker_events(fixture->checker, &run->events, &fixture->fault);
}

enum check fixture_send_part(struct fixture *fixture) {
    return stream_checker_part(fixture->checker, slice_make(fixture->part, PART_SIZE), &fixture->fault);
}

enum check fixture_send_close(struct fixture *fixture) {
    enum check check = stream_checker_close(
        fixture->checker, slice_make(fixture->close.entry, BATCH_ENTRY_SIZE),
        slice_make(fixture->close.class_list, fixture->close.class_list_size), &fixture->fault);
    if (check == CHECK_ACCEPTED)
        runs_drop(fixture);
    return check;
}

void fixture_whole_batch(struct fixture *fixture, unsigned events) {
    for (unsigned i = 0; i < events; i++) {
        fixture_pass(fixture, 1000);
        fixture_event(fixture, i % 3 ? CLASS_ACCESS : CLASS_SIGNING, "Accepted publickey for root");
    }
    assert_int_equal(fixture_send_events(fixture), CHECK_ACCEPTED);
    fixture_part(fixture);
    assert_int_equal(fixture_send_part(fixture), CHECK_ACCEPTED);
    fixture_pass(fixture, 1000);
    fixture_close(fixture);
    assert_int_equal(fixture_send_close(fixture), CHECK_ACCEPTED);
}

struct stream_checker *fixture_checker_again(struct fixture *fixture) {
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_CHECKER_STATE_MOST);
    assert_true(stream_checker_save(fixture->checker, &state));
    struct stream_checker *again = stream_checker_load(buffer_slice(&state), &fixture->fault);
    assert_non_null(again);
    for (size_t i = 0; i < fixture->run_count; i++)
        assert_int_equal(stream_checker_events(again, &fixture->runs[i].events, &fixture->fault),
                         CHECK_ACCEPTED);
    return again;
}

void fixture_restart_writer(struct fixture *fixture) {
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_WRITER_STATE_MOST);
    uint8_t part[PART_SIZE];
    struct slice newest = stream_writer_newest_part(fixture->writer);
    memcpy(part, newest.data, newest.size);
    assert_true(stream_writer_save(fixture->writer, &state));
    stream_writer_destroy(fixture->writer);
    fixture->writer = stream_writer_load(&fixture->settings, buffer_slice(&state), &fixture->fault);
    assert_non_null(fixture->writer);
    for (size_t i = 0; i < fixture->run_count; i++)
        assert_true(stream_writer_restore_events(fixture->writer, &fixture->runs[i].events, &fixture->fault));
    if (newest.size)
        assert_true(
            stream_writer_restore_part(fixture->writer, slice_make(part, PART_SIZE), &fixture->fault));
}
