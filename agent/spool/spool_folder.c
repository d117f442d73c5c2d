#include "spool_folder_inside.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#define CLOSES_MOST (1024u * 1024) /* bytes of closing entries that stand in two segments */
#define MARKS_MOST (4096u + SPOOL_COLLECTORS_MOST * SPOOL_NOTE_MOST)

void spool_folder_path(const struct spool_folder *folder, struct spool_segment_id id, const char *suffix,
                       char ret_path[SPOOL_PATH_SIZE]) {
    snprintf(ret_path, SPOOL_PATH_SIZE, "%s/%016" PRIx64 "-%016" PRIx64 ".%s", folder->path, id.number,
             id.nonce, suffix);
}

void spool_folder_remove(const struct spool_folder *folder, struct spool_segment_id id, const char *suffix) {
    char path[SPOOL_PATH_SIZE];
    spool_folder_path(folder, id, suffix, path);
    folder->files.unlink(folder->files.context, path);
}

void spool_folder_point(const struct spool_folder *folder, const char *name) {
    if (folder->files.point)
        folder->files.point(folder->files.context, name);
}

bool spool_folder_write(const struct spool_folder *folder, int file, struct slice bytes, uint64_t offset) {
    while (bytes.size) {
        ssize_t written =
            folder->files.pwrite(folder->files.context, file, bytes.data, bytes.size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        bytes = slice_from(bytes, (size_t)written);
        offset += (uint64_t)written;
    }
    return true;
}

ssize_t spool_folder_read(const struct spool_folder *folder, int file, void *to, size_t size,
                          uint64_t offset) {
    size_t got = 0;
    while (got < size) {
        ssize_t more = folder->files.pread(folder->files.context, file, (uint8_t *)to + got, size - got,
                                           (off_t)(offset + got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        got += (size_t)more;
    }
    return (ssize_t)got;
}

bool spool_folder_sync(struct spool_folder *folder, int file) {
    folder->syncs++;
    return folder->files.fdatasync(folder->files.context, file) == 0;
}

bool spool_pages_read(const struct spool_folder *folder, int file, struct spool_pages *ret_pages) {
    off_t size = folder->files.size(folder->files.context, file);
    if (size < 0)
        return false;
    struct spool_pages pages = {.mapped = (size_t)size ? (size_t)size : 1};
    void *data = mmap(NULL, pages.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return false;
    pages.data = data;
    ssize_t got = spool_folder_read(folder, file, pages.data, (size_t)size, 0);
    if (got < 0) {
        spool_pages_free(&pages);
        return false;
    }
    pages.size = (size_t)got;
    *ret_pages = pages;
    return true;
}

void spool_pages_free(struct spool_pages *pages) {
    int error = errno;
    if (pages->data)
        munmap(pages->data, pages->mapped);
    *pages = (struct spool_pages){0};
    errno = error;
}

static void index_item(struct spool_segment *segment, const struct spool_item *item) {
    if (item->kind != SPOOL_ITEM_EVENTS && item->kind != SPOOL_ITEM_PART && item->kind != SPOOL_ITEM_CLOSE)
        return;
    struct spool_span *span = &segment->lanes[item->lane];
    if (!span->any || item->batch_seq < span->first_batch)
        span->first_batch = item->batch_seq;
    if (!span->any || item->batch_seq > span->last_batch)
        span->last_batch = item->batch_seq;
    span->any = true;
    if (item->kind != SPOOL_ITEM_EVENTS)
        return;
    uint64_t next = item->first_event_seq + item->count;
    if (next > span->next_seq)
        span->next_seq = next;
    if (!span->events_bytes || item->batch_seq < span->first_events_batch)
        span->first_events_batch = item->batch_seq;
    span->events_bytes += item->bytes.size;
}

void spool_segment_index(struct spool_segment *segment, struct slice items) {
    struct spool_item item;
    while (spool_item_next(&items, &item, NULL))
        index_item(segment, &item);
}

struct spool_folder *spool_folder_open(const struct spool_folder_settings *settings,
                                       const struct spool_files *files, spool_folder_finding *finding,
                                       void *context, struct fault *fault) {
    if (!settings->path || strlen(settings->path) > SPOOL_FOLDER_PATH_MOST) {
        fault_set(fault, FAULT_USAGE, "the spool's folder needs a path of at most %u bytes",
                  SPOOL_FOLDER_PATH_MOST);
        return NULL;
    }
    struct spool_folder *folder = memory_new(sizeof *folder);
    *folder = (struct spool_folder){
        .files = *files,
        .settings = *settings,
        .path = memory_copy_string(settings->path),
        .folder = -1,
        .file = -1,
        .cache = {.limit = settings->cache_bytes},
        .snapshot = BUFFER(SPOOL_HEAD + SPOOL_RECORD_MOST + SPOOL_ALIGNMENT),
        .closes = BUFFER(CLOSES_MOST),
    };
    folder->settings.path = folder->path;
    if (files->mkdir(files->context, folder->path, 0700) != 0 && errno != EEXIST)
        fault_set_system(fault, "the spool's folder cannot be made");
    else if ((folder->folder = files->open(files->context, folder->path, O_RDONLY | O_DIRECTORY, 0)) < 0)
        fault_set_system(fault, "the spool's folder cannot be opened");
    else if (spool_folder_recover(folder, finding, context, fault))
        return folder;
    fault_place(fault, "%s", folder->path);
    return spool_folder_destroy(folder);
}

static void close_file(struct spool_folder *folder, int *file) {
    if (*file >= 0)
        folder->files.close(folder->files.context, *file);
    *file = -1;
}

struct spool_folder *spool_folder_destroy(struct spool_folder *folder) {
    if (!folder)
        return NULL;
    close_file(folder, &folder->file);
    close_file(folder, &folder->folder);
    spool_state_free(&folder->state);
    spool_cache_free(&folder->cache);
    buffer_free(&folder->snapshot);
    buffer_free(&folder->closes);
    memory_cleanup(&folder->segments);
    memory_cleanup(&folder->path);
    memory_cleanup(&folder);
    return NULL;
}

const struct spool_state *spool_folder_state(const struct spool_folder *folder) {
    return &folder->state;
}
struct spool_damage spool_folder_damage(const struct spool_folder *folder) {
    return folder->damage;
}
bool spool_folder_stale_marks(const struct spool_folder *folder) {
    return folder->stale_marks;
}
uint64_t spool_folder_bytes(const struct spool_folder *folder) {
    return folder->bytes;
}
uint64_t spool_folder_syncs(const struct spool_folder *folder) {
    return folder->syncs;
}
uint64_t spool_folder_given_up(const struct spool_folder *folder) {
    return folder->given_up;
}
size_t spool_folder_count(const struct spool_folder *folder) {
    return folder->count;
}

const struct spool_segment *spool_folder_segment(const struct spool_folder *folder, size_t place) {
    return &folder->segments[place];
}

bool spool_folder_current(const struct spool_folder *folder, size_t place) {
    return place + 1 == folder->count && folder->file >= 0;
}

size_t spool_folder_find(const struct spool_folder *folder, uint64_t number) {
    size_t from = 0, to = folder->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (folder->segments[middle].id.number < number)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void spool_folder_keep_closes(struct spool_folder *folder, struct slice items) {
    struct spool_item item;
    while (spool_item_next(&items, &item, NULL)) {
        if (item.kind != SPOOL_ITEM_CLOSE || item.batch_seq < folder->closes_next[item.lane])
            continue;
        folder->closes_next[item.lane] = item.batch_seq + 1;
        size_t before = folder->closes.size;
        if (!spool_item_write(&folder->closes, &item)) {
            folder->closes.size = before; /* a full buffer: from here on they stand once */
            folder->closes.overflow = false;
        }
    }
}

/* Forgets those that are in a verified checkpoint. */
static void prune_closes(struct spool_folder *folder) {
    struct slice rest = buffer_slice(&folder->closes);
    struct spool_item item;
    size_t gone = 0;
    while (spool_item_next(&rest, &item, NULL) &&
           item.batch_seq < spool_state_least(&folder->state, (enum lane)item.lane).proved)
        gone = folder->closes.size - rest.size;
    buffer_consume(&folder->closes, gone);
    if (!folder->closes.size)
        buffer_free(&folder->closes);
}

/* What was written is true from now on. */
static void take_record(struct spool_folder *folder, struct spool_segment *segment,
                        const struct buffer *record, size_t items_size) {
    struct slice items = slice_make(record->data + SPOOL_HEAD, items_size);
    spool_cache_put(&folder->cache, segment->id.number, segment->size, buffer_slice(record));
    segment->size += record->size;
    folder->bytes += record->size;
    struct spool_item item;
    while (spool_item_next(&items, &item, NULL)) {
        index_item(segment, &item);
        spool_state_take(&folder->state, &item);
    }
    spool_folder_keep_closes(folder, slice_make(record->data + SPOOL_HEAD, items_size));
    folder->marks_dirty = false;
    memset(folder->seen_dirty, 0, sizeof folder->seen_dirty);
    memset(folder->known_dirty, 0, sizeof folder->known_dirty);
}

/* A segment that may hold less than it says takes nothing any more. What a failed sync left of its last
 * record is cut off, so that nobody reads out of memory what is not on disk. */
static void give_up(struct spool_folder *folder) {
    uint64_t end = folder->segments[folder->count - 1].size;
    folder->files.ftruncate(folder->files.context, folder->file, (off_t)end);
    close_file(folder, &folder->file);
    folder->given_up++;
}

enum appended { APPENDED, REFUSED, GIVEN_UP };

static enum appended append_current(struct spool_folder *folder, struct buffer *record, size_t items_size,
                                    struct fault *fault) {
    struct spool_segment *segment = &folder->segments[folder->count - 1];
    if (!spool_record_end(record, 0, items_size, segment->id, segment->size)) {
        fault_set(fault, FAULT_LIMIT, "a group of %zu bytes is too large for the spool", items_size);
        return REFUSED;
    }
    spool_folder_point(folder, "append.begin");
    if (!spool_folder_write(folder, folder->file, buffer_slice(record), segment->size)) {
        fault_set_system(fault, "a group of %zu bytes cannot be written", record->size);
        if (folder->files.ftruncate(folder->files.context, folder->file, (off_t)segment->size) != 0)
            give_up(folder);
        return REFUSED;
    }
    spool_folder_point(folder, "append.written");
    if (!spool_folder_sync(folder, folder->file)) {
        fault_set_system(fault, "a group of %zu bytes cannot be synced", record->size);
        give_up(folder);
        return GIVEN_UP;
    }
    spool_folder_point(folder, "append.synced");
    take_record(folder, segment, record, items_size);
    return APPENDED;
}

void spool_folder_roll(struct spool_folder *folder) {
    close_file(folder, &folder->file);
}

static struct spool_segment *segment_add(struct spool_folder *folder) {
    if (folder->count == folder->room) {
        folder->room = folder->room ? 2 * folder->room : 16;
        folder->segments = memory_resize(folder->segments, folder->room, sizeof *folder->segments);
    }
    struct spool_segment *segment = &folder->segments[folder->count++];
    *segment = (struct spool_segment){0};
    return segment;
}

static bool new_id(struct spool_folder *folder, struct spool_segment_id *ret_id, struct fault *fault) {
    struct spool_segment_id id = {.number = folder->last_number + 1};
    if (!random_fill(&folder->settings.random, &id.nonce, sizeof id.nonce, fault))
        return false;
    folder->last_number = id.number;
    *ret_id = id;
    return true;
}

/* Snapshot and group in one file that has its name only once both are on disk. */
static bool write_segment(struct spool_folder *folder, struct spool_segment_id id,
                          const struct buffer *record, int *ret_file, struct fault *fault) {
    const struct spool_files *files = &folder->files;
    char unfinished[SPOOL_PATH_SIZE], finished[SPOOL_PATH_SIZE];
    spool_folder_path(folder, id, "new", unfinished);
    spool_folder_path(folder, id, "spool", finished);
    int file = files->open(files->context, unfinished, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0)
        return fault_set_system(fault, "a new segment cannot be made");
    bool good = spool_folder_write(folder, file, buffer_slice(&folder->snapshot), 0) &&
                spool_folder_write(folder, file, buffer_slice(record), folder->snapshot.size);
    spool_folder_point(folder, "segment.written");
    good = good && spool_folder_sync(folder, file);
    spool_folder_point(folder, "segment.synced");
    good = good && files->rename(files->context, unfinished, finished) == 0;
    spool_folder_point(folder, "segment.renamed");
    good = good && spool_folder_sync(folder, folder->folder);
    spool_folder_point(folder, "segment.placed");
    if (good) {
        *ret_file = file;
        return true;
    }
    fault_set_system(fault, "a new segment cannot be written");
    files->unlink(files->context, unfinished);
    files->unlink(files->context, finished);
    files->close(files->context, file);
    return false;
}

static bool begin_segment(struct spool_folder *folder, struct buffer *record, size_t items_size,
                          struct fault *fault) {
    struct spool_segment_id id;
    if (folder->count == SPOOL_SEGMENTS_MOST)
        return fault_set(fault, FAULT_SPACE, "the spool has %u segments, which is the most it may have",
                         SPOOL_SEGMENTS_MOST);
    if (!new_id(folder, &id, fault))
        return false;
    const struct spool_segment *last =
        folder->segments && folder->count ? &folder->segments[folder->count - 1] : NULL;
    const struct spool_item first = {.kind = SPOOL_ITEM_SEGMENT,
                                     .id = id,
                                     .previous = last ? last->id.number : 0,
                                     .previous_end = last ? last->size : 0};
    uint64_t oldest = folder->state.oldest;
    folder->state.oldest = last ? folder->segments[0].id.number : id.number;
    buffer_clear(&folder->snapshot);
    bool good = spool_record_begin(&folder->snapshot) &&
                spool_state_write(&folder->state, &first, &folder->snapshot) &&
                buffer_append_slice(&folder->snapshot, buffer_slice(&folder->closes)) &&
                spool_record_end(&folder->snapshot, 0, folder->snapshot.size - SPOOL_HEAD, id, 0) &&
                spool_record_end(record, 0, items_size, id, folder->snapshot.size);
    int file = -1;
    if (!good)
        fault_set(fault, FAULT_LIMIT, "a group of %zu bytes is too large for the spool", items_size);
    else
        good = write_segment(folder, id, record, &file, fault);
    uint64_t begin = folder->snapshot.size;
    if (good)
        spool_cache_put(&folder->cache, id.number, 0, buffer_slice(&folder->snapshot));
    buffer_free(&folder->snapshot);
    if (!good) {
        folder->state.oldest = oldest;
        return false;
    }
    close_file(folder, &folder->file);
    folder->file = file;
    struct spool_segment *segment = segment_add(folder);
    segment->id = id;
    segment->previous = first.previous;
    segment->previous_end = first.previous_end;
    segment->size = begin;
    spool_segment_index(segment, buffer_slice(&folder->closes));
    buffer_free(&folder->closes);
    folder->bytes += begin;
    take_record(folder, segment, record, items_size);
    return true;
}

static void append_marks(struct spool_folder *folder, struct buffer *record) {
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++) {
        if (folder->known_dirty[i])
            spool_item_write(record, &(struct spool_item){.kind = SPOOL_ITEM_LEFT, .collector = (uint8_t)i});
        spool_state_write_marks(&folder->state, i, record);
        if (folder->seen_dirty[i] || (folder->known_dirty[i] && folder->state.collectors[i].seen.size))
            spool_state_write_seen(&folder->state, i, record);
    }
    spool_item_write(record, &(struct spool_item){.kind = SPOOL_ITEM_OLDEST, .oldest = folder->state.oldest});
}

bool spool_folder_append(struct spool_folder *folder, struct buffer *record, struct fault *fault) {
    size_t given = record->size;
    if (folder->marks_dirty)
        append_marks(folder, record);
    size_t items_size = record->size - SPOOL_HEAD;
    bool fits = folder->file >= 0 &&
                folder->segments[folder->count - 1].size + record->size <= folder->settings.segment_bytes;
    enum appended appended = fits ? append_current(folder, record, items_size, fault) : GIVEN_UP;
    bool good =
        appended == APPENDED || (appended == GIVEN_UP && begin_segment(folder, record, items_size, fault));
    record->size = given;
    if (good)
        spool_folder_remove_tombstone(folder);
    return good ? true : fault_place(fault, "%s", folder->path);
}

static void tidy(struct spool_folder *folder) {
    folder->marks_dirty = true;
    spool_state_tidy(&folder->state);
    prune_closes(folder);
}

void spool_folder_mark(struct spool_folder *folder, unsigned collector, enum lane lane,
                       struct spool_marks marks) {
    if (!folder->state.collectors[collector].known)
        folder->known_dirty[collector] = true;
    spool_state_mark(&folder->state, collector, lane, marks);
    tidy(folder);
}

bool spool_folder_seen(struct spool_folder *folder, unsigned collector, struct slice note) {
    if (!spool_state_seen(&folder->state, collector, note))
        return false;
    return folder->marks_dirty = folder->seen_dirty[collector] = true;
}

void spool_folder_left(struct spool_folder *folder, unsigned collector) {
    if (!folder->state.collectors[collector].known)
        return;
    spool_state_left(&folder->state, collector);
    folder->known_dirty[collector] = true;
    folder->seen_dirty[collector] = false;
    tidy(folder);
}

bool spool_folder_news(const struct spool_folder *folder) {
    bool any = false;
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++)
        any = any || folder->seen_dirty[i] || folder->known_dirty[i];
    return any;
}

static bool is_proved(const struct spool_folder *folder, const struct spool_segment *segment) {
    for (unsigned lane = 0; lane < LANES; lane++)
        if (segment->lanes[lane].any &&
            segment->lanes[lane].last_batch >= spool_state_least(&folder->state, (enum lane)lane).proved)
            return false;
    return true;
}

static bool write_marks(struct spool_folder *folder) {
    struct buffer record = BUFFER(MARKS_MOST);
    spool_record_begin(&record);
    bool good = spool_folder_append(folder, &record, NULL);
    buffer_free(&record);
    return good;
}

/* On a disk so full that the marks cannot be written, a segment's name says what they would: its file is
 * emptied and stays as "….gone" until they are written. */
static bool leave_tombstone(struct spool_folder *folder, struct spool_segment_id id) {
    const struct spool_files *files = &folder->files;
    char path[SPOOL_PATH_SIZE], gone[SPOOL_PATH_SIZE];
    spool_folder_path(folder, id, "spool", path);
    spool_folder_path(folder, id, "gone", gone);
    if (files->rename(files->context, path, gone) != 0)
        return false;
    spool_folder_point(folder, "release.renamed");
    spool_folder_remove_tombstone(folder);
    folder->tombstone = id;
    spool_folder_sync(folder, folder->folder);
    int file = files->open(files->context, gone, O_RDWR, 0);
    if (file >= 0) {
        files->ftruncate(files->context, file, 0);
        files->close(files->context, file);
    }
    return true;
}

void spool_folder_remove_tombstone(struct spool_folder *folder) {
    if (folder->tombstone.number)
        spool_folder_remove(folder, folder->tombstone, "gone");
    folder->tombstone.number = 0;
}

void spool_folder_forget(struct spool_folder *folder, size_t count) {
    for (size_t i = 0; i < count; i++) {
        spool_folder_remove(folder, folder->segments[i].id, "spool");
        folder->bytes -= folder->segments[i].size;
        spool_folder_point(folder, "release.removed");
    }
    folder->count -= count;
    if (count)
        memmove(folder->segments, folder->segments + count, folder->count * sizeof *folder->segments);
}

size_t spool_folder_release(struct spool_folder *folder) {
    size_t count = 0;
    while (count + 1 < folder->count && is_proved(folder, &folder->segments[count]))
        count++;
    if (!count)
        return 0;
    uint64_t before = folder->state.oldest;
    folder->state.oldest = folder->segments[count].id.number;
    folder->marks_dirty = true;
    /* On disk before the files go, or a crash would report them as missing. */
    bool marked = write_marks(folder);
    spool_folder_point(folder, "release.marked");
    if (!marked && !leave_tombstone(folder, folder->segments[count - 1].id)) {
        folder->state.oldest = before;
        return 0;
    }
    spool_folder_forget(folder, count);
    if (!marked)
        write_marks(folder);
    return count;
}
