/* A range of a real store: what becomes segments, what stays, what a crash in between leaves. */
#include "store_fixture.h"

#include <stdlib.h>

#include "batch_entry.h"
#include "bytes.h"
#include "events.h"
#include "memory.h"
#include "open_batch.h"
#include "row.h"
#include "seal_range.h"
#include "segment_verify.h"
#include "stream_id.h"
#include "stream_row.h"

#define EVENTS 60u
#define EVENTS_A_ROW 7u

struct site {
    struct store *store;
    struct day_keys *keys;
    const char *path;
    struct signing_key *key;
    struct hash stream, prev;
    struct store_batch *batch;
    uint64_t next_arrival, next_seq, batch_seq;
};

static void put(struct site *site, enum store_family family, struct slice key, struct slice value) {
    store_batch_put(site->batch, family, key, value);
}

static struct slice number_key(uint64_t number, uint8_t at[8]) {
    bytes_put_u64(at, number);
    return slice_make(at, 8);
}

static void put_row(struct site *site, const struct events_message *message) {
    CLEANUP_BUFFER struct buffer value = BUFFER(1 << 20);
    uint8_t head[ROW_HEAD], arrival[8], index[40];
    row_head(head, ROW_EVENTS, 5000000 + site->next_arrival, site->stream.bytes);
    buffer_append(&value, head, sizeof head);
    events_write(&value, message);
    memcpy(index, site->stream.bytes, 32);
    bytes_put_u64(index + 32, message->first_event_seq);
    put(site, STORE_INDEX, slice_make(index, 40), number_key(site->next_arrival, arrival));
    put(site, STORE_HOT, number_key(site->next_arrival++, arrival), buffer_slice(&value));
}

/* A closed batch of two classes in rows; without its second row where bodies are owed. */
static void put_batch(struct site *site, uint64_t log_index, bool owed) {
    struct open_batch *open = open_batch_create();
    struct class_list list;
    uint8_t keys[2][CLASS_KEY_SIZE] = {{1, (uint8_t)log_index}, {2, (uint8_t)log_index}}, number[8];
    uint8_t list_bytes[CLASS_LIST_MOST], entry_bytes[BATCH_ENTRY_SIZE];
    static const uint8_t classes[2] = {CLASS_ACCESS, CLASS_NETWORK};
    uint64_t first = site->next_seq;
    for (unsigned i = 0; i < 2; i++)
        open_batch_set_key(open, classes[i], keys[i]);
    for (unsigned begin = 0; begin < EVENTS; begin += EVENTS_A_ROW) {
        CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20), body = BUFFER(1 << 16);
        struct events_message message = {
            .lane = LANE_SECURITY, .batch_seq = site->batch_seq, .first_event_seq = site->next_seq};
        for (unsigned i = begin; i < EVENTS && i < begin + EVENTS_A_ROW; i++) {
            char raw[64];
            snprintf(raw, sizeof raw, "entry %u of %u", i, (unsigned)log_index);
            struct event_body of = {.source = SLICE("/a"), .raw = slice_string(raw)};
            buffer_clear(&body);
            event_body_write(&body, &of);
            struct event event = {site->next_seq++, 1000 + i, classes[i % 2], buffer_slice(&body)};
            open_batch_add(open, &event);
            event_block_append(&text, event.time_us, event.class, event.body);
            message.count++;
            message.last_time_us = event.time_us;
        }
        for (unsigned i = 0; begin == 0 && i < 2; i++)
            message.keys[message.key_count++] =
                (struct events_key){classes[i], slice_make(keys[i], CLASS_KEY_SIZE)};
        message.text_size = (uint32_t)text.size;
        message.data = buffer_slice(&text);
        message.first_time_us = 1000 + begin;
        if (!owed || begin != EVENTS_A_ROW)
            put_row(site, &message);
    }
    open_batch_class_list(open, &list);
    size_t size = class_list_write(&list, list_bytes);
    struct batch_entry entry = {.stream_id = site->stream,
                                .kind = BATCH_DATA,
                                .batch_seq = site->batch_seq++,
                                .first_event_seq = first,
                                .event_count = EVENTS,
                                .open_us = 500,
                                .close_us = 5000,
                                .prev = site->prev,
                                .seen = seen_none()};
    entry.event_root = class_list_event_root(slice_make(list_bytes, size));
    batch_entry_sign(&entry, site->key, entry_bytes);
    site->prev = batch_entry_hash(slice_make(entry_bytes, sizeof entry_bytes));
    put(site, STORE_ENTRY, number_key(log_index, number), slice_make(entry_bytes, sizeof entry_bytes));
    put(site, STORE_CLASS_LIST, number_key(log_index, number), slice_make(list_bytes, size));
    open_batch_destroy(open);
}

