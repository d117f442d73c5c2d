/* A folder of backups: what a store holds comes back to the last key, with what was committed since; and what is missing,
 * foreign or damaged is refused. */
#include "store_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup_base.h"
#include "backup_follower.h"
#include "backup_log.h"
#include "backup_restore.h"
#include "backup_segments.h"
#include "bytes.h"
#include "checkpoint.h"
#include "ed25519.h"
#include "encoding.h"
#include "log_reader.h"
#include "memory.h"
#include "merkle.h"
#include "merkle_tile_builder.h"
#include "row.h"
#include "statement.h"

#define ORIGIN "ca.example/tocsin"
#define ENTRY_SIZE 416u
#define NOW 1700000000000000ull

static const uint8_t seed[ED25519_SEED_SIZE] = {7};
static const uint8_t the_key[BACKUP_KEY_SIZE] = {1, 2};
static const uint8_t other_key[BACKUP_KEY_SIZE] = {2, 1};

/* A site with a store, and the tree over its log. */
struct place {
    void **state;
    char data[FILES_PATH_MOST], store_path[FILES_PATH_MOST], folder[FILES_PATH_MOST], site[FILES_PATH_MOST];
    struct store *store;
    struct merkle_tile_builder *tree;
    struct signing_key *log_key;
    struct backup_site whose;
    uint64_t now_us, arrival;
    const char *missing_from;
};

static void write_file(const char *path, const char *text) {
    char folder[FILES_PATH_MOST];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_true(files_make_folder(folder, 0700, NULL));
    assert_true(files_write(path, slice_string(text), 0640, NULL));
}

static struct place place_open(void **state) {
    struct place place = {.state = state, .now_us = NOW};
    char text[2 * sizeof seed + 2], path[FILES_PATH_MOST + 32];
    snprintf(place.site, sizeof place.site, "%s", fixture_path(state, "site"));
    snprintf(place.data, sizeof place.data, "%s/data", fixture_path(state, "site"));
    snprintf(place.folder, sizeof place.folder, "%s", fixture_path(state, "backup"));
    snprintf(place.store_path, sizeof place.store_path, "%s",
             fixture_path(state, "site/data/collector/store"));
    encoding_hex(seed, sizeof seed, text);
    snprintf(path, sizeof path, "%s/collector/log.key", place.data);
    write_file(path, text);
    snprintf(path, sizeof path, "%s/collector/day.keys", place.data);
    write_file(path, "secret of the days");
    snprintf(path, sizeof path, "%s/collector.yaml", place.site);
    write_file(path, "listen: 127.0.0.1:0\n");
    snprintf(path, sizeof path, "%s/collector.d/10-mail.yaml", place.site);
    write_file(path, "mail: {}\n");
    place.store = fixture_open(place.store_path, NULL);
    place.tree = merkle_tile_builder_create();
    place.log_key = signing_key_create(seed);
    memcpy(place.whose.origin, ORIGIN, sizeof ORIGIN);
    place.whose.log = statement_log(SLICE(ORIGIN), signing_key_public(place.log_key));
    place.whose.key_id = backup_key_id(the_key);
    return place;
}

static void place_close(struct place *place) {
    store_close(place->store);
    merkle_tile_builder_destroy(place->tree);
    signing_key_destroy(place->log_key);
}

/* ---- filling */

static void put(struct store_batch *batch, enum store_family family, uint64_t number, struct slice value) {
    uint8_t key[8];
    store_batch_put(batch, family, fixture_key(number, key), value);
}

