#include "file_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "file_state.h"
#include "memory.h"

#define SCAN_PAUSE_US 20000u   /* between scans, however much is reported */
#define SCAN_PAUSE_NAME_US 20u /* and this for each name known */
#define KEY_RAN "files:"       /* with a pattern behind it: this source ran before, and its last look */

static struct file_source *of(struct source *source) {
    return (struct file_source *)(void *)source;
}
static const struct file_source *of_const(const struct source *source) {
    return (const struct file_source *)(const void *)source;
}

static int descriptor(const struct source *source) {
    return watches_descriptor(of_const(source)->watches);
}

/* --- positions --- */

static void restore_one(void *context, struct slice key, struct slice value) {
    struct file_source *source = context;
    struct file_position at;
    struct slice path_text;
    (void)key;
    if (!file_position_read(value, &at, &path_text, NULL)) {
        source->damaged++;
        return;
    }
    char name[FILE_PATH_MOST + 1];
    memcpy(name, path_text.data, path_text.size);
    name[path_text.size] = 0;
    bool wanted = false, literal = false;
    for (size_t i = 0; i < source->pattern_count; i++) {
        bool matches = file_pattern_matches(&source->patterns[i], name);
        wanted |= matches;
        literal |= matches && source->patterns[i].literal;
    }
    if (!wanted)
        return;
    struct log_path *path = file_path_get(source, name, literal);
    path->seen = 1; /* the first scan may not drop it */
    if (at.flags & FILE_FLAG_GONE) {
        path->last = at;
        if (path->generation <= at.generation)
            path->generation = at.generation + 1;
        return;
    }
    struct log_file *file = file_add(source, path, &at);
    file->restored = true;
    file->dirty = true;
    source->restored_count++;
}

static struct slice ran_key(const struct file_pattern *pattern, char ret_key[FILE_KEY_MOST]) {
    return slice_make(ret_key, (size_t)snprintf(ret_key, FILE_KEY_MOST, KEY_RAN "%s", pattern->text));
}

static void restore(struct file_source *source) {
    const struct source_output *output = source->source.output;
    output->restore_each(output->context, SLICE("file:"), restore_one, source);
    for (size_t i = 0; i < source->pattern_count; i++) {
        char key[FILE_KEY_MOST];
        struct slice value;
        struct file_pattern *pattern = &source->patterns[i];
        pattern->ran_before = output->restore(output->context, ran_key(pattern, key), &value);
        if (pattern->ran_before)
            file_look_read(value, pattern);
    }
    source->restored = true;
}

static void give_positions(struct file_source *source) {
    for (struct log_file *file = source->unsaved, *next; file; file = next) {
        next = file->next_unsaved;
        file->unsaved = false;
        file->next_unsaved = NULL;
        file->at.flags = (uint8_t)((file->at.flags & ~FILE_FLAG_LEFT) | (file->current ? 0 : FILE_FLAG_LEFT));
        file_give_position(source, &file->at, file->path);
    }
    source->unsaved = NULL;
    for (size_t i = 0; source->scanned && i < source->pattern_count; i++) {
        const struct source_output *output = source->source.output;
        struct file_pattern *pattern = &source->patterns[i];
        if (!pattern->unsaved)
            continue;
        char key[FILE_KEY_MOST];
        buffer_clear(&source->position);
        file_look_write(pattern, &source->position);
        output->position(output->context, ran_key(pattern, key), buffer_slice(&source->position));
        pattern->unsaved = false;
        pattern->ran_before = true;
    }
}

/* --- reading --- */

/* Nothing is read twice for a file that waits for its successor's sake: done with the oldest, on to the next. */
static enum file_read read_path(struct file_source *source, struct log_path *path) {
    for (struct log_file *file = path->oldest, *younger; file; file = younger) {
        younger = file->younger;
        if (!file->dirty && !file->waiting && file->at.offset == file->at.size)
            continue;
        enum file_read read = file_read_share(source, file);
        if (read == FILE_READ_MORE || read == FILE_READ_FULL)
            return read;
        if (read == FILE_READ_WAIT)
            file->dirty = true;
    }
    return FILE_READ_END;
}

