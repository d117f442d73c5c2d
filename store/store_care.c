#include <stdlib.h>

#include "memory.h"
#include "store_internal.h"

#define DAMAGES_MOST 10000u /* in one family; then the disk is beyond counting */

/* --- Scrub --- */

struct scrub {
    const struct store *store;
    const struct store_scrub_report *report;
    enum store_family family;
    rocksdb_iterator_t *iterator;
    struct buffer last;  /* the last key read well */
    struct buffer until; /* the largest key of the file that is damaged */
    uint64_t bytes, next_step, damages;
};

/* The largest key of the file whose number stands in the error; false where none does. */
static bool damaged_file_end(struct scrub *scrub, const char *text) {
    const rocksdb_livefiles_t *files = rocksdb_livefiles(scrub->store->db);
    bool found = false;
    for (int i = 0; files && i < rocksdb_livefiles_count(files) && !found; i++) {
        size_t size = 0;
        const char *largest = rocksdb_livefiles_largestkey(files, i, &size);
        found = strcmp(rocksdb_livefiles_column_family_name(files, i),
                       store_family_row(scrub->family)->name) == 0 &&
                strstr(text, rocksdb_livefiles_name(files, i)) != NULL;
        if (found) {
            buffer_clear(&scrub->until);
            buffer_append(&scrub->until, largest, size);
        }
    }
    if (files)
        rocksdb_livefiles_destroy(files);
    return found;
}

static int key_compare(struct slice a, struct slice b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Says what is damaged and goes on behind it. False where there is no way on in this family. */
static bool scrub_damage(struct scrub *scrub, const char *text) {
    bool on = damaged_file_end(scrub, text) && scrub->damages < DAMAGES_MOST &&
              key_compare(buffer_slice(&scrub->until), buffer_slice(&scrub->last)) > 0;
    struct slice until = on ? buffer_slice(&scrub->until) : slice_make(NULL, 0);
    const struct store_damage damage = {scrub->family, buffer_slice(&scrub->last), until, text};
    scrub->damages++;
    scrub->report->damage(scrub->report->context, &damage);
    if (!on)
        return false; /* the rest of the family cannot be read past it */
    /* The next key after `until` is `until` with a zero behind it. */
    buffer_clear(&scrub->last);
    buffer_append_slice(&scrub->last, until);
    buffer_append(&scrub->until, "", 1);
    rocksdb_iter_seek(scrub->iterator, store_bytes(buffer_slice(&scrub->until)), scrub->until.size);
    return true;
}

/* Reads on to the next damage or the end. False when the caller wants to stop. */
static bool scrub_on(struct scrub *scrub) {
    for (; rocksdb_iter_valid(scrub->iterator); rocksdb_iter_next(scrub->iterator)) {
        size_t key_size, value_size;
        const char *key = rocksdb_iter_key(scrub->iterator, &key_size);
        rocksdb_iter_value(scrub->iterator, &value_size);
        buffer_clear(&scrub->last);
        buffer_append(&scrub->last, key, key_size);
        scrub->bytes += key_size + value_size;
        if (scrub->bytes < scrub->next_step)
            continue;
        scrub->next_step = scrub->bytes + STORE_SCRUB_STEP;
        const struct store_scrub_report *report = scrub->report;
        if (report->step && !report->step(report->context, scrub->family, scrub->bytes))
            return false;
    }
    return true;
}

static bool scrub_family(struct scrub *scrub, const rocksdb_readoptions_t *options) {
    buffer_clear(&scrub->last);
    scrub->iterator =
        rocksdb_create_iterator_cf(scrub->store->db, options, scrub->store->families[scrub->family]);
    rocksdb_iter_seek_to_first(scrub->iterator);
    bool wanted = true;
    for (bool more = true; more && wanted;) {
        wanted = scrub_on(scrub);
        char *error = NULL;
        rocksdb_iter_get_error(scrub->iterator, &error);
        more = wanted && error && scrub_damage(scrub, error);
        free(error);
    }
    rocksdb_iter_destroy(scrub->iterator);
    return wanted;
}

bool store_scrub(const struct store *store, const struct store_scrub_report *report, uint64_t *ret_damages,
                 struct fault *fault) {
    struct scrub scrub = {
        .store = store,
        .report = report,
        .last = BUFFER(STORE_KEY_MOST + 1),
        .until = BUFFER(STORE_KEY_MOST + 1),
        .next_step = STORE_SCRUB_STEP,
    };
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(options, 1);
    rocksdb_readoptions_set_fill_cache(options, 0);
    bool whole = true;
    for (unsigned i = 0; i < STORE_FAMILIES && whole; i++) {
        scrub.family = i;
        whole = scrub_family(&scrub, options);
    }
    rocksdb_readoptions_destroy(options);
    buffer_free(&scrub.last);
    buffer_free(&scrub.until);
    if (!whole)
        return fault_set(fault, FAULT_BUSY, "the scrub was stopped before its end");
    *ret_damages = scrub.damages;
    return true;
}

/* --- State --- */

bool store_error(const struct store *store, struct fault *fault) {
    struct store *shared = (struct store *)(uintptr_t)store; /* the lock alone is changed */
    pthread_mutex_lock(&shared->failure_lock);
    bool failed = store->failed;
    if (failed && fault)
        *fault = store->failure;
    pthread_mutex_unlock(&shared->failure_lock);
    return !failed;
}

static uint64_t property(const struct store *store, const char *name) {
    uint64_t value = 0;
    return rocksdb_property_int(store->db, name, &value) == 0 ? value : 0;
}

static uint64_t family_property(const struct store *store, unsigned family, const char *name) {
    uint64_t value = 0;
    return rocksdb_property_int_cf(store->db, store->families[family], name, &value) == 0 ? value : 0;
}

void store_statistics(const struct store *store, struct store_statistics *ret_statistics) {
    struct store_statistics s = {
        .ballast_bytes = atomic_load(&store->ballast_made) ? store->ballast_bytes : 0,
        .commits = atomic_load(&store->counts.commits),
        .syncs = atomic_load(&store->counts.syncs),
        .refusals = atomic_load(&store->counts.refusals),
        .committed_bytes = atomic_load(&store->counts.committed_bytes),
        .cache_bytes = rocksdb_cache_get_usage(store->cache),
        .running_compactions = property(store, "rocksdb.num-running-compactions"),
        .running_flushes = property(store, "rocksdb.num-running-flushes"),
        .background_errors = property(store, "rocksdb.background-errors"),
        .stopped = property(store, "rocksdb.is-write-stopped") != 0,
    };
    store_room(store, &s.room, NULL);
    for (unsigned i = 0; i < STORE_FAMILIES; i++) {
        s.families[i].keys = family_property(store, i, "rocksdb.estimate-num-keys");
        s.families[i].file_bytes = family_property(store, i, "rocksdb.total-sst-files-size");
        s.file_bytes += s.families[i].file_bytes;
        s.memory_bytes += family_property(store, i, "rocksdb.size-all-mem-tables") +
                          family_property(store, i, "rocksdb.estimate-table-readers-mem");
        s.pending_compaction_bytes += family_property(store, i, "rocksdb.estimate-pending-compaction-bytes");
    }
    *ret_statistics = s;
}
