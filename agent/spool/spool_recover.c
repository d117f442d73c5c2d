/* Opening a folder of segments: what is there, what is missing, and what it adds up to. */
#include "spool_folder_inside.h"
#include "spool_segment.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct recovery {
    struct spool_folder *folder;
    spool_folder_finding *finding;
    void *context;
    struct spool_segment *segment; /* that is being read */
};

static void find(const struct recovery *recovery, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void find(const struct recovery *recovery, const char *format, ...) {
    if (!recovery->finding)
        return;
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    recovery->finding(recovery->context, text);
}

static bool hex_number(const char *text, uint64_t *ret_value) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 16; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_value = value;
    return true;
}

/* "0123456789abcdef-0123456789abcdef.suffix" */
static bool name_read(const char *name, const char *suffix, struct spool_segment_id *ret_id) {
    struct spool_segment_id id;
    if (strlen(name) != 34 + strlen(suffix) || name[16] != '-' || name[33] != '.' ||
        strcmp(name + 34, suffix) != 0 || !hex_number(name, &id.number) ||
        !hex_number(name + 17, &id.nonce) || id.number == 0 || id.number > UINT64_MAX / 2)
        return false;
    *ret_id = id;
    return true;
}

static void take_name(void *context, const char *name) {
    struct recovery *recovery = context;
    struct spool_folder *folder = recovery->folder;
    struct spool_segment_id id;
    if (name_read(name, "new", &id)) { /* an interrupted beginning: nobody was told of it */
        spool_folder_remove(folder, id, "new");
        return;
    }
    if (name_read(name, "gone", &id)) {
        bool newer = id.number > folder->tombstone.number;
        struct spool_segment_id other = newer ? folder->tombstone : id;
        folder->tombstone = newer ? id : folder->tombstone;
        if (other.number)
            spool_folder_remove(folder, other, "gone");
        return;
    }
    if (!name_read(name, "spool", &id))
        return;
    if (folder->count == SPOOL_SEGMENTS_MOST) {
        find(recovery, "%s: more than %u segments; it is left where it is", name, SPOOL_SEGMENTS_MOST);
        return;
    }
    if (folder->count == folder->room) {
        folder->room = folder->room ? 2 * folder->room : 16;
        folder->segments = memory_resize(folder->segments, folder->room, sizeof *folder->segments);
    }
    folder->segments[folder->count++] = (struct spool_segment){.id = id};
}

static int by_number(const void *left, const void *right) {
    const struct spool_segment *a = left, *b = right;
    return (a->id.number > b->id.number) - (a->id.number < b->id.number);
}

static void take_record(void *context, uint64_t offset, size_t size, struct slice items) {
    (void)size;
    struct recovery *recovery = context;
    if (offset == 0) /* the snapshot holds the closes of the segment before */
        buffer_clear(&recovery->folder->closes);
    else
        spool_folder_keep_closes(recovery->folder, items);
    spool_segment_index(recovery->segment, items);
    struct spool_item item;
    struct fault fault;
    while (spool_item_next(&items, &item, &fault)) {
        if (item.kind == SPOOL_ITEM_SEGMENT) {
            recovery->segment->previous = item.previous;
            recovery->segment->previous_end = item.previous_end;
            recovery->segment->rewritten = item.rewritten;
        }
        spool_state_take(&recovery->folder->state, &item);
    }
    if (items.size)
        find(recovery, "%016" PRIx64 ": at %" PRIu64 ": %s", recovery->segment->id.number, offset,
             fault.text);
}

static void take_damage(void *context, uint64_t offset, size_t size) {
    struct recovery *recovery = context;
    recovery->folder->damage.ranges++;
    recovery->folder->damage.bytes += size;
    find(recovery, "segment %016" PRIx64 ": %zu bytes at %" PRIu64 " are damaged and left out",
         recovery->segment->id.number, size, offset);
}

/* One that cannot be read holds nothing, and the rest is delivered. */
static void read_segment(struct recovery *recovery, bool newest) {
    struct spool_folder *folder = recovery->folder;
    char path[SPOOL_PATH_SIZE];
    spool_folder_path(folder, recovery->segment->id, "spool", path);
    int file = folder->files.open(folder->files.context, path, O_RDWR, 0);
    struct spool_pages pages = {0};
    /* What was written but not synced before a kill must not rest in memory alone once it is built upon. */
    bool good =
        file >= 0 && (!newest || spool_folder_sync(folder, file)) && spool_pages_read(folder, file, &pages);
    if (!good) {
        folder->damage.ranges++;
        find(recovery, "segment %016" PRIx64 " cannot be read: %s", recovery->segment->id.number,
             strerrordesc_np(errno));
    } else {
        const struct spool_segment_reader reader = {recovery, take_record, take_damage};
        struct spool_segment_result result;
        spool_segment_read(slice_make(pages.data, pages.size), recovery->segment->id, &reader, &result);
        recovery->segment->size = result.end;
        folder->bytes += result.end;
        folder->damage.torn_bytes += result.torn;
        if (result.torn)
            find(recovery, "segment %016" PRIx64 ": the last %" PRIu64 " bytes are an interrupted write",
                 recovery->segment->id.number, result.torn);
    }
    spool_pages_free(&pages);
    if (file >= 0)
        folder->files.close(folder->files.context, file);
}

/* A segment names the one before it, and how much it held: one that is gone, or shorter, is damage. */
static void look_for_missing(struct recovery *recovery) {
    struct spool_folder *folder = recovery->folder;
    for (size_t i = 0; i < folder->count; i++) {
        const struct spool_segment *before = i ? &folder->segments[i - 1] : NULL;
        const struct spool_segment *segment = &folder->segments[i];
        if (segment->previous < folder->state.oldest || segment->previous == 0)
            continue;
        if (!before || segment->previous > before->id.number) {
            folder->damage.missing_segments++;
            find(recovery, "segment %016" PRIx64 " is missing", segment->previous);
        } else if (segment->previous == before->id.number && !before->rewritten &&
                   before->size < segment->previous_end) {
            folder->damage.ranges++;
            folder->damage.bytes += segment->previous_end - before->size;
            find(recovery, "segment %016" PRIx64 ": the last %" PRIu64 " bytes are missing",
                 before->id.number, segment->previous_end - before->size);
        }
    }
}

/* What a crash has left of a release. */
static void remove_released(struct spool_folder *folder) {
    size_t count = 0;
    while (count < folder->count && folder->segments[count].id.number < folder->state.oldest)
        count++;
    spool_folder_forget(folder, count);
}

bool spool_folder_recover(struct spool_folder *folder, spool_folder_finding *finding, void *context,
                          struct fault *fault) {
    struct recovery recovery = {.folder = folder, .finding = finding, .context = context};
    if (folder->files.list(folder->files.context, folder->path, take_name, &recovery) != 0)
        return fault_set_system(fault, "the spool's folder cannot be listed");
    if (folder->count)
        qsort(folder->segments, folder->count, sizeof *folder->segments, by_number);
    for (size_t i = 0; i < folder->count; i++) {
        recovery.segment = &folder->segments[i];
        read_segment(&recovery, i + 1 == folder->count);
        folder->last_number = recovery.segment->id.number;
    }
    spool_state_tidy(&folder->state);
    folder->stale_marks = folder->tombstone.number >= folder->state.oldest;
    if (folder->tombstone.number && folder->stale_marks)
        folder->state.oldest = folder->tombstone.number + 1;
    look_for_missing(&recovery);
    remove_released(folder);
    if (!spool_folder_sync(folder, folder->folder))
        return fault_set_system(fault, "the spool's folder cannot be synced");
    return true;
}
