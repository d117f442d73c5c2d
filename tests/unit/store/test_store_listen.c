/* Whoever listens hears every change of every commit once, in order, and nothing of one that failed. */
#include "store_fixture.h"

#include "backup_record.h"
#include "bytes.h"

struct heard {
    struct buffer text;
    uint64_t sequence, commits;
};

static void hear(void *context, struct slice records, uint64_t sequence) {
    struct heard *heard = context;
    struct backup_record record;
    assert_true(sequence > heard->sequence);
    heard->sequence = sequence;
    heard->commits++;
    while (backup_record_next(&records, &record, NULL))
        buffer_printf(&heard->text, "%d/%d %.*s=%.*s;", record.kind, record.family, SLICE_ARG(record.key),
                      SLICE_ARG(record.value));
    assert_int_equal(records.size, 0);
}

static struct store *open_heard(void **state, struct heard *heard) {
    struct store *store = fixture_open(fixture_path(state, "s"), NULL);
    heard->text = BUFFER(1 << 16);
    heard->sequence = store_sequence(store);
    store_listen(store, &(struct store_listener){heard, hear});
    return store;
}

static void every_change_is_heard_once_and_in_order(void **state) {
    struct heard heard = {0};
    struct store *store = open_heard(state, &heard);
    struct store_batch *batch = store_batch_create(store);
    const struct slice parts[] = {SLICE("a"), SLICE("bc")};
    store_batch_put(batch, STORE_ENTRY, SLICE("k1"), SLICE("v1"));
    store_batch_put_parts(batch, STORE_HOT, SLICE("k2"), parts, 2);
    store_batch_delete(batch, STORE_MARK, SLICE("k3"));
    store_batch_delete_range(batch, STORE_HOT, SLICE("k4"), SLICE("k5"));
    assert_true(store_commit(store, batch, true, NULL));
    assert_string_equal(buffer_string(&heard.text), "1/0 k1=v1;1/5 k2=abc;2/11 k3=;3/5 k4=k5;");
    store_batch_clear(batch);
    buffer_clear(&heard.text);
    assert_true(store_commit(store, batch, true, NULL)); /* nothing in it */
    assert_int_equal(heard.commits, 1);
    store_batch_put(batch, STORE_ENTRY, SLICE("k1"), SLICE("v2"));
    assert_true(store_commit(store, batch, false, NULL));
    assert_true(store_drop_range(store, STORE_HOT, SLICE("f"), SLICE("t"), false, NULL));
    assert_string_equal(buffer_string(&heard.text), "1/0 k1=v2;3/5 f=t;");
    assert_int_equal(heard.sequence, store_sequence(store));
    store_batch_destroy(batch);
    store_close(store);
    buffer_free(&heard.text);
}

static void nothing_is_heard_of_what_failed(void **state) {
    struct heard heard = {0};
    struct store *store = open_heard(state, &heard);
    struct store_batch *batch = store_batch_create(store);
    static uint8_t key[STORE_KEY_MOST + 1];
    store_batch_put(batch, STORE_ENTRY, SLICE("k"), SLICE("v"));
    store_batch_put(batch, STORE_ENTRY, slice_make(key, sizeof key), SLICE("v"));
    assert_false(store_commit(store, batch, true, NULL));
    assert_int_equal(heard.commits, 0);
    store_batch_destroy(batch);
    store_close(store);
    buffer_free(&heard.text);
}

static void the_sequence_says_whether_something_was_written_since(void **state) {
    struct store *store = fixture_open(fixture_path(state, "s"), NULL);
    assert_true(fixture_commit(store, 1, 100, true, NULL));
    uint64_t sequence = store_sequence(store);
    store_close(store);
    store = fixture_open(fixture_path(state, "s"), NULL);
    assert_int_equal(store_sequence(store), sequence);
    assert_true(fixture_commit(store, 2, 100, true, NULL));
    assert_true(store_sequence(store) > sequence);
    store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder_make, fixture_folder_remove)

int main(int argc, char **argv) {
    fixture_child_run(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(every_change_is_heard_once_and_in_order),
        TEST(nothing_is_heard_of_what_failed),
        TEST(the_sequence_says_whether_something_was_written_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
