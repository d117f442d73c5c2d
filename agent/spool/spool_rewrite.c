/* Writing an old segment anew without the bodies that were given up. Its number and nonce stay, so that it
 * takes the old file's place with one rename. */
#include "spool_folder_inside.h"
#include "spool_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

struct rewrite {
    const struct spool_segment *old;
    struct spool_segment fresh;
    bool (*drop)(void *context, const struct spool_item *item);
    void *context;
    struct buffer bytes;
};

/* Positions and marks of an old segment stand in every later one's beginning. A part is of use only while
 * its batch is open, and then it is in the newest segment. */
static bool kept(const struct rewrite *rewrite, const struct spool_item *item) {
    switch (item->kind) {
    case SPOOL_ITEM_SEGMENT:
    case SPOOL_ITEM_STATE:
    case SPOOL_ITEM_CLOSE:
    case SPOOL_ITEM_VOID:
        return true;
    case SPOOL_ITEM_EVENTS:
        return !rewrite->drop(rewrite->context, item);
    case SPOOL_ITEM_POSITION:
    case SPOOL_ITEM_PART:
    case SPOOL_ITEM_MARK:
    case SPOOL_ITEM_OLDEST:
    case SPOOL_ITEM_SEEN:
    case SPOOL_ITEM_LEFT:
        break;
    }
    return false;
}

static void rewrite_record(void *context, uint64_t offset, size_t size, struct slice items) {
    (void)offset;
    (void)size;
    struct rewrite *rewrite = context;
    size_t start = rewrite->bytes.size;
    spool_record_begin(&rewrite->bytes);
    struct spool_item item;
    while (spool_item_next(&items, &item, NULL))
        if (kept(rewrite, &item)) {
            item.rewritten = true;
            spool_item_write(&rewrite->bytes, &item);
        }
    if (rewrite->bytes.overflow || rewrite->bytes.size == start + SPOOL_HEAD) {
        rewrite->bytes.size = start;
        return;
    }
    size_t items_size = rewrite->bytes.size - start - SPOOL_HEAD;
    struct slice written = slice_make(rewrite->bytes.data + start + SPOOL_HEAD, items_size);
    spool_segment_index(&rewrite->fresh, written);
    spool_record_end(&rewrite->bytes, start, items_size, rewrite->old->id, start);
}

static bool put_in_place(struct spool_folder *folder, const struct rewrite *rewrite, struct fault *fault) {
    const struct spool_files *files = &folder->files;
    char unfinished[SPOOL_PATH_SIZE], finished[SPOOL_PATH_SIZE];
    spool_folder_path(folder, rewrite->old->id, "new", unfinished);
    spool_folder_path(folder, rewrite->old->id, "spool", finished);
    int file = files->open(files->context, unfinished, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0)
        return fault_set_system(fault, "segment %016" PRIx64 " cannot be written anew",
                                rewrite->old->id.number);
    bool good =
        spool_folder_write(folder, file, buffer_slice(&rewrite->bytes), 0) && spool_folder_sync(folder, file);
    spool_folder_point(folder, "rewrite.synced");
    good = good && files->rename(files->context, unfinished, finished) == 0;
    spool_folder_point(folder, "rewrite.renamed");
    if (!good) {
        fault_set_system(fault, "segment %016" PRIx64 " cannot be written anew", rewrite->old->id.number);
        files->unlink(files->context, unfinished);
    }
    files->close(files->context, file);
    /* Either name leads to a whole segment, so this sync may fail. */
    return good && (spool_folder_sync(folder, folder->folder), true);
}

static bool read_old(struct spool_folder *folder, struct rewrite *rewrite, struct fault *fault) {
    char path[SPOOL_PATH_SIZE];
    spool_folder_path(folder, rewrite->old->id, "spool", path);
    int file = folder->files.open(folder->files.context, path, O_RDONLY, 0);
    struct spool_pages pages = {0};
    bool good = file >= 0 && spool_pages_read(folder, file, &pages);
    if (!good)
        fault_set_system(fault, "segment %016" PRIx64 " cannot be read", rewrite->old->id.number);
    else {
        const struct spool_segment_reader reader = {rewrite, rewrite_record, NULL};
        struct spool_segment_result result;
        struct slice whole = slice_head(slice_make(pages.data, pages.size), (size_t)rewrite->old->size);
        spool_segment_read(whole, rewrite->old->id, &reader, &result);
    }
    spool_pages_free(&pages);
    if (file >= 0)
        folder->files.close(folder->files.context, file);
    return good;
}

bool spool_folder_rewrite(struct spool_folder *folder, size_t place,
                          bool (*drop)(void *context, const struct spool_item *item), void *context,
                          struct fault *fault) {
    struct spool_segment *old = &folder->segments[place];
    struct rewrite rewrite = {.old = old,
                              .fresh = {.id = old->id,
                                        .previous = old->previous,
                                        .previous_end = old->previous_end,
                                        .rewritten = true},
                              .drop = drop,
                              .context = context,
                              .bytes = BUFFER((size_t)old->size + SPOOL_RECORD_MOST)};
    bool good = read_old(folder, &rewrite, fault);
    if (good && rewrite.bytes.overflow)
        good = fault_set(fault, FAULT_INTERNAL, "segment %016" PRIx64 " grows when it is written anew",
                         old->id.number);
    good = good && put_in_place(folder, &rewrite, fault);
    if (good) {
        rewrite.fresh.size = rewrite.bytes.size;
        rewrite.fresh.generation = old->generation + 1;
        folder->bytes = folder->bytes - old->size + rewrite.fresh.size;
        *old = rewrite.fresh;
        spool_cache_forget(&folder->cache, old->id.number);
    }
    buffer_free(&rewrite.bytes);
    return good;
}