static void add_entry(struct place *place, struct store_batch *batch) {
    uint8_t entry[ENTRY_SIZE], number[8], batch_key[40];
    uint64_t index = merkle_tile_builder_size(place->tree);
    bool control = index % 5 == 0;
    memcpy(entry, fixture_value(index, sizeof entry).data, sizeof entry);
    memcpy(entry, control ? "tocsin/ctrl/v1\0" : "tocsin/batch/v1", 16);
    bytes_put_u64(entry + (control ? 16 : 56), index);
    bytes_put_u64(number, index);
    put(batch, STORE_ENTRY, index, slice_make(entry, sizeof entry));
    if (control) {
        put(batch, STORE_CONTROL, index, slice_make(number, 8));
    } else {
        memcpy(batch_key, entry + 16, 32);
        memcpy(batch_key + 32, entry + 56, 8);
        store_batch_put(batch, STORE_BATCH, slice_make(batch_key, sizeof batch_key), slice_make(number, 8));
        put(batch, STORE_CLASS_LIST, index, SLICE("list"));
    }
    struct hash leaf = merkle_leaf(slice_make(entry, sizeof entry));
    unsigned filled = merkle_tile_builder_add(place->tree, &leaf);
    for (unsigned level = 0; level < filled; level++) {
        struct merkle_tile tile;
        uint8_t key[9] = {(uint8_t)level};
        const struct hash *hashes = merkle_tile_builder_tile(place->tree, level, &tile);
        bytes_put_u64(key + 1, tile.index);
        store_batch_put(batch, STORE_TILE, slice_make(key, sizeof key),
                        slice_make(hashes, tile.width * sizeof *hashes));
    }
}

static void add_row(struct place *place, struct store_batch *batch, uint64_t close_of) {
    uint8_t row[ROW_HEAD + 8], stream[32] = {3};
    row_head(row, ROW_CLOSE, place->now_us, stream);
    bytes_put_u64(row + ROW_HEAD, close_of);
    put(batch, STORE_HOT, place->arrival++, slice_make(row, sizeof row));
}

/* One commit: so many entries, their rows, a checkpoint over all. */
static void grow(struct place *place, unsigned entries) {
    struct store_batch *batch = store_batch_create(place->store);
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct note_key key;
    uint8_t size[8];
    for (unsigned i = 0; i < entries; i++) {
        add_row(place, batch, merkle_tile_builder_size(place->tree));
        add_entry(place, batch);
    }
    struct checkpoint checkpoint = {SLICE(ORIGIN), merkle_tile_builder_size(place->tree),
                                    merkle_tile_builder_root(place->tree)};
    assert_true(note_key_make(NOTE_KEY_LOG, SLICE(ORIGIN), signing_key_public(place->log_key), &key, NULL));
    assert_true(checkpoint_sign(&note, &checkpoint, &key, place->log_key));
    put(batch, STORE_CHECKPOINT, checkpoint.size, buffer_slice(&note));
    bytes_put_u64(size, checkpoint.size);
    store_batch_put(batch, STORE_MARK, SLICE(LOG_SIZE_MARK), slice_make(size, sizeof size));
    store_batch_put(batch, STORE_STREAM, SLICE("stream"), slice_make(size, sizeof size));
    store_batch_put(batch, STORE_ALERT, slice_make(size, sizeof size), SLICE("alert"));
    assert_true(store_commit(place->store, batch, true, NULL));
    store_batch_destroy(batch);
}

static struct segment_row add_segment(struct place *place, uint64_t first, uint64_t last, const char *text) {
    struct segment_row row = {
        .class = 3, .day = 1, .first_index = first, .last_index = last, .bytes = strlen(text)};
    uint8_t key[SEGMENT_ROW_KEY], value[SEGMENT_ROW_SIZE];
    row.file = sha256_of(slice_string(text));
    assert_true(segment_files_write(place->store_path, &row, slice_string(text), NULL));
    segment_row_key(key, &row);
    segment_row_value(value, &row);
    struct store_batch *batch = store_batch_create(place->store);
    store_batch_put(batch, STORE_SEGMENT, slice_make(key, sizeof key), slice_make(value, sizeof value));
    assert_true(store_commit(place->store, batch, true, NULL));
    store_batch_destroy(batch);
    return row;
}

static void drop_segment(struct place *place, const struct segment_row *row) {
    uint8_t key[SEGMENT_ROW_KEY];
    segment_row_key(key, row);
    struct store_batch *batch = store_batch_create(place->store);
    store_batch_delete(batch, STORE_SEGMENT, slice_make(key, sizeof key));
    assert_true(store_commit(place->store, batch, true, NULL));
    store_batch_destroy(batch);
}

/* ---- making and restoring */

static struct backup_making *begin(struct place *place, const uint8_t key[BACKUP_KEY_SIZE],
                                   struct fault *fault) {
    struct backup_making_settings settings = {.folder = place->folder,
                                              .key = key,
                                              .site = &place->whose,
                                              .site_folder = place->site,
                                              .data_folder = place->data,
                                              .now_us = place->now_us++};
    return backup_making_begin(&settings, fault);
}

