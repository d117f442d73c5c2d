#include "backup_base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup_files.h"
#include "backup_log.h"
#include "backup_segments.h"
#include "bytes.h"
#include "log_reader.h"
#include "memory.h"
#include "random.h"
#include "row.h"

#define FOLDER_MODE 0700
#define DRAWN_SEGMENTS 8u /* copies that are read whole with every backup */

struct backup_making {
    char folder[FILES_PATH_MOST];
    uint8_t key[BACKUP_KEY_SIZE];
    struct backup_site site;
    uint64_t now_us;
    char name[BACKUP_SET_NAME], making[BACKUP_SET_NAME + 8]; /* as it will be called, and is */
    char base_path[FILES_PATH_MOST], run_path[FILES_PATH_MOST];
    struct backup_writer *base, *log;
    struct backup_run *runs; /* that stand there already */
    size_t run_count;
    struct backup_run run; /* the new one */
    uint64_t log_size, rows, bodies_from, sequence;
    bool has_log_size;
    struct segment_row *segments;
    size_t segment_count, segment_room;
    bool named;
};

/* ---- beginning */

uint64_t backup_making_log_first(const struct backup_making *making) {
    return making->run_count ? making->runs[making->run_count - 1].end : 0;
}

static struct backup_header header_of(const struct backup_making *making, enum backup_kind kind) {
    return (struct backup_header){
        .kind = kind, .made_us = making->now_us, .log = making->site.log, .set = making->now_us};
}

static bool begin(struct backup_making *making, const struct backup_making_settings *settings,
                  struct fault *fault) {
    char path[FILES_PATH_MOST], log[FILES_PATH_MOST];
    if (!backup_folder_next(making->folder, settings->now_us, &making->now_us, fault))
        return false;
    struct backup_header header = header_of(making, BACKUP_BASE);
    backup_set_name(making->now_us, making->name);
    snprintf(making->making, sizeof making->making, "%s.making", making->name);
    if (!backup_set_path(path, making->folder, making->making, NULL) ||
        !backup_set_path(making->base_path, making->folder, making->making, "base") ||
        !files_path(log, making->folder, "log"))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!backup_folder_take(making->folder, &making->site, fault) ||
        !backup_folder_sweep(making->folder, fault) || !files_make_folder(path, FOLDER_MODE, fault) ||
        !files_make_folder(log, FOLDER_MODE, fault) ||
        !backup_log_runs(making->folder, &making->runs, &making->run_count, fault))
        return false;
    making->base = backup_writer_create(making->base_path, making->key, &header, fault);
    return making->base &&
           backup_files_put(making->base, settings->site_folder, settings->data_folder, fault);
}

struct backup_making *backup_making_begin(const struct backup_making_settings *settings,
                                          struct fault *fault) {
    struct backup_making *making = memory_new(sizeof *making);
    making->site = *settings->site;
    making->bodies_from = UINT64_MAX;
    memcpy(making->key, settings->key, BACKUP_KEY_SIZE);
    bool good = snprintf(making->folder, sizeof making->folder, "%s", settings->folder) <
                    (int)sizeof making->folder ||
                fault_set(fault, FAULT_LIMIT, "the path is too long");
    return good && begin(making, settings, fault) ? making : backup_making_destroy(making);
}

struct backup_making *backup_making_destroy(struct backup_making *making) {
    if (!making)
        return NULL;
    backup_writer_destroy(making->base);
    backup_writer_destroy(making->log);
    if (!making->named) {
        if (making->run_path[0])
            files_remove(making->run_path, NULL);
        if (making->making[0])
            backup_set_remove(making->folder, making->making, NULL);
    }
    free(making->runs);
    free(making->segments);
    memory_wipe(making, sizeof *making);
    free(making);
    return NULL;
}

const char *backup_making_set(const struct backup_making *making) {
    return making->name;
}

void backup_making_at(struct backup_making *making, uint64_t sequence) {
    making->sequence = sequence;
}

struct backup_writer *backup_making_follow(struct backup_making *making, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_header header = header_of(making, BACKUP_FOLLOW);
    if (!backup_follow_path(path, making->folder, making->making, 0)) {
        fault_set(fault, FAULT_LIMIT, "the path is too long");
        return NULL;
    }
    return backup_writer_create(path, making->key, &header, fault);
}

