/* The commits that were followed after a set was made. */
#include <inttypes.h>
#include <stdio.h>

#include "backup_folder.h"
#include "backup_restore_inside.h"

static bool is_row(const struct backup_record *record) {
    return record->kind == BACKUP_PUT || record->kind == BACKUP_DELETE || record->kind == BACKUP_DELETE_RANGE;
}

/* What stands in the base already is passed over; a commit that is missing in between shows. */
static bool end_commit(struct restore *restore, const struct backup_record *record, struct fault *fault) {
    struct backup_commit commit;
    bool good = backup_commit_read(record, &commit, fault);
    if (good && commit.after > restore->sequence) {
        good = (commit.before == restore->sequence && commit.after > commit.before) ||
               fault_set(fault, FAULT_FORMAT,
                         "a commit is missing in what was followed: %" PRIu64 " goes on from %" PRIu64
                         ", not from %" PRIu64,
                         commit.after, commit.before, restore->sequence);
        good = good && store_commit(restore->store, restore->batch, false, fault);
        restore->sequence = commit.after;
        restore->done.until_us = commit.time_us;
        restore->done.commits++;
    }
    store_batch_clear(restore->batch);
    return good;
}

/* Changes gather until their commit comes: one without it did not happen. */
void restore_followed_commits(void *context, struct backup_reader *reader, struct fault *fault) {
    struct restore *restore = context;
    struct backup_record record;
    bool good = true;
    while (good && backup_reader_next(reader, &record, fault)) {
        if (is_row(&record))
            good = restore_apply(restore, &record, fault);
        else
            good = end_commit(restore, &record, fault);
    }
    store_batch_clear(restore->batch);
}

struct following {
    const struct restore *restore;
    const struct restore_set *set;
    restore_take *take;
    void *context;
    char *cut;
};

static bool follow_on(const struct following *following, uint64_t number, bool *ret_more,
                      struct fault *fault) {
    char path[FILES_PATH_MOST], next[FILES_PATH_MOST];
    struct backup_header header;
    struct fault local = {0};
    const struct restore_set *set = following->set;
    if (!backup_follow_path(path, set->folder, set->name, number) ||
        !backup_follow_path(next, set->folder, set->name, number + 1))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    *ret_more = files_exists(path);
    if (!*ret_more)
        return true;
    struct backup_reader *reader =
        restore_open_part(following->restore, path, BACKUP_FOLLOW, set->made_us, number, &header, fault);
    if (!reader)
        return false;
    following->take(following->context, reader, &local);
    bool cut = local.code == FAULT_FORMAT && backup_reader_cut(reader);
    backup_reader_close(reader);
    if (local.code == FAULT_NONE)
        return true;
    if (cut && !files_exists(next)) { /* the last one was still written to */
        char line[FAULT_LINE_SIZE];
        snprintf(following->cut, sizeof following->restore->done.cut, "%s", fault_line(&local, line));
        return true;
    }
    if (fault)
        *fault = local;
    return false;
}

bool restore_follow(const struct restore *restore, const struct restore_set *set, restore_take *take,
                    void *context, char cut[256], struct fault *fault) {
    struct following following = {restore, set, take, context, NULL};
    following.cut = cut;
    bool more = true, good = true;
    for (uint64_t number = 0; good && more; number++)
        good = follow_on(&following, number, &more, fault);
    return good;
}

bool restore_followed(struct restore *restore, struct fault *fault) {
    const struct restore_set own = {restore->settings->folder, restore->done.set, restore->set_us};
    return restore_commit_step(restore, true, fault) && /* what follows may drop what gathers */
           restore_follow(restore, &own, restore_followed_commits, restore, restore->done.cut, fault) &&
           restore_commit_step(restore, true, fault);
}