static void read_ready(struct file_source *source) {
    for (size_t budget = FILE_TURN_MOST; budget && !source->full; budget -= FILE_SHARE) {
        struct log_path *path = file_path_take_ready(source);
        if (!path)
            return;
        enum file_read read = read_path(source, path);
        if (read == FILE_READ_MORE || read == FILE_READ_FULL)
            file_path_ready(source, path);
    }
}

/* --- age --- */

static void release(struct file_source *source, struct log_file *file) {
    if (file->at.modified_ns > file->path->told_ns)
        file->path->told_ns = file->at.modified_ns;
    file_drop(source, file);
}

static void look_at_age(struct file_source *source, struct log_file *file) {
    if (file->waiting)
        file_path_ready(source, file->path);
    if (file->dirty && file->file < 0) { /* could not be opened */
        file_path_ready(source, file->path);
        file_wake_at(source, source->now_us + FILE_UNFINISHED_LEFT_US);
    }
    if (file->current || file->restored)
        return;
    struct file_look look = {.links = 1};
    bool open = file->file >= 0 && file_look_descriptor(file->file, &look);
    if (open && look.size != file->at.size) {
        file->dirty = true;
        file_path_ready(source, file->path);
    }
    uint64_t end_us = file->grown_us + (look.links ? FILE_LINGER_US : FILE_LINGER_DELETED_US);
    bool done = file->at.offset == file->at.size && !file->waiting && !file->dirty;
    if (done && source->now_us >= end_us)
        release(source, file);
    else
        file_wake_at(source, end_us > source->now_us ? end_us : source->now_us + FILE_UNFINISHED_LEFT_US);
}

static void look_at_ages(struct file_source *source) {
    source->due_us = SOURCE_NEVER;
    for (unsigned i = 0; i < FILE_BUCKETS; i++)
        for (struct log_path *path = source->paths[i]; path; path = path->next)
            for (struct log_file *file = path->oldest, *younger; file; file = younger) {
                younger = file->younger;
                look_at_age(source, file);
            }
}

/* --- the turn --- */

static uint64_t next_scan(const struct file_source *source) {
    uint64_t pause = source->blind ? FILE_POLL_US : FILE_RESCAN_US;
    if (source->scan_wanted)
        pause = SCAN_PAUSE_US + SCAN_PAUSE_NAME_US * source->path_count;
    return source->scan_us + pause;
}

static void tell_damaged(struct file_source *source) {
    char sentence[160];
    snprintf(sentence, sizeof sentence,
             "%" PRIu32 " positions in the spool could not be read; their files are read from the start",
             source->damaged);
    if (source->damaged && file_tell_state(source, source->patterns[0].text, "position_unreadable", sentence))
        source->damaged = 0;
}

static void tell_caught_up(struct file_source *source) {
    if (source->caught_up || !source->scanned || source->ready_first || source->full)
        return;
    char sentence[FILE_PATH_MOST + 120];
    snprintf(sentence, sizeof sentence, "%s%s: all that was written up to now is read, %zu files",
             source->patterns[0].text, source->pattern_count > 1 ? " and others" : "", source->file_count);
    source->caught_up = file_tell_state(source, source->patterns[0].text, "source_caught_up", sentence);
}

static uint64_t turn(struct source *base, uint64_t now_us) {
    struct file_source *source = of(base);
    source->now_us = now_us;
    source->turn++;
    source->full = false;
    source->looks = 0;
    if (!source->restored)
        restore(source);
    tell_damaged(source);
    if (!source->full)
        file_watch_drain(source);
    if (!source->full && (!source->scanned || now_us >= next_scan(source)))
        file_scan(source);
    if (now_us >= source->due_us)
        look_at_ages(source);
    if (!source->full && source->scanned)
        read_ready(source);
    tell_caught_up(source);
    give_positions(source);
    if (source->full || source->ready_first)
        return now_us;
    uint64_t scan_us = next_scan(source);
    return scan_us < source->due_us ? scan_us : source->due_us;
}