/* ---- rows */

static bool begin_log(struct backup_making *making, struct fault *fault) {
    struct backup_header header = header_of(making, BACKUP_LOG);
    making->run = (struct backup_run){backup_making_log_first(making), making->log_size};
    header.set = making->run.first;
    header.number = making->run.end;
    if (!making->has_log_size || making->run.first >= making->run.end)
        return fault_set(fault, FAULT_FORMAT, "the store has more entries than its log is long");
    if (!backup_log_path(making->run_path, making->folder, &making->run))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!files_remove(making->run_path, fault)) /* of a try that did not come to its end */
        return false;
    making->log = backup_writer_create(making->run_path, making->key, &header, fault);
    return making->log != NULL;
}

static void keep_segment(struct backup_making *making, struct slice key, struct slice value) {
    struct segment_row row;
    if (!segment_row_read(key, value, &row, NULL))
        return; /* it stands in the backup as it stands in the store */
    if (making->segment_count == making->segment_room) {
        making->segment_room = making->segment_room ? making->segment_room * 2 : 64;
        making->segments = memory_resize(making->segments, making->segment_room, sizeof *making->segments);
    }
    making->segments[making->segment_count++] = row;
}

static void note_row(struct backup_making *making, struct slice value) {
    struct row row;
    if (!row_read(value, &row, NULL))
        return;
    uint64_t index = row.kind == ROW_CLOSE ? bytes_get_u64(row.payload.data) : making->log_size;
    if (index < making->bodies_from)
        making->bodies_from = index;
}

bool backup_making_take(void *context, enum store_family family, struct slice key, struct slice value,
                        struct fault *fault) {
    struct backup_making *making = context;
    struct backup_record record = {.kind = BACKUP_PUT, .family = (uint8_t)family, .key = key, .value = value};
    if (family == STORE_MARK && slice_equal(key, SLICE(LOG_SIZE_MARK)) && value.size == 8) {
        making->log_size = bytes_get_u64(value.data);
        making->has_log_size = true;
    }
    if (making->has_log_size && making->log_size < backup_making_log_first(making))
        return fault_set(fault, FAULT_CONFLICT,
                         "the folder's backups are of a longer log (%" PRIu64
                         " entries) than this one (%" PRIu64 "): take another folder",
                         backup_making_log_first(making), making->log_size);
    if (family == STORE_SEGMENT)
        keep_segment(making, key, value);
    if (family == STORE_HOT)
        note_row(making, value);
    if (family == STORE_ENTRY && !making->log && !begin_log(making, fault))
        return false;
    bool of_log = family == STORE_ENTRY || family == STORE_CLASS_LIST || family == STORE_CHECKPOINT;
    making->rows++;
    return backup_writer_put(of_log && making->log ? making->log : making->base, &record, fault);
}

/* ---- the end: reading back */