static bool make(struct place *place, struct backup_made *ret_made, struct fault *fault) {
    struct backup_making *making = begin(place, the_key, fault);
    struct store_snapshot *snapshot = store_snapshot_create(place->store);
    bool good = making && backup_walk(place->store, snapshot, backup_making_log_first(making),
                                      backup_making_take, making, fault);
    store_snapshot_destroy(snapshot);
    backup_making_at(making, store_sequence(place->store));
    good = good && backup_making_finish(making, place->store_path, ret_made, fault) &&
           backup_making_name(making, fault);
    backup_making_destroy(making);
    return good;
}

static void make_well(struct place *place, struct backup_made *ret_made) {
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    if (!make(place, ret_made, &fault))
        fail_msg("%s", fault_line(&fault, line));
}

static bool restore_to(struct place *place, const char *name, const char *set,
                       struct backup_restored *ret_restored, struct fault *fault) {
    static char data[FILES_PATH_MOST];
    snprintf(data, sizeof data, "%s/data", fixture_path(place->state, name));
    struct backup_restore_settings settings = {.folder = place->folder,
                                               .key = the_key,
                                               .set = set,
                                               .missing_from = place->missing_from,
                                               .site = fixture_path(place->state, name),
                                               .data = data};
    return backup_restore(&settings, ret_restored, fault);
}

static struct backup_restored restore_well(struct place *place, const char *name, const char *set) {
    struct backup_restored restored;
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    if (!restore_to(place, name, set, &restored, &fault))
        fail_msg("%s", fault_line(&fault, line));
    return restored;
}

static void assert_refused(struct place *place, const char *name, enum fault_code code, const char *part) {
    struct backup_restored restored;
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE], path[FILES_PATH_MOST];
    assert_false(restore_to(place, name, NULL, &restored, &fault));
    if (fault.code != code || !strstr(fault_line(&fault, line), part))
        fail_msg("expected %s \"%s\", found %s \"%s\"", fault_word(code), part, fault_word(fault.code),
                 fault_line(&fault, line));
    snprintf(path, sizeof path, "%s/data/collector/store", fixture_path(place->state, name));
    assert_false(files_exists(path));
}

/* Every key and value of all families is the same. */
static void assert_same(struct place *place, const char *name) {
    char path[FILES_PATH_MOST];
    snprintf(path, sizeof path, "%s/data/collector/store", fixture_path(place->state, name));
    struct store *other = fixture_open(path, &(struct store_options){.read_only = true});
    for (unsigned family = 0; family < STORE_FAMILIES; family++) {
        struct store_cursor *a =
            store_cursor_create(place->store, (enum store_family)family, NULL, SLICE(""));
        struct store_cursor *b = store_cursor_create(other, (enum store_family)family, NULL, SLICE(""));
        bool on_a = store_cursor_first(a), on_b = store_cursor_first(b);
        uint64_t rows = 0;
        for (; on_a && on_b; on_a = store_cursor_next(a), on_b = store_cursor_next(b), rows++)
            if (!slice_equal(store_cursor_key(a), store_cursor_key(b)) ||
                !slice_equal(store_cursor_value(a), store_cursor_value(b)))
                fail_msg("family %s: row %llu is another", store_family_row((enum store_family)family)->name,
                         (unsigned long long)rows);
        if (on_a != on_b)
            fail_msg("family %s: %s rows than %llu", store_family_row((enum store_family)family)->name,
                     on_a ? "fewer" : "more", (unsigned long long)rows);
        store_cursor_destroy(a);
        store_cursor_destroy(b);
    }
    store_close(other);
}

/* ---- tests */