static uint64_t lag_of(const struct file_source *source) {
    uint64_t lag = 0;
    for (unsigned i = 0; i < FILE_BUCKETS; i++)
        for (const struct log_path *path = source->paths[i]; path; path = path->next)
            for (const struct log_file *file = path->oldest; file; file = file->younger) {
                struct file_look look = {.size = file->at.size};
                if (file->file >= 0)
                    (void)file_look_descriptor(file->file, &look);
                lag += look.size > file->at.offset ? look.size - file->at.offset : 0;
            }
    return lag;
}

static void describe(const struct source *base, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    const struct file_source *source = of_const(base);
    struct buffer text = BUFFER(size ? size - 1 : 0);
    for (size_t i = 0; i < source->pattern_count; i++)
        buffer_printf(&text, "%s%s", i ? ", " : "file ", source->patterns[i].text);
    if (source->scanned && source->file_count == 0)
        buffer_printf(&text, ": not there yet, waiting");
    else if (source->scanned)
        buffer_printf(&text, ": %zu file%s", source->file_count, source->file_count == 1 ? "" : "s");
    snprintf(ret_text, size, "%s", buffer_string(&text));
    buffer_free(&text);
    *ret_lag_bytes = lag_of(source);
}

/* What is not given yet stays in its file, behind the position. */
static void finish(struct source *base, uint64_t now_us) {
    (void)base;
    (void)now_us;
}

static struct source *destroy(struct source *base) {
    struct file_source *source = of(base);
    if (!source)
        return NULL;
    if (source->watches)
        file_folders_free(source);
    file_free_all(source);
    watches_destroy(source->watches);
    for (size_t i = 0; i < source->pattern_count; i++)
        file_pattern_free(&source->patterns[i]);
    for (size_t i = 0; i < source->exclude_count; i++)
        free(source->exclude[i]);
    free(source->patterns);
    free(source->exclude);
    multiline_destroy(source->multiline);
    buffer_free(&source->position);
    free(source->chunk);
    free(source);
    return NULL;
}

static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};

static bool take_settings(struct file_source *source, const struct file_source_settings *settings,
                          struct fault *fault) {
    if (settings->pattern_count == 0 || settings->pattern_count > UINT16_MAX)
        return fault_set(fault, FAULT_USAGE, "a file source has from 1 to %u names, not %zu", UINT16_MAX,
                         settings->pattern_count);
    source->patterns = memory_new_array(settings->pattern_count, sizeof *source->patterns);
    for (size_t i = 0; i < settings->pattern_count; i++) {
        source->pattern_count++;
        if (!file_pattern_parse(&source->patterns[i], settings->patterns[i], fault))
            return false;
    }
    source->exclude = memory_new_array(settings->exclude_count + 1, sizeof *source->exclude);
    for (; source->exclude_count < settings->exclude_count; source->exclude_count++)
        source->exclude[source->exclude_count] = memory_copy_string(settings->exclude[source->exclude_count]);
    if (settings->multiline.start) {
        source->multiline = multiline_create(&settings->multiline, fault);
        if (!source->multiline)
            return false;
    }
    source->watches = watches_create(settings->watch_most ? settings->watch_most : FILE_WATCH_MOST, fault);
    return source->watches != NULL;
}

struct source *file_source_create(const struct file_source_settings *settings,
                                  const struct source_output *output, struct fault *fault) {
    struct file_source *source = memory_new(sizeof *source);
    source->source = (struct source){&operations, output};
    source->class = settings->class;
    source->from_end = settings->from_end;
    source->follow_links = settings->follow_links;
    source->open_most = settings->open_most ? settings->open_most : FILE_OPEN_MOST;
    source->due_us = SOURCE_NEVER;
    source->orphans_wanted = true;
    source->position = BUFFER(SOURCE_POSITION_MOST);
    if (!take_settings(source, settings, fault))
        return destroy(&source->source);
    source->chunk = memory_new(FILE_TAIL_MOST + FILE_SHARE);
    return &source->source;
}