static bool read_back(const struct backup_making *making, const char *path, const struct backup_sums *written,
                      struct fault *fault) {
    struct backup_header header;
    struct backup_record record;
    struct fault local = {0};
    struct backup_reader *reader = backup_reader_open(path, making->key, &header, &local);
    while (reader && backup_reader_next(reader, &record, &local))
        ;
    if (reader && !local.code) {
        struct backup_sums sums = backup_reader_sums(reader);
        if (sums.records != written->records || !hash_equal(&sums.hash, &written->hash)) {
            fault_set(&local, FAULT_FORMAT, "what is read back is not what was written");
            fault_place(&local, "%s", path);
        }
    }
    backup_reader_close(reader);
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

static bool end_file(const struct backup_making *making, struct backup_writer *writer, const char *path,
                     struct backup_made *made, struct fault *fault) {
    if (!writer)
        return true;
    if (!backup_writer_end(writer, fault))
        return false;
    struct backup_sums sums = backup_writer_sums(writer);
    made->bytes += sums.bytes;
    return read_back(making, path, &sums, fault);
}

/* 0 … below - 1; 0 where nothing can be drawn. */
static uint64_t draw(uint64_t below) {
    struct random_source source = random_source_system();
    uint8_t bytes[8];
    return below && random_fill(&source, bytes, sizeof bytes, NULL) ? bytes_get_u64(bytes) % below : 0;
}

static bool check_run(struct backup_making *making, struct backup_made *made, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_header header;
    struct backup_record record;
    struct fault local = {0};
    if (!making->run_count)
        return true;
    const struct backup_run *run = &making->runs[draw(making->run_count)];
    if (!backup_log_path(path, making->folder, run))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    struct backup_reader *reader = backup_reader_open(path, making->key, &header, &local);
    if (reader && (header.kind != BACKUP_LOG || header.set != run->first || header.number != run->end))
        fault_set(&local, FAULT_FORMAT, "%s is another file than its name says", path);
    while (reader && !local.code && backup_reader_next(reader, &record, &local))
        ;
    backup_reader_close(reader);
    made->checked++;
    if (local.code == FAULT_FORMAT || local.code == FAULT_AUTH)
        backup_log_reject(making->folder, run, NULL);
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

static bool check_segment(const struct backup_making *making, struct backup_made *made, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct fault local = {0};
    const struct segment_row *row = &making->segments[draw(making->segment_count)];
    made->checked++;
    if (backup_segment_check(making->folder, row, &local))
        return true;
    if (local.code == FAULT_FORMAT && segment_files_path(path, making->folder, row))
        files_remove(path, NULL); /* the next backup copies it again */
    if (fault)
        *fault = local;
    return false;
}

static bool check_drawn(struct backup_making *making, struct backup_made *made, struct fault *fault) {
    bool good = check_run(making, made, fault);
    for (size_t i = 0; good && i < DRAWN_SEGMENTS && i < making->segment_count; i++)
        good = check_segment(making, made, fault);
    return good;
}

static bool copy_segments(const struct backup_making *making, const char *from, struct backup_made *made,
                          struct fault *fault) {
    for (size_t i = 0; i < making->segment_count; i++) {
        char there[FILES_PATH_MOST];
        const struct segment_row *row = &making->segments[i];
        struct fault local = {0};
        bool new = segment_files_path(there, making->folder, row) && !files_exists(there);
        if (!backup_segment_copy(from, making->folder, row, &local) && local.code != FAULT_MISSING) {
            if (fault)
                *fault = local;
            return false;
        }
        /* Missing: erased since the snapshot, or lost, which `tocsin verify` says. */
        made->copied += new && !local.code;
    }
    made->segments = making->segment_count;
    return true;
}

/* What follows a set holds the bodies of everything behind its moment. */
static uint64_t bodies_from(const struct backup_making *making) {
    return making->bodies_from < making->log_size ? making->bodies_from : making->log_size;
}

static bool put_about(struct backup_making *making, struct fault *fault) {
    CLEANUP_BUFFER struct buffer record = BUFFER(1024);
    struct backup_about about = {making->log_size, bodies_from(making), making->sequence};
    backup_about_write(&record, slice_string(making->site.origin), &about);
    return backup_writer_put_all(making->base, buffer_slice(&record), fault);
}

bool backup_making_finish(struct backup_making *making, const char *store_folder,
                          struct backup_made *ret_made, struct fault *fault) {
    struct backup_made made = {
        .log_size = making->log_size, .rows = making->rows, .bodies_from = bodies_from(making)};
    char log[FILES_PATH_MOST];
    if (making->log_size > backup_making_log_first(making) && !making->log)
        return fault_set(fault, FAULT_FORMAT, "the store's log is longer than its entries");
    memcpy(made.set, making->name, sizeof made.set);
    if (!put_about(making, fault) || !end_file(making, making->log, making->run_path, &made, fault) ||
        !end_file(making, making->base, making->base_path, &made, fault) ||
        !copy_segments(making, store_folder, &made, fault) || !check_drawn(making, &made, fault))
        return false;
    if (!files_path(log, making->folder, "log") || !files_sync_folder(log, fault))
        return false;
    *ret_made = made;
    return true;
}

bool backup_making_name(struct backup_making *making, struct fault *fault) {
    char from[FILES_PATH_MOST], to[FILES_PATH_MOST];
    making->named = backup_set_path(from, making->folder, making->making, NULL) &&
                    backup_set_path(to, making->folder, making->name, NULL) &&
                    files_sync_folder(from, fault) && files_rename(from, to, fault);
    return making->named;
}
