/* Within backup/ alone: a restore under way, as backup_restore.c (base, log, segments, keys, the check at the end),
 * backup_followed.c (what was followed) and backup_missing.c (what another place has beyond it) share it. */
#ifndef TOCSIN_BACKUP_RESTORE_INSIDE_H
#define TOCSIN_BACKUP_RESTORE_INSIDE_H

#include "backup_file.h"
#include "backup_restore.h"
#include "log_reader.h"
#include "merkle_tile_builder.h"
#include "note_key.h"

struct restore {
    char path[FILES_PATH_MOST], store_path[FILES_PATH_MOST]; /* where the store grows, and where it will be */
    const struct backup_restore_settings *settings;
    struct store *store;
    struct store_batch *batch;
    struct merkle_tile_builder *tree;
    struct backup_about about;
    struct backup_restored done;
    uint64_t sequence; /* the store's at the moment that is restored so far */
    uint64_t set_us;   /* made_us of the base: what binds its follow files to it */
};

/* A set whose follow files are read. */
struct restore_set {
    const char *folder, *name;
    uint64_t made_us;
};

/* Commits what gathered once it is much, or now. */
bool restore_commit_step(struct restore *restore, bool last, struct fault *fault);
bool restore_apply(struct restore *restore, const struct backup_record *record, struct fault *fault);
void restore_say_missing(const struct restore *restore, const char *what);
/* A file whose header is of what stands in this place. */
struct backup_reader *restore_open_part(const struct restore *restore, const char *path,
                                        enum backup_kind kind, uint64_t set, uint64_t number,
                                        struct backup_header *ret_header, struct fault *fault);

/* Gives each follow file of the set, in order, to `take`, which reads it to its end or sets the fault. A file that ends in the
 * middle is none, when it is the last one: `cut` says where, in words. */
typedef void restore_take(void *context, struct backup_reader *reader, struct fault *fault);
bool restore_follow(const struct restore *restore, const struct restore_set *set, restore_take *take,
                    void *context, char cut[256], struct fault *fault);
/* restore_take: each commit that goes on from the state reached so far; context: the restore. */
restore_take restore_followed_commits;
/* All of the set's own. */
bool restore_followed(struct restore *restore, struct fault *fault);

/* What settings.missing_from has beyond that. */
bool restore_missing(struct restore *restore, struct fault *fault);

#endif
