#include "store_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "files.h"

static struct store *open_here(void **state) {
    return fixture_open(fixture_path(state, "s"), NULL);
}

static void assert_fault(const struct fault *fault, enum fault_code code, const char *part) {
    if (fault->code != code || !strstr(fault->text, part))
        fail_msg("expected %s \"%s\", found %s \"%s\"", fault_word(code), part, fault_word(fault->code),
                 fault->text);
}

/* --- Open --- */

static void a_store_that_is_not_there_is_made_only_when_asked(void **state) {
    struct fault fault = {0};
    const struct store_options read_only = {.read_only = true};
    const char *path = fixture_path(state, "s");
    assert_null(store_open(path, NULL, &fault));
    assert_fault(&fault, FAULT_MISSING, "there is no store here");
    assert_string_equal(fault.place, path);
    assert_null(store_open(path, &read_only, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_int_not_equal(access(path, F_OK), 0);
    store_close(open_here(state));
    struct store *store = store_open(path, NULL, &fault);
    assert_non_null(store);
    store_close(store);
}

static void what_was_committed_is_there_after_a_reopen(void **state) {
    struct store *store = open_here(state);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(fixture_commit(store, i, 1000, false, NULL));
    store_close(store);
    store = open_here(state);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(fixture_has(store, i, 1000));
    assert_false(fixture_has(store, 100, 1000));
    assert_int_equal(fixture_next(store), 99);
    store_close(store);
}

static void a_second_one_is_told_who_has_it(void **state) {
    struct store *store = open_here(state);
    const struct store_options ways[] = {{.create = true}, {.read_only = true}};
    for (size_t i = 0; i < 2; i++) {
        struct fault fault = {0};
        char expected[64];
        snprintf(expected, sizeof expected, "the collector is running (process %d)", getpid());
        assert_null(store_open(fixture_path(state, "s"), &ways[i], &fault));
        assert_fault(&fault, FAULT_BUSY, expected);
    }
    assert_true(fixture_commit(store, 1, 10, true, NULL));
    store_close(store);
    store_close(open_here(state));
}

static void a_read_only_store_reads_the_log_too_and_writes_nothing(void **state) {
    struct store *store = open_here(state);
    assert_true(fixture_commit(store, 1, 100, true, NULL));
    assert_true(store_flush(store, NULL));
    assert_true(fixture_commit(store, 2, 100, true, NULL)); /* in the log alone */
    store_close(store);
    const struct store_options options = {.read_only = true};
    store = fixture_open(fixture_path(state, "s"), &options);
    struct store *other = fixture_open(fixture_path(state, "s"), &options); /* readers share */
    assert_true(fixture_has(store, 1, 100));
    assert_true(fixture_has(other, 2, 100));
    struct fault fault = {0};
    assert_false(fixture_commit(store, 3, 100, true, &fault));
    assert_fault(&fault, FAULT_USAGE, "for reading alone");
    assert_false(store_flush(store, &fault));
    assert_false(store_drop_range(store, STORE_HOT, SLICE("a"), SLICE("b"), false, &fault));
    /* and does not keep a writer out */
    struct store *writer = open_here(state);
    assert_true(fixture_commit(writer, 4, 100, true, NULL));
    assert_false(fixture_has(store, 4, 100));
    assert_true(fixture_has(store, 1, 100));
    store_close(writer);
    store_close(other);
    store_close(store);
}

/* --- Batches and values --- */

static void a_batch_is_reused_and_its_parts_are_joined(void **state) {
    struct store *store = open_here(state);
    struct store_batch *batch = store_batch_create(store);
    const struct slice parts[] = {SLICE("head"), {NULL, 0}, SLICE("-"), SLICE("body")};
    store_batch_put_parts(batch, STORE_HOT, SLICE("k"), parts, 4);
    store_batch_put(batch, STORE_HOT, SLICE("empty"), slice_make(NULL, 0));
    store_batch_put(batch, STORE_PART, SLICE("k"), SLICE("another family's"));
    assert_int_equal(store_batch_count(batch), 3);
    assert_true(store_batch_size(batch) > 30);
    assert_true(store_commit(store, batch, true, NULL));
    store_batch_clear(batch);
    assert_int_equal(store_batch_count(batch), 0);
    store_batch_delete(batch, STORE_PART, SLICE("k"));
    store_batch_delete_range(batch, STORE_HOT, SLICE("e"), SLICE("f"));
    assert_true(store_commit(store, batch, true, NULL));
    store_batch_destroy(batch);

    CLEANUP_BUFFER struct buffer copy = BUFFER(100), small = BUFFER(3);
    assert_true(store_get_copy(store, STORE_HOT, SLICE("k"), &copy, NULL));
    assert_string_equal(buffer_string(&copy), "head-body");
    struct fault fault = {0};
    assert_false(store_get_copy(store, STORE_HOT, SLICE("k"), &small, &fault));
    assert_fault(&fault, FAULT_LIMIT, "9 bytes in the store's family hot");
    uint8_t fixed[9] = {0};
    assert_false(store_get_fixed(store, STORE_HOT, SLICE("k"), fixed, 8, &fault));
    assert_fault(&fault, FAULT_FORMAT, "has 9 bytes instead of 8");
    assert_int_equal(fixed[0], 0);
    assert_false(store_get_copy(store, STORE_PART, SLICE("k"), &copy, &fault));
    assert_fault(&fault, FAULT_MISSING, "part");
    assert_false(store_get_copy(store, STORE_HOT, SLICE("empty"), &copy, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    store_close(store);
}

static void what_is_too_large_is_refused_at_the_commit_and_nothing_of_it_written(void **state) {
    struct store *store = open_here(state);
    struct store_batch *batch = store_batch_create(store);
    struct fault fault = {0};
    char *large = calloc(1, STORE_VALUE_MOST + 1);

    store_batch_put(batch, STORE_HOT, SLICE("good"), SLICE("x"));
    store_batch_put(batch, STORE_TILE, slice_make(large, STORE_KEY_MOST + 1), SLICE("x"));
    assert_false(store_commit(store, batch, true, &fault));
    assert_fault(&fault, FAULT_LIMIT, "a key of 1025 bytes is too long (1024)");
    assert_string_equal(fault.place, "store family tile");
    store_batch_clear(batch);
    store_batch_put(batch, STORE_HOT, SLICE("k"), slice_make(large, STORE_VALUE_MOST + 1));
    store_batch_put(batch, STORE_HOT, SLICE("good"), SLICE("x"));
    assert_false(store_commit(store, batch, true, &fault));
    assert_fault(&fault, FAULT_LIMIT, "a value of 16777217 bytes");
    store_batch_clear(batch);
    const struct slice halves[] = {slice_make(large, STORE_VALUE_MOST / 2 + 1),
                                   slice_make(large, STORE_VALUE_MOST / 2)};
    store_batch_put_parts(batch, STORE_HOT, SLICE("k"), halves, 2);
    assert_false(store_commit(store, batch, true, &fault));
    store_batch_clear(batch);
    const struct slice many[STORE_PARTS_MOST + 1] = {{NULL, 0}};
    store_batch_put_parts(batch, STORE_HOT, SLICE("k"), many, STORE_PARTS_MOST + 1);
    assert_false(store_commit(store, batch, true, &fault));
    assert_fault(&fault, FAULT_LIMIT, "more than 8 parts");
    store_batch_clear(batch);
    for (unsigned i = 0; i < 5; i++)
        store_batch_put(batch, STORE_HOT, SLICE("k"), slice_make(large, STORE_VALUE_MOST));
    assert_false(store_commit(store, batch, true, &fault));
    assert_fault(&fault, FAULT_LIMIT, "the batch is larger");
    assert_false(store_get_copy(store, STORE_HOT, SLICE("good"), NULL, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    store_batch_clear(batch);
    store_batch_put(batch, STORE_HOT, SLICE("good"), slice_make(large, STORE_VALUE_MOST));
    assert_true(store_commit(store, batch, true, NULL));
    store_batch_destroy(batch);
    free(large);
    store_close(store);
}

static void an_empty_commit_syncs_what_came_before(void **state) {
    struct store *store = open_here(state);
    struct store_batch *batch = store_batch_create(store);
    assert_true(store_commit(store, batch, true, NULL));
    assert_true(fixture_commit(store, 1, 10, false, NULL));
    assert_true(store_commit(store, batch, true, NULL));
    struct store_statistics s;
    store_statistics(store, &s);
    assert_int_equal(s.commits, 3);
    assert_int_equal(s.syncs, 2);
    store_batch_destroy(batch);
    store_close(store);
}

/* --- Cursors --- */

static void put(struct store *store, enum store_family family, struct slice key, struct slice value) {
    struct store_batch *batch = store_batch_create(store);
    store_batch_put(batch, family, key, value);
    assert_true(store_commit(store, batch, false, NULL));
    store_batch_destroy(batch);
}

static void assert_on(const struct store_cursor *cursor, struct slice key) {
    struct slice found = store_cursor_key(cursor);
    if (!slice_equal(found, key))
        fail_msg("expected %.*s, found %.*s", SLICE_ARG(key), SLICE_ARG(found));
}

static void a_cursor_stays_within_its_prefix_in_both_directions(void **state) {
    struct store *store = open_here(state);
    static const char *const keys[] = {"a", "ab1", "ab2", "ab3", "ac", "b", "\xff\xff", "\xff\xff\x01"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        put(store, STORE_INDEX, slice_string(keys[i]), slice_string(keys[i]));
        if (i == 3)
            assert_true(store_flush(store, NULL)); /* half of it in files */
    }
    struct store_cursor *c = store_cursor_create(store, STORE_INDEX, NULL, SLICE("ab"));
    assert_false(store_cursor_next(c)); /* from nowhere */
    assert_false(store_cursor_previous(c));
    assert_null(store_cursor_key(c).data);
    assert_true(store_cursor_first(c));
    assert_on(c, SLICE("ab1"));
    assert_true(store_cursor_next(c) && store_cursor_next(c));
    assert_true(slice_equal(store_cursor_value(c), SLICE("ab3")));
    assert_false(store_cursor_next(c));
    assert_false(store_cursor_next(c));
    assert_true(store_cursor_last(c));
    assert_on(c, SLICE("ab3"));
    assert_true(store_cursor_previous(c) && store_cursor_previous(c));
    assert_false(store_cursor_previous(c));
    assert_true(store_cursor_at_or_after(c, SLICE("a")));
    assert_on(c, SLICE("ab1"));
    assert_true(store_cursor_at_or_after(c, SLICE("ab11")));
    assert_on(c, SLICE("ab2"));
    assert_false(store_cursor_at_or_after(c, SLICE("ab4")));
    assert_true(store_cursor_at_or_before(c, SLICE("zzz")));
    assert_on(c, SLICE("ab3"));
    assert_true(store_cursor_at_or_before(c, SLICE("ab2")));
    assert_on(c, SLICE("ab2"));
    assert_false(store_cursor_at_or_before(c, SLICE("aa")));
    assert_true(store_cursor_good(c, NULL));
    store_cursor_destroy(c);

    c = store_cursor_create(store, STORE_INDEX, NULL,
                            SLICE("\xff\xff")); /* nothing can stand behind this prefix */
    assert_true(store_cursor_last(c));
    assert_on(c, SLICE("\xff\xff\x01"));
    assert_true(store_cursor_first(c));
    assert_on(c, SLICE("\xff\xff"));
    store_cursor_destroy(c);

    c = store_cursor_create(store, STORE_INDEX, NULL, slice_make(NULL, 0));
    size_t count = 0;
    for (bool on = store_cursor_first(c); on; on = store_cursor_next(c))
        assert_on(c, slice_string(keys[count++]));
    assert_int_equal(count, sizeof keys / sizeof *keys);
    store_cursor_destroy(c);
    store_close(store);
}

static void a_snapshot_is_one_moment_over_all_families(void **state) {
    struct store *store = open_here(state);
    put(store, STORE_HOT, SLICE("a"), SLICE("old"));
    put(store, STORE_MARK, SLICE("a"), SLICE("old"));
    struct store_snapshot *snapshot = store_snapshot_create(store);
    put(store, STORE_HOT, SLICE("a"), SLICE("new"));
    put(store, STORE_HOT, SLICE("b"), SLICE("new"));
    put(store, STORE_MARK, SLICE("a"), SLICE("new"));
    assert_true(store_flush(store, NULL));
    static const enum store_family families[] = {STORE_HOT, STORE_MARK};
    for (size_t i = 0; i < 2; i++) {
        struct store_cursor *c = store_cursor_create(store, families[i], snapshot, slice_make(NULL, 0));
        assert_true(store_cursor_first(c));
        assert_true(slice_equal(store_cursor_value(c), SLICE("old")));
        assert_false(store_cursor_next(c));
        store_cursor_destroy(c);
    }
    store_snapshot_destroy(snapshot);
    store_close(store);
}

struct reader {
    struct store *store;
    atomic_bool stop;
    unsigned rounds;
    bool torn;
};

/* A commit is seen whole or not at all: the mark is never ahead of the body. */
static void *read_on(void *context) {
    struct reader *reader = context;
    while (!atomic_load(&reader->stop) || reader->rounds == 0) {
        struct store_snapshot *snapshot = store_snapshot_create(reader->store);
        struct store_cursor *mark = store_cursor_create(reader->store, STORE_MARK, snapshot, SLICE("next"));
        struct store_cursor *hot =
            store_cursor_create(reader->store, STORE_HOT, snapshot, slice_make(NULL, 0));
        bool some = store_cursor_first(mark);
        if (some != store_cursor_last(hot) ||
            (some && !slice_equal(store_cursor_value(mark), store_cursor_key(hot))))
            reader->torn = true;
        store_cursor_destroy(hot);
        store_cursor_destroy(mark);
        store_snapshot_destroy(snapshot);
        reader->rounds++;
    }
    return NULL;
}

static void readers_on_other_threads_see_whole_commits(void **state) {
    struct store *store = open_here(state);
    struct reader readers[2] = {{.store = store}, {.store = store}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    for (uint64_t i = 0; i < 2000; i++)
        assert_true(fixture_commit(store, i, 2000, false, NULL));
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&readers[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_false(readers[i].torn);
    }
    store_close(store);
}

/* --- Dropping --- */

static void a_dropped_range_is_gone_to_the_key_and_not_further(void **state) {
    struct store *store = open_here(state);
    uint8_t from[8], to[8];
    for (uint64_t i = 0; i < 2000; i++) {
        assert_true(fixture_commit(store, i, 1000, false, NULL));
        if (i % 256 == 255) /* a file ends exactly where the range will */
            assert_true(store_flush(store, NULL));
    }
    assert_true(
        store_drop_range(store, STORE_HOT, fixture_key(100, from), fixture_key(1023, to), false, NULL));
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 2000; i++)
            assert_int_equal(fixture_has(store, i, 1000), i < 100 || i >= 1023);
        if (round == 0) {
            assert_true(store_drop_range(store, STORE_HOT, fixture_key(100, from), fixture_key(1023, to),
                                         true, NULL));
        } else {
            store_close(store);
            store = open_here(state);
        }
    }
    /* The range is empty on the disk as well. */
    struct store_statistics s;
    store_statistics(store, &s);
    assert_in_range(s.families[STORE_HOT].keys, 900, 1200);
    assert_false(store_drop_range(store, STORE_HOT, SLICE(""), SLICE(""), false, NULL));
    store_close(store);
}

/* --- Death --- */

/* Every acknowledged number is there, and of the one under way all or nothing. Returns the last one there. */
static uint64_t check_acknowledged(void **state, uint64_t last, size_t size) {
    struct store *store = open_here(state);
    uint64_t next = fixture_next(store) < 0 ? 0 : (uint64_t)fixture_next(store);
    assert_in_range(next, last, last + 1);
    for (uint64_t i = 1; i <= next; i++)
        assert_true(fixture_has(store, i, fixture_child_size(i, size)));
    assert_false(fixture_has(store, next + 1, fixture_child_size(next + 1, size)));
    store_close(store);
    return next;
}

/* Kills the child in the midst of things: after some acknowledgements, or while it opens. */
static uint64_t kill_after(struct fixture_child *child, uint64_t first, unsigned acknowledgements) {
    uint64_t number = first - 1;
    for (unsigned i = 0; i < acknowledgements; i++) {
        assert_int_equal(read(child->acknowledgements, &number, sizeof number), sizeof number);
        assert_int_equal(number, first + i);
    }
    if (acknowledgements == 0)
        usleep((useconds_t)(rand() % 100000));
    kill(child->process, SIGKILL);
    uint64_t last;
    int status = fixture_child_wait(child, number + 1, &last);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void nothing_acknowledged_is_lost_when_the_process_is_killed(void **state) {
    enum { ROUNDS = 50, SIZE = 60000 };
    srand((unsigned)getpid());
    uint64_t last = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fixture_child child = fixture_child_start(fixture_path(state, "s"), last + 1, SIZE, 0);
        last = kill_after(&child, last + 1, (unsigned)(rand() % 25));
        last = check_acknowledged(state, last, SIZE);
    }
    assert_true(last > ROUNDS);
}

static void another_process_that_has_it_is_named(void **state) {
    struct fixture_child child = fixture_child_start(fixture_path(state, "s"), 1, 10, 0);
    uint64_t number;
    assert_int_equal(read(child.acknowledgements, &number, sizeof number), sizeof number);
    const struct store_options ways[] = {{.create = true}, {.read_only = true}};
    char expected[64];
    snprintf(expected, sizeof expected, "the collector is running (process %d)", child.process);
    for (size_t i = 0; i < 2; i++) {
        struct fault fault = {0};
        assert_null(store_open(fixture_path(state, "s"), &ways[i], &fault));
        assert_fault(&fault, FAULT_BUSY, expected);
    }
    check_acknowledged(state, kill_after(&child, 2, 1), 10);
}

static void statistics_count(void **state) {
    struct store *store = open_here(state);
    for (uint64_t i = 0; i < 10; i++)
        assert_true(fixture_commit(store, i, 10000, i == 0, NULL));
    assert_true(store_flush(store, NULL));
    struct store_statistics s;
    store_statistics(store, &s);
    assert_int_equal(s.commits, 10);
    assert_int_equal(s.syncs, 1);
    assert_int_equal(s.refusals, 0);
    assert_true(s.committed_bytes > 100000);
    assert_int_equal(s.families[STORE_HOT].keys, 10);
    assert_true(s.families[STORE_HOT].file_bytes > 100000);
    assert_int_equal(s.background_errors, 0);
    assert_false(s.stopped);
    assert_true(s.room.enough);
    assert_true(store_error(store, NULL));
    store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder_make, fixture_folder_remove)

/* Whether any file below the store holds these bytes. */
static bool on_disk(const char *path, struct slice bytes) {
    char folder[FILES_PATH_MOST];
    files_path(folder, path, "rocksdb");
    DIR *directory = opendir(folder);
    bool found = false;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char file[FILES_PATH_MOST];
        CLEANUP_BUFFER struct buffer content = BUFFER(64u << 20);
        files_path(file, folder, entry->d_name);
        found = found || (files_read(file, &content, NULL) && slice_find(buffer_slice(&content), bytes) != SIZE_MAX);
    }
    closedir(directory);
    return found;
}

static void what_was_deleted_is_in_no_file_once_it_is_written_out(void **state) {
    const char *path = fixture_path(state, "s");
    struct store *store = fixture_open(path, &(struct store_options){.create = true});
    assert_true(fixture_commit(store, 1, 300, true, NULL) && fixture_commit(store, 2, 300, true, NULL));
    store_close(store); /* a log that is read at a start stays after it */
    store = fixture_open(path, NULL);
    uint8_t from[8], to[8];
    struct slice one = fixture_key(1, from), two = fixture_key(2, to);
    struct store_batch *batch = store_batch_create(store);
    store_batch_delete(batch, STORE_HOT, one);
    assert_true(store_commit(store, batch, true, NULL));
    store_batch_destroy(batch);
    assert_true(on_disk(path, fixture_value(1, 300)));
    assert_true(store_flush(store, NULL) && store_compact(store, STORE_HOT, one, two, NULL));
    for (unsigned tries = 0; tries < 100 && on_disk(path, fixture_value(1, 300)); tries++)
        usleep(50000); /* files go in the background */
    assert_false(on_disk(path, fixture_value(1, 300)));
    assert_true(fixture_has(store, 2, 300));
    store_close(store);
}

int main(int argc, char **argv) {
    fixture_child_run(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(a_store_that_is_not_there_is_made_only_when_asked),
        TEST(what_was_committed_is_there_after_a_reopen),
        TEST(a_second_one_is_told_who_has_it),
        TEST(a_read_only_store_reads_the_log_too_and_writes_nothing),
        TEST(a_batch_is_reused_and_its_parts_are_joined),
        TEST(what_is_too_large_is_refused_at_the_commit_and_nothing_of_it_written),
        TEST(an_empty_commit_syncs_what_came_before),
        TEST(a_cursor_stays_within_its_prefix_in_both_directions),
        TEST(a_snapshot_is_one_moment_over_all_families),
        TEST(readers_on_other_threads_see_whole_commits),
        TEST(a_dropped_range_is_gone_to_the_key_and_not_further),
        TEST(what_was_deleted_is_in_no_file_once_it_is_written_out),
        TEST(nothing_acknowledged_is_lost_when_the_process_is_killed),
        TEST(another_process_that_has_it_is_named),
        TEST(statistics_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