static void open_site(void **state, struct site *site) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {3};
    struct store_options options = {.create = true, .floor_bytes = 1, .ballast_bytes = 1};
    struct fault fault = {0};
    *site = (struct site){.path = fixture_path(state, "store")};
    site->key = signing_key_create(seed);
    site->stream = stream_id_make(SLICE("host"), signing_key_public(site->key));
    site->store = store_open(site->path, &options, &fault);
    assert_non_null(site->store);
    site->keys = day_keys_open(*state, true, &fault);
    assert_non_null(site->keys);
    site->batch = store_batch_create(site->store);
    CLEANUP_BUFFER struct buffer row = BUFFER(STREAM_ROW_MOST);
    struct stream_row stream = {
        LANE_SECURITY, SLICE("host"), signing_key_public(site->key)->bytes, {NULL, 0}};
    stream_row_write(&row, &stream);
    put(site, STORE_STREAM, hash_slice(&site->stream), buffer_slice(&row));
}

static void close_site(struct site *site) {
    store_batch_destroy(site->batch);
    day_keys_close(site->keys);
    store_close(site->store);
    signing_key_destroy(site->key);
}

static void commit(struct site *site) {
    struct fault fault = {0};
    assert_true(store_commit(site->store, site->batch, true, &fault));
    store_batch_clear(site->batch);
}

static enum seal_found add(struct site *site, struct seal_range *range, uint64_t log_index, uint64_t passed) {
    uint8_t number[8];
    CLEANUP_STORE_VALUE struct store_value entry = {0};
    struct fault fault = {0};
    assert_true(store_get(site->store, STORE_ENTRY, number_key(log_index, number), &entry, &fault));
    enum seal_found found = seal_range_add(range, log_index, entry.slice, passed, &fault);
    if (found == SEAL_BROKEN)
        fail_msg("%s: %s", fault.place, fault.text);
    return found;
}

/* What the committer does with it. */
static void apply(struct site *site, struct change *change) {
    struct change_step step;
    for (size_t place = 0; change_next(change, &place, &step);)
        if (step.kind == CHANGE_PUT)
            store_batch_put(site->batch, step.family, step.key, step.value);
        else if (step.kind == CHANGE_DELETE)
            store_batch_delete(site->batch, step.family, step.key);
    commit(site);
    change_destroy(change);
}

static unsigned count_family(const struct site *site, enum store_family family) {
    unsigned count = 0;
    struct store_cursor *cursor = store_cursor_create(site->store, family, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor))
        count++;
    store_cursor_destroy(cursor);
    return count;
}

struct check {
    struct sealed *sealed;
    uint64_t segments, events, findings;
};

static void count_finding(void *context, const char *place, const char *text) {
    struct check *check = context;
    print_message("%s: %s\n", place, text);
    check->findings++;
}

static bool check_segment(void *context, const struct segment_row *row) {
    struct check *check = context;
    struct fault fault = {0};
    struct sealed_handle *handle = sealed_take(check->sealed, row, &fault);
    assert_non_null(handle);
    struct segment_verify verify = {check, count_finding, NULL, NULL};
    struct segment_verified verified = segment_verify(sealed_reader(handle), &verify);
    assert_int_equal(verified.events, row->events);
    check->events += verified.events;
    check->segments++;
    sealed_give(check->sealed, handle);
    return true;
}