static void all_that_a_store_holds_comes_back(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    CLEANUP_BUFFER struct buffer text = BUFFER(1000);
    grow(&place, 700);
    add_segment(&place, 1, 5, "a sealed segment");
    make_well(&place, &made);
    assert_int_equal(made.log_size, 700);
    assert_int_equal(made.segments, 1);
    assert_int_equal(made.bodies_from, 0);
    struct backup_restored restored = restore_well(&place, "new", NULL);
    assert_int_equal(restored.log_size, 700);
    assert_int_equal(restored.checkpoint_size, 700);
    assert_int_equal(restored.segments_missing, 0);
    assert_string_equal(restored.cut, "");
    assert_same(&place, "new");
    assert_true(files_read(fixture_path(state, "new/collector.d/10-mail.yaml"), &text, NULL));
    assert_string_equal(buffer_string(&text), "mail: {}\n");
    assert_true(files_read(fixture_path(state, "new/data/collector/store/segments/access/1/1-5.segment"),
                           &text, NULL));
    assert_string_equal(buffer_string(&text), "a sealed segment");
    /* The keys of days are in no ordinary backup. */
    assert_false(files_exists(fixture_path(state, "new/data/collector/day.keys")));
    assert_true(files_exists(fixture_path(state, "new/data/collector/log.key")));
    place_close(&place);
}

/* Keys that erasing must reach, other backups and logs, wherever in the site's folder they were put. */
static void what_belongs_in_no_backup_stays_out(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    static const char *const out[] = {
        "site/keys/day.keys", "site/keys/day.keys.x8Kw1q", "site/old/tocsin-backup",  "site/old/sets/x/base",
        "site/collector.log", "site/data/people/a.key",    "site/data/collector/lock"};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        write_file(fixture_path(state, out[i]), "out");
    write_file(fixture_path(state, "site/rules/own.yml"), "in");
    snprintf(place.folder, sizeof place.folder, "%s", fixture_path(state, "site/backup"));
    grow(&place, 10);
    make_well(&place, &made);
    make_well(&place, &made);
    restore_well(&place, "new", NULL);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        char path[FIXTURE_PATH];
        snprintf(path, sizeof path, "new%s", out[i] + 4);
        assert_false(files_exists(fixture_path(state, path)));
    }
    assert_true(files_exists(fixture_path(state, "new/rules/own.yml")));
    assert_false(files_exists(fixture_path(state, "new/backup")));
    place_close(&place);
}

static void the_log_is_written_once_and_shared(void **state) {
    struct place place = place_open(state);
    struct backup_made first, second, third;
    struct backup_run *runs;
    size_t count;
    grow(&place, 300);
    make_well(&place, &first);
    grow(&place, 40);
    make_well(&place, &second);
    make_well(&place, &third);
    assert_true(second.bytes < first.bytes && third.bytes < second.bytes);
    assert_true(backup_log_runs(place.folder, &runs, &count, NULL));
    assert_int_equal(count, 2);
    assert_int_equal(runs[1].first, 300);
    assert_int_equal(runs[1].end, 340);
    free(runs);
    restore_well(&place, "new", NULL);
    assert_same(&place, "new");
    /* The older one comes back as it was. */
    assert_int_equal(restore_well(&place, "old", first.set).log_size, 300);
    place_close(&place);
}

static void a_damaged_part_of_the_log_is_noticed_and_made_again(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct backup_run run = {0, 300};
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    struct fault fault = {0};
    grow(&place, 300);
    make_well(&place, &made);
    backup_log_path(path, place.folder, &run);
    assert_true(files_read(path, &file, NULL));
    file.data[file.size / 2] ^= 1;
    assert_true(files_write(path, buffer_slice(&file), 0600, NULL));
    assert_refused(&place, "new", FAULT_FORMAT, "00000000000000000300: chunk 0 was altered");
    grow(&place, 10);
    assert_false(make(&place, &made, &fault)); /* the only older file is drawn */
    assert_int_equal(fault.code, FAULT_FORMAT);
    make_well(&place, &made);
    restore_well(&place, "new", NULL);
    assert_same(&place, "new");
    place_close(&place);
}

