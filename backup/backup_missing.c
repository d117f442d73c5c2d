/* What another folder of backups has beyond the set that is restored: commits that go on from it, of any of its sets, whose
 * base need not be readable. The collector has been in the state that comes out of it; and the log that it makes is signed.
 *
 * A store that was restored counts its sequence anew, so a number alone does not say that a commit goes on from here: first
 * the commits are only looked at, and each log entry must stand where the next one is due; in the end the tree over all
 * entries, made anew, must be the one that the newest checkpoint signs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup_folder.h"
#include "backup_restore_inside.h"
#include "bytes.h"
#include "checkpoint.h"
#include "memory.h"
#include "merkle.h"

#define ENTRY_MOST 65535u

struct trial {
    uint64_t sequence, size; /* as far as commits were seen to go on */
    uint64_t first, count;   /* entries of the commit that is being read */
    uint64_t commits;
    bool fits;
};

static void try_row(struct trial *trial, const struct backup_record *record) {
    if (record->kind != BACKUP_PUT || record->family != STORE_ENTRY)
        return;
    uint64_t index = record->key.size == 8 ? bytes_get_u64(record->key.data) : UINT64_MAX;
    if (trial->count == 0)
        trial->first = index;
    trial->fits = trial->fits && index == trial->first + trial->count;
    trial->count++;
}

static bool try_commit(struct trial *trial, const struct backup_record *record, struct fault *fault) {
    struct backup_commit commit;
    if (!backup_commit_read(record, &commit, fault))
        return false;
    if (commit.after > trial->sequence) {
        trial->fits = trial->fits && commit.before == trial->sequence && commit.after > commit.before &&
                      (trial->count == 0 || trial->first == trial->size);
        trial->sequence = commit.after;
        trial->size += trial->count;
        trial->commits++;
    } else
        trial->fits = true; /* what it holds is here already, or was before */
    trial->count = 0;
    return true;
}

static void try_file(void *context, struct backup_reader *reader, struct fault *fault) {
    struct trial *trial = context;
    struct backup_record record;
    bool good = true;
    while (good && trial->fits && backup_reader_next(reader, &record, fault)) {
        if (record.kind == BACKUP_COMMIT)
            good = try_commit(trial, &record, fault);
        else
            try_row(trial, &record);
    }
}

/* Whether the set's commits lead on from here, and by at least one. */
static bool leads_on(const struct restore *restore, const struct restore_set *set, uint64_t size) {
    struct trial trial = {.sequence = restore->sequence, .size = size, .fits = true};
    char cut[256], text[FILES_PATH_MOST + FAULT_LINE_SIZE], line[FAULT_LINE_SIZE];
    struct fault fault = {0};
    if (!restore_follow(restore, set, try_file, &trial, cut, &fault)) {
        snprintf(text, sizeof text, "what followed %s in %s: %s", set->name, set->folder,
                 fault_line(&fault, line));
        restore_say_missing(restore, text);
        return false;
    }
    return trial.fits && trial.commits > 0;
}

static bool size_of(const struct restore *restore, uint64_t *ret_size, struct fault *fault) {
    struct log_reader *log = log_reader_open(restore->store, fault);
    if (log)
        *ret_size = log_reader_size(log);
    log_reader_destroy(log);
    return log != NULL;
}

static bool take_set(struct restore *restore, const struct restore_set *set, bool *ret_taken,
                     struct fault *fault) {
    uint64_t size, before = restore->sequence;
    if (!size_of(restore, &size, fault))
        return false;
    if (!leads_on(restore, set, size))
        return true;
    *restore->done.cut = '\0';
    bool good = restore_follow(restore, set, restore_followed_commits, restore, restore->done.cut, fault) &&
                restore_commit_step(restore, true, fault);
    *ret_taken = restore->sequence != before;
    return good;
}

/* In the order of their making, as long as one of them leads on. */
static bool take_all(struct restore *restore, const char *folder, struct fault *fault) {
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(BACKUP_SETS_MOST, sizeof *sets);
    size_t count = 0;
    bool good = backup_folder_sets(folder, sets, BACKUP_SETS_MOST, &count, fault), taken = good;
    while (good && taken) {
        taken = false;
        for (size_t i = 0; good && i < count; i++) {
            const struct restore_set set = {folder, sets[i], backup_set_time(sets[i])};
            good = take_set(restore, &set, &taken, fault);
        }
    }
    free(sets);
    return good;
}

/* ---- the tree again */

static bool add_entries(const struct restore *restore, struct merkle_tile_builder *tree, uint64_t size,
                        struct fault *fault) {
    CLEANUP_BUFFER struct buffer entry = BUFFER(ENTRY_MOST);
    while (merkle_tile_builder_size(tree) < size) {
        buffer_clear(&entry);
        if (!log_entry_get(restore->store, merkle_tile_builder_size(tree), &entry, fault))
            return false;
        struct hash leaf = merkle_leaf(buffer_slice(&entry));
        merkle_tile_builder_add(tree, &leaf);
    }
    return true;
}

static bool is_signed(const struct restore *restore, struct merkle_tile_builder *tree, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_MOST);
    struct note note;
    struct checkpoint newest;
    uint64_t size;
    struct hash root;
    if (!log_checkpoint_newest(restore->store, &size, &text, fault) ||
        !note_read(buffer_slice(&text), &note, fault) || !checkpoint_text_read(note.text, &newest, fault))
        return false;
    if (size <= merkle_tile_builder_size(tree))
        return fault_set(fault, FAULT_CONFLICT, "no checkpoint stands over what goes on from here");
    if (!add_entries(restore, tree, size, fault))
        return false;
    root = merkle_tile_builder_root(tree);
    return hash_equal(&root, &newest.root) ||
           fault_set(fault, FAULT_CONFLICT, "its entries make another tree than its newest checkpoint signs");
}

static bool take_and_check(struct restore *restore, struct log_reader *before, struct fault *fault) {
    const char *folder = restore->settings->missing_from;
    struct merkle_tile_builder *tree = merkle_tile_builder_create();
    uint64_t sequence = restore->sequence;
    log_reader_builder(before, tree);
    bool good = take_all(restore, folder, fault);
    if (good && restore->sequence == sequence) {
        char text[FILES_PATH_MOST + 128];
        snprintf(text, sizeof text, "nothing in %s goes on from %s as it stands here", folder,
                 restore->done.set);
        restore_say_missing(restore, text);
    } else
        good = good && is_signed(restore, tree, fault);
    merkle_tile_builder_destroy(tree);
    return good ||
           fault_place(fault, "what %s has beyond this set; without --missing-from the set alone is restored",
                       folder);
}

bool restore_missing(struct restore *restore, struct fault *fault) {
    const struct backup_restore_settings *settings = restore->settings;
    struct backup_site site;
    if (!settings->missing_from)
        return true;
    if (!backup_folder_site(settings->missing_from, &site, fault))
        return false;
    if (!hash_equal(&site.log, &restore->done.site.log) ||
        !hash_equal(&site.key_id, &restore->done.site.key_id))
        return fault_set(fault, FAULT_CONFLICT, "%s holds backups of another log, or under another key",
                         settings->missing_from);
    struct log_reader *before = log_reader_open(restore->store, fault);
    bool good = before && take_and_check(restore, before, fault);
    log_reader_destroy(before);
    return good;
}