static struct check check_all(struct site *site) {
    struct check check = {.sealed = sealed_create(site->path, site->keys)};
    struct fault fault = {0};
    assert_true(segment_rows_each(site->store, NULL, -1, UINT64_MAX, check_segment, &check, &fault));
    sealed_destroy(check.sealed);
    return check;
}

static void closed_batches_become_a_segment_for_each_class(void **state) {
    struct site site;
    struct fault fault = {0};
    struct seal_written written;
    open_site(state, &site);
    for (uint64_t i = 0; i < 4; i++)
        put_batch(&site, i, i == 2);
    commit(&site);
    struct seal_range *range = seal_range_create(site.store, 1, 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(add(&site, range, i, UINT64_MAX), SEAL_FOUND);
    assert_int_equal(seal_range_rows(range), 3 * 9);
    struct change *change = change_create();
    assert_true(seal_range_write(range, 4, 1, site.keys, site.path, change, &written, &fault));
    assert_int_equal(written.segments, 2);
    assert_int_equal(written.events, 3 * EVENTS);
    /* Before the commit nothing has changed, but for files that count for nothing. */
    assert_int_equal(check_all(&site).segments, 0);
    assert_int_equal(count_family(&site, STORE_HOT), 3 * 9 + 8);
    apply(&site, change);
    struct check check = check_all(&site);
    assert_int_equal(check.segments, 2);
    assert_int_equal(check.events, 3 * EVENTS);
    assert_int_equal(check.findings, 0);
    /* What is owed stays as it is. */
    assert_int_equal(count_family(&site, STORE_HOT), 8);
    assert_int_equal(count_family(&site, STORE_INDEX), 8);
    seal_range_destroy(range);
    close_site(&site);
}

static void a_row_that_detection_has_not_passed_ends_the_range(void **state) {
    struct site site;
    open_site(state, &site);
    put_batch(&site, 0, false);
    put_batch(&site, 1, false);
    commit(&site);
    struct seal_range *range = seal_range_create(site.store, 0, 0);
    assert_int_equal(add(&site, range, 0, 9), SEAL_FOUND);
    assert_int_equal(add(&site, range, 1, 17), SEAL_BEHIND);
    assert_int_equal(seal_range_rows(range), 9);
    assert_int_equal(add(&site, range, 1, 18), SEAL_FOUND);
    assert_int_equal(seal_range_rows(range), 18);
    seal_range_destroy(range);
    close_site(&site);
}

static bool drop_row(void *context, const struct segment_row *row) {
    struct site *site = context;
    uint8_t key[SEGMENT_ROW_KEY];
    segment_row_key(key, row);
    store_batch_delete(site->batch, STORE_SEGMENT, slice_make(key, sizeof key));
    return true;
}

static void files_that_no_row_names_are_swept(void **state) {
    struct site site;
    struct fault fault = {0};
    struct seal_written written;
    uint64_t removed;
    open_site(state, &site);
    put_batch(&site, 0, false);
    commit(&site);
    struct seal_range *range = seal_range_create(site.store, 2, 0);
    struct change *change = change_create();
    assert_int_equal(add(&site, range, 0, UINT64_MAX), SEAL_FOUND);
    assert_true(seal_range_write(range, 1, 2, site.keys, site.path, change, &written, &fault));
    apply(&site, change);
    assert_true(segment_files_sweep(site.store, site.path, &removed, &fault));
    assert_int_equal(removed, 0);
    assert_int_equal(check_all(&site).segments, 2);
    assert_true(segment_rows_each(site.store, NULL, CLASS_ACCESS, 2, drop_row, &site, &fault));
    commit(&site);
    assert_true(segment_files_sweep(site.store, site.path, &removed, &fault));
    assert_int_equal(removed, 1);
    assert_int_equal(check_all(&site).segments, 1);
    seal_range_destroy(range);
    close_site(&site);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(closed_batches_become_a_segment_for_each_class, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(a_row_that_detection_has_not_passed_ends_the_range,
                                        fixture_folder_make, fixture_folder_remove),
        cmocka_unit_test_setup_teardown(files_that_no_row_names_are_swept, fixture_folder_make,
                                        fixture_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