static void a_damaged_copy_of_a_segment_is_noticed_and_made_again(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct fault fault = {0};
    char path[FILES_PATH_MOST];
    grow(&place, 10);
    struct segment_row row = add_segment(&place, 1, 5, "a sealed segment");
    make_well(&place, &made);
    assert_int_equal(made.copied, 1);
    segment_files_path(path, place.folder, &row);
    assert_true(files_write(path, SLICE("a sealed sEgment"), 0600, NULL));
    assert_false(backup_segment_check(place.folder, &row, &fault));
    assert_false(make(&place, &made, &fault));
    make_well(&place, &made);
    assert_int_equal(made.copied, 1);
    assert_true(backup_segment_check(place.folder, &row, &fault));
    /* One that is not the row's is never copied. */
    segment_files_drop(place.folder, &row, NULL);
    segment_files_path(path, place.store_path, &row);
    assert_true(files_write(path, SLICE("a sealed sEgment"), 0600, NULL));
    assert_false(backup_segment_copy(place.store_path, place.folder, &row, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    segment_files_path(path, place.folder, &row);
    assert_false(files_exists(path));
    place_close(&place);
}

static void a_folder_is_one_logs_and_one_keys(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct fault fault = {0};
    int first, second;
    grow(&place, 10);
    make_well(&place, &made);
    struct backup_site site = place.whose;
    site.log.bytes[0] ^= 1;
    assert_false(backup_folder_take(place.folder, &site, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    site = place.whose;
    site.key_id = backup_key_id(other_key);
    fault = (struct fault){0};
    assert_false(backup_folder_take(place.folder, &site, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_true(backup_folder_lock(place.folder, &first, &fault));
    assert_false(backup_folder_lock(place.folder, &second, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    files_unlock(first);
    place_close(&place);
}

static void sets_stay_in_order_when_a_clock_goes_back(void **state) {
    struct place place = place_open(state);
    struct backup_made ahead, now, later;
    grow(&place, 10);
    place.now_us = NOW + 1000ull * 86400 * 1000000;
    make_well(&place, &ahead);
    place.now_us = NOW;
    make_well(&place, &now);
    make_well(&place, &later);
    assert_string_equal(ahead.set, "20260810T221320.000000Z");
    assert_string_equal(now.set, "20260810T221320.000001Z");
    assert_string_equal(later.set, "20260810T221320.000002Z");
    grow(&place, 10);
    assert_int_equal(restore_well(&place, "new", NULL).log_size, 10);
    place_close(&place);
}

static void a_shorter_log_is_not_put_behind_a_longer_one(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct fault fault = {0};
    uint8_t size[8];
    grow(&place, 20);
    make_well(&place, &made);
    struct store_batch *batch = store_batch_create(place.store);
    bytes_put_u64(size, 12);
    store_batch_put(batch, STORE_MARK, SLICE(LOG_SIZE_MARK), slice_make(size, sizeof size));
    assert_true(store_commit(place.store, batch, true, NULL));
    store_batch_destroy(batch);
    assert_false(make(&place, &made, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    place_close(&place);
}

static void a_log_that_no_checkpoint_signs_is_refused(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    uint8_t key[8];
    grow(&place, 20);
    struct store_batch *batch = store_batch_create(place.store);
    CLEANUP_BUFFER struct buffer entry = BUFFER(1000);
    assert_true(store_get_copy(place.store, STORE_ENTRY, fixture_key(7, key), &entry, NULL));
    entry.data[100] ^= 1;
    store_batch_put(batch, STORE_ENTRY, fixture_key(7, key), buffer_slice(&entry));
    assert_true(store_commit(place.store, batch, true, NULL));
    store_batch_destroy(batch);
    make_well(&place, &made);
    assert_refused(&place, "new", FAULT_CONFLICT, "not the one that its newest checkpoint signs");
    place_close(&place);
}

/* ---- following */

static struct backup_follower *follow(struct place *place) {
    static char folder[FILES_PATH_MOST], store_path[FILES_PATH_MOST];
    memcpy(folder, place->folder, sizeof folder);
    memcpy(store_path, place->store_path, sizeof store_path);
    struct backup_follower_settings settings = {place->store, folder, store_path};
    struct fault fault = {0};
    struct backup_follower *follower = backup_follower_start(&settings, &fault);
    assert_non_null(follower);
    return follower;
}

/* A set that is followed from its moment on; `between` is committed after the following began and before the snapshot. */
static struct backup_made make_followed(struct place *place, struct backup_follower *follower,
                                        unsigned between) {
    struct backup_made made;
    struct fault fault = {0};
    uint64_t sequence;
    struct backup_making *making = begin(place, the_key, &fault);
    assert_non_null(making);
    struct backup_writer *writer = backup_making_follow(making, &fault);
    assert_true(writer && backup_follower_add(follower, writer, backup_making_set(making)));
    if (between)
        grow(place, between);
    struct store_snapshot *snapshot = backup_follower_snapshot(follower, &sequence);
    backup_making_at(making, sequence);
    if (between)
        grow(place, between);
    assert_true(backup_walk(place->store, snapshot, backup_making_log_first(making), backup_making_take,
                            making, &fault));
    store_snapshot_destroy(snapshot);
    assert_true(backup_making_finish(making, place->store_path, &made, &fault));
    assert_true(backup_follower_switch(follower, &fault));
    assert_true(backup_making_name(making, &fault));
    backup_making_destroy(making);
    return made;
}

static void what_was_committed_since_comes_back(void **state) {
    struct place place = place_open(state);
    struct backup_follower *follower = follow(&place);
    uint8_t from[8], to[8];
    grow(&place, 100);
    make_followed(&place, follower, 30);
    for (unsigned i = 0; i < 20; i++)
        grow(&place, 17);
    struct store_batch *batch = store_batch_create(place.store);
    store_batch_delete(batch, STORE_STREAM, SLICE("stream"));
    store_batch_delete_range(batch, STORE_HOT, fixture_key(5, from), fixture_key(200, to));
    assert_true(store_commit(place.store, batch, true, NULL));
    store_batch_destroy(batch);
    backup_follower_stop(follower);
    struct backup_restored restored = restore_well(&place, "new", NULL);
    assert_int_equal(restored.log_size, 500);
    assert_int_equal(restored.commits, 22);
    assert_string_equal(restored.cut, "");
    assert_same(&place, "new");
    place_close(&place);
}

static void following_goes_on_after_a_stop_and_not_after_a_hole(void **state) {
    struct place place = place_open(state);
    struct fault fault = {0};
    struct backup_follower *follower = follow(&place);
    grow(&place, 10);
    make_followed(&place, follower, 0);
    grow(&place, 10);
    backup_follower_stop(follower);
    follower = follow(&place);
    assert_true(backup_follower_resume(follower, the_key, &place.whose.log, &fault));
    assert_true(backup_follower_state(follower).following);
    grow(&place, 10);
    backup_follower_stop(follower);
    restore_well(&place, "new", NULL);
    assert_same(&place, "new");
    grow(&place, 10); /* unheard */
    follower = follow(&place);
    assert_false(backup_follower_resume(follower, the_key, &place.whose.log, &fault));
    assert_int_equal(fault.code, FAULT_NONE);
    backup_follower_stop(follower);
    place_close(&place);
}

static void a_commit_that_is_missing_shows(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct fault fault = {0};
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer records = BUFFER(1000);
    grow(&place, 10);
    place.now_us = NOW;
    make_well(&place, &made);
    struct backup_header header = {.kind = BACKUP_FOLLOW, .made_us = NOW, .log = place.whose.log, .set = NOW};
    backup_follow_path(path, place.folder, made.set, 0);
    struct backup_writer *writer = backup_writer_create(path, the_key, &header, &fault);
    uint64_t at = store_sequence(place.store);
    backup_commit_write(&records, &(struct backup_commit){at, at + 2, NOW + 1});
    backup_commit_write(&records, &(struct backup_commit){at + 3, at + 4, NOW + 2});
    assert_true(backup_writer_put_all(writer, buffer_slice(&records), &fault) &&
                backup_writer_end(writer, &fault));
    backup_writer_destroy(writer);
    assert_refused(&place, "new", FAULT_FORMAT, "a commit is missing");
    place_close(&place);
}

static void damage_base(struct place *place, const char *set) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer file = BUFFER(1 << 20);
    assert_true(backup_set_path(path, place->folder, set, "base"));
    assert_true(files_read(path, &file, NULL));
    file.data[file.size / 2] ^= 1;
    assert_true(files_write(path, buffer_slice(&file), 0600, NULL));
}

static void what_a_set_without_a_good_base_was_followed_by_goes_on_from_an_older_one(void **state) {
    struct place place = place_open(state);
    struct backup_follower *follower = follow(&place);
    grow(&place, 100);
    struct backup_made first = make_followed(&place, follower, 30);
    grow(&place, 17);
    struct backup_made second = make_followed(&place, follower, 5);
    for (unsigned i = 0; i < 20; i++)
        grow(&place, 17);
    backup_follower_stop(follower);
    damage_base(&place, second.set);
    assert_refused(&place, "refused", FAULT_FORMAT, "altered");
    uint64_t alone = restore_well(&place, "alone", first.set).log_size;
    assert_true(alone < merkle_tile_builder_size(place.tree));
    place.missing_from = place.folder;
    assert_int_equal(restore_well(&place, "new", first.set).log_size, merkle_tile_builder_size(place.tree));
    assert_same(&place, "new");
    place_close(&place);
}

/* A follow file of a set that has no base here, whose only commit goes on from where the store stands: one log entry at
 * `index`, under a checkpoint of `size` entries (0: none) by this log's key. */
static void forge_follow(struct place *place, const char *set, uint64_t index, uint64_t size) {
    char path[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    uint8_t key[8], value[8];
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer records = BUFFER(1 << 16);
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct backup_header header = {
        .kind = BACKUP_FOLLOW, .made_us = NOW, .log = place->whose.log, .set = backup_set_time(set)};
    uint64_t at = store_sequence(place->store);
    struct note_key log;
    const struct checkpoint checkpoint = {SLICE(ORIGIN), size, {{1}}};
    bytes_put_u64(value, size ? size : index + 1);
    const struct backup_record rows[] = {
        {BACKUP_PUT, STORE_ENTRY, fixture_key(index, key), fixture_value(index, ENTRY_SIZE)},
        {BACKUP_PUT, STORE_MARK, SLICE(LOG_SIZE_MARK), slice_make(value, 8)}};
    for (size_t i = 0; i < 2; i++)
        assert_true(backup_record_write(&records, &rows[i]));
    if (size) {
        assert_true(note_key_make(NOTE_KEY_LOG, SLICE(ORIGIN), signing_key_public(place->log_key), &log, NULL));
        assert_true(checkpoint_sign(&note, &checkpoint, &log, place->log_key));
        assert_true(backup_record_write(&records, &(struct backup_record){BACKUP_PUT, STORE_CHECKPOINT,
                                                                           slice_make(value, 8), buffer_slice(&note)}));
    }
    backup_commit_write(&records, &(struct backup_commit){at, at + 2, NOW + 1});
    assert_true(backup_set_path(folder, place->folder, set, NULL) && files_make_folder(folder, 0700, NULL));
    assert_true(backup_follow_path(path, place->folder, set, 0) && files_remove(path, NULL));
    struct backup_writer *writer = backup_writer_create(path, the_key, &header, &fault);
    assert_true(backup_writer_put_all(writer, buffer_slice(&records), &fault) && backup_writer_end(writer, &fault));
    backup_writer_destroy(writer);
}

static void commits_that_go_on_by_their_numbers_alone_are_not_taken(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    static const char later[] = "20300101T000000.000000Z";
    grow(&place, 10);
    make_well(&place, &made);
    place.missing_from = place.folder;
    forge_follow(&place, later, 20, 0); /* of a log that has gone on elsewhere */
    assert_int_equal(restore_well(&place, "elsewhere", made.set).log_size, 10);
    forge_follow(&place, later, 10, 0);
    struct backup_restored restored;
    struct fault fault = {0};
    assert_false(restore_to(&place, "unsigned", made.set, &restored, &fault));
    assert_non_null(strstr(fault.text, "no checkpoint"));
    fault = (struct fault){0};
    forge_follow(&place, later, 10, 11);
    assert_false(restore_to(&place, "another", made.set, &restored, &fault));
    assert_non_null(strstr(fault.text, "another tree"));
    assert_false(files_exists(fixture_path(state, "another/data/collector/store")));
    place_close(&place);
}

static void what_is_missing_comes_from_backups_of_the_same_log_alone(void **state) {
    struct place place = place_open(state);
    struct backup_made made;
    struct backup_restored restored;
    struct fault fault = {0};
    char other[FILES_PATH_MOST];
    struct backup_site site = place.whose;
    grow(&place, 10);
    make_well(&place, &made);
    snprintf(other, sizeof other, "%s", fixture_path(state, "other"));
    place.missing_from = other;
    assert_false(restore_to(&place, "new", NULL, &restored, &fault)); /* it is not there */
    site.log.bytes[0] ^= 1;
    fault = (struct fault){0};
    assert_true(backup_folder_take(other, &site, &fault));
    assert_false(restore_to(&place, "new", NULL, &restored, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    place_close(&place);
}

static void copies_of_segments_come_and_go_with_their_rows(void **state) {
    struct place place = place_open(state);
    struct fault fault = {0};
    char early_path[FILES_PATH_MOST], late_path[FILES_PATH_MOST];
    struct backup_follower *follower = follow(&place);
    grow(&place, 10);
    make_followed(&place, follower, 0);
    backup_follower_bodies_from(follower, 10); /* everything before is sealed, let us say */
    struct segment_row early = add_segment(&place, 1, 9, "early"), late = add_segment(&place, 10, 12, "late");
    segment_files_path(early_path, place.folder, &early);
    segment_files_path(late_path, place.folder, &late);
    make_followed(&place, follower, 0);
    assert_true(backup_segment_check(place.folder, &early, &fault) &&
                backup_segment_check(place.folder, &late, &fault));
    backup_follower_bodies_from(follower, 10);
    drop_segment(&place, &early);
    make_followed(&place, follower, 0); /* everything was heard then */
    assert_false(files_exists(early_path));
    assert_false(backup_follower_state(follower).renew);
    drop_segment(&place, &late);
    make_followed(&place, follower, 0);
    assert_false(files_exists(late_path));
    assert_true(backup_follower_state(follower).renew);
    backup_follower_stop(follower);
    place_close(&place);
}

static void a_backup_disk_that_fails_stops_the_following_alone(void **state) {
    struct place place = place_open(state);
    struct backup_follower *follower = follow(&place);
    struct fault fault = {0};
    /* Its file may hold no more than this process is allowed to. */
    grow(&place, 10);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    struct backup_making *making = begin(&place, the_key, &fault);
    struct backup_writer *writer = backup_making_follow(making, &fault);
    assert_true(backup_follower_add(follower, writer, "x"));
    for (int descriptor = 3; descriptor < 64; descriptor++) {
        char link[64], target[FILES_PATH_MOST] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        if (readlink(link, target, sizeof target - 1) > 0 && strstr(target, "follow-000000"))
            assert_true(dup2(full, descriptor) == descriptor);
    }
    close(full);
    grow(&place, 10);
    assert_false(backup_follower_switch(follower, &fault));
    assert_int_equal(fault.code, FAULT_SPACE);
    assert_false(backup_follower_state(follower).following);
    backup_follower_drop(follower);
    backup_making_destroy(making);
    grow(&place, 10); /* the store goes on */
    make_followed(&place, follower, 3);
    assert_true(backup_follower_state(follower).following);
    backup_follower_stop(follower);
    restore_well(&place, "new", NULL);
    assert_same(&place, "new");
    place_close(&place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_folder_make, fixture_folder_remove)

int main(int argc, char **argv) {
    fixture_child_run(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(all_that_a_store_holds_comes_back),
        TEST(what_belongs_in_no_backup_stays_out),
        TEST(the_log_is_written_once_and_shared),
        TEST(a_damaged_part_of_the_log_is_noticed_and_made_again),
        TEST(a_damaged_copy_of_a_segment_is_noticed_and_made_again),
        TEST(a_folder_is_one_logs_and_one_keys),
        TEST(sets_stay_in_order_when_a_clock_goes_back),
        TEST(a_shorter_log_is_not_put_behind_a_longer_one),
        TEST(a_log_that_no_checkpoint_signs_is_refused),
        TEST(what_was_committed_since_comes_back),
        TEST(following_goes_on_after_a_stop_and_not_after_a_hole),
        TEST(a_commit_that_is_missing_shows),
        TEST(what_a_set_without_a_good_base_was_followed_by_goes_on_from_an_older_one),
        TEST(commits_that_go_on_by_their_numbers_alone_are_not_taken),
        TEST(what_is_missing_comes_from_backups_of_the_same_log_alone),
        TEST(copies_of_segments_come_and_go_with_their_rows),
        TEST(a_backup_disk_that_fails_stops_the_following_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
