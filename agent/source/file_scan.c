#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "file_state.h"
#include "memory.h"

#define NAME_MATCH (FNM_PATHNAME | FNM_PERIOD)
#define PART_OF_TARGET UINT16_MAX /* of a watched folder: where a link leads; every name in it counts */
#define LOOKS_A_TURN 256u

bool file_pattern_parse(struct file_pattern *pattern, const char *text, struct fault *fault) {
    *pattern = (struct file_pattern){0};
    size_t size = strlen(text);
    if (size < 2 || text[0] != '/' || text[size - 1] == '/')
        return fault_set(fault, FAULT_USAGE, "\"%.200s\" is no absolute path of a file", text);
    if (size > FILE_PATH_MOST)
        return fault_set(fault, FAULT_LIMIT, "a path of a file has at most %u bytes, not %zu", FILE_PATH_MOST,
                         size);
    pattern->text = memory_copy_string(text);
    pattern->literal = strpbrk(text, "*?[\\") == NULL;
    pattern->parts = memory_copy_string(text);
    for (char *at = pattern->parts; at;) {
        *at = 0;
        const char *part = at + 1;
        at = strchr(part, '/');
        pattern->part = memory_resize(pattern->part, pattern->part_count + 1, sizeof *pattern->part);
        pattern->part[pattern->part_count++] = part;
    }
    return true;
}

void file_pattern_free(struct file_pattern *pattern) {
    free(pattern->text);
    free(pattern->parts);
    free(pattern->part);
}

bool file_pattern_matches(const struct file_pattern *pattern, const char *name) {
    return pattern->literal ? strcmp(pattern->text, name) == 0
                            : fnmatch(pattern->text, name, NAME_MATCH) == 0;
}

static bool excluded(const struct file_source *source, const char *name, bool literal) {
    if (!literal && siblings_name_compressed(name))
        return true;
    for (size_t i = 0; i < source->exclude_count; i++)
        if (fnmatch(source->exclude[i], name, NAME_MATCH) == 0)
            return true;
    return false;
}

bool file_asked_for(const struct file_source *source, const char *name) {
    for (size_t i = 0; i < source->pattern_count; i++)
        if (file_pattern_matches(&source->patterns[i], name) &&
            !excluded(source, name, source->patterns[i].literal))
            return true;
    return false;
}

static void leave(struct file_source *source, struct log_file *file) {
    file->current = false;
    file->dirty = true; /* its last bytes */
    file->grown_us = source->now_us;
    file_wake_at(source, source->now_us + FILE_UNFINISHED_LEFT_US);
    file_path_ready(source, file->path);
    file_unsaved(source, file);
}

/* Whoever stood under this name, but for `other`, does no longer. */
static void leave_name(struct file_source *source, struct log_path *path, const struct log_file *other) {
    for (struct log_file *file = path->oldest; file; file = file->younger)
        if (file != other && file->current && !file->name)
            leave(source, file);
}

static void found_again(struct file_source *source, struct log_file *file, const char *name,
                        const struct file_look *look) {
    file_rename(file, name);
    file->current = true;
    file->seen = source->scan;
    if (file->file < 0 || look->size != file->at.size || look->modified_ns != file->at.modified_ns ||
        look->size != file->at.offset) {
        file->dirty = true;
        file_path_ready(source, file->path);
    }
}

static void start_at_end(struct file_source *source, struct log_file *file, const struct file_look *look) {
    file->at.offset = file->at.size = look->size;
    size_t head = look->size < FILE_HEAD_MOST ? (size_t)look->size : FILE_HEAD_MOST;
    size_t tail = look->size < FILE_TAIL_MOST ? (size_t)look->size : FILE_TAIL_MOST;
    bool read = file->file >= 0 && file_print_take(file->file, 0, head, &file->at.head) &&
                file_print_take(file->file, look->size - tail, tail, &file->at.tail);
    if (!read)
        file->at.head = file->at.tail = (struct file_print){0};
    file_unsaved(source, file);
}

/* Each reads a folder, which may hold thousands of names: the rest waits for another turn, so that the agent's signs of life
 * go out in between. False: full. */
static bool may_look(struct file_source *source) {
    if (source->looks == LOOKS_A_TURN)
        source->full = true;
    else
        source->looks++;
    return !source->full;
}

/* Looks for what came and went since the path's last file was there; `now` is the one that is there, if any. */
static bool look_between(struct file_source *source, struct log_path *path, const struct file_look *now,
                         bool *ret_later) {
    struct log_file *before = file_youngest(path);
    if (!may_look(source))
        return false;
    if (before && before->file < 0 && file_open_again(source, before) == FILE_READ_FULL)
        return false;
    before = file_youngest(path);
    struct file_position known = before ? before->at : path->last;
    struct file_look last;
    if (before && before->file >= 0 && file_look_descriptor(before->file, &last))
        known.modified_ns = last.modified_ns; /* what was compressed later is another file */
    return file_between(source, path, &known, now, ret_later);
}

static bool asked_for_before(const struct file_source *source, const char *name) {
    for (size_t i = 0; i < source->pattern_count; i++)
        if (source->patterns[i].ran_before && file_pattern_matches(&source->patterns[i], name))
            return true;
    return false;
}

static bool found_new(struct file_source *source, struct log_path *path, const struct file_look *look) {
    bool later = true;
    if (!look_between(source, path, look, &later))
        return false;
    struct file_position at = {
        .identity = look->identity, .generation = path->generation, .size = look->size};
    struct log_file *file = file_add(source, path, &at);
    file->current = true;
    file->dirty = true;
    file->head_checked = true;
    file->looked = later ? 0 : source->turn;
    file->seen = source->scan;
    file_unsaved(source, file);
    file_path_ready(source, path);
    /* Opened at once, so that it is held should it be renamed and removed before its turn comes. */
    if (source->open_count < source->open_most && file_open_again(source, file) == FILE_READ_FULL)
        return false;
    if (source->from_end && file->file >= 0 && !asked_for_before(source, path->name))
        start_at_end(source, file, look);
    return true;
}

/* Looks at one name. False: full. */
static bool examine(struct file_source *source, const char *name, bool literal) {
    if (excluded(source, name, literal))
        return true;
    size_t size = strlen(name);
    struct log_path *path = file_path_find(source, name);
    struct file_look look;
    enum file_found found = file_look_name(name, literal || source->follow_links, &look);
    if (found == FILE_FOUND && size > FILE_PATH_MOST)
        found = FILE_REFUSED;
    struct log_file *known = found == FILE_FOUND ? file_by_identity(source, &look.identity) : NULL;
    if (path && found != FILE_LATER && found != FILE_DENIED)
        leave_name(source, path, known);
    if (known) {
        found_again(source, known, name, &look);
        return true;
    }
    if (found == FILE_ABSENT && (!path || !path->oldest)) {
        if (path)
            path->told = FILE_FOUND;
        return file_unseen_absent(source, name, literal);
    }
    if (size > FILE_PATH_MOST) /* too long even for a path of its own: said each time it is looked at anew */
        return source->scanned ||
               file_tell_state(source, "agent", "file_refused", "a file's path is too long");
    path = file_path_get(source, name, literal);
    path->seen = source->scan;
    if (found == FILE_FOUND)
        return found_new(source, path, &look);
    if (found == FILE_ABSENT)
        path->told = FILE_FOUND;
    return found == FILE_ABSENT || file_tell_trouble(source, path, found);
}

/* --- folders --- */

static void folder_expects(struct watched_folder *folder, size_t pattern, size_t part) {
    for (size_t i = 0; i < folder->expect_count; i++)
        if (folder->expects[i].pattern == pattern && folder->expects[i].part == part)
            return;
    folder->expects = memory_resize(folder->expects, folder->expect_count + 1, sizeof *folder->expects);
    folder->expects[folder->expect_count].pattern = (uint16_t)pattern;
    folder->expects[folder->expect_count].part = (uint16_t)part;
    folder->expect_count++;
}

static void watch_folder(struct file_source *source, const char *name, size_t pattern, size_t part) {
    struct watched_folder *folder = source->folders;
    while (folder && strcmp(folder->name, name) != 0)
        folder = folder->next;
    if (!folder) {
        size_t size = strlen(name);
        folder = memory_new(sizeof *folder + size + 1);
        memcpy(folder->name, name, size + 1);
        folder->watch = WATCH_NONE;
        folder->next = source->folders;
        source->folders = folder;
    }
    folder_expects(folder, pattern, part);
    if (folder->seen == source->scan)
        return;
    folder->seen = source->scan;
    bool missing = false;
    int watch = watches_add_folder(source->watches, name, folder, &missing);
    if (watch != folder->watch)
        watches_remove(source->watches, folder->watch); /* another folder stands there now */
    folder->watch = watch;
    if (watch == WATCH_NONE && !missing)
        source->blind = true;
}

static void folder_free(struct file_source *source, struct watched_folder *folder) {
    watches_remove(source->watches, folder->watch);
    free(folder->expects);
    free(folder);
}

static void drop_unseen_folders(struct file_source *source) {
    for (struct watched_folder **at = &source->folders; *at;) {
        struct watched_folder *folder = *at;
        if (folder->seen == source->scan) {
            at = &folder->next;
        } else {
            *at = folder->next;
            folder_free(source, folder);
        }
    }
}

void file_folders_free(struct file_source *source) {
    source->scan++;
    drop_unseen_folders(source);
}

static void take_folder_time(struct file_pattern *pattern, const char *folder) {
    uint64_t changed_ns = file_look_folder(folder);
    if (changed_ns > pattern->looking_ns)
        pattern->looking_ns = changed_ns;
}

/* Watches every folder on the way to the pattern's files, so that one which comes late is noticed. */
static void watch_pattern(struct file_source *source, size_t index) {
    struct file_pattern *pattern = &source->patterns[index];
    watch_folder(source, "/", index, 0);
    pattern->looking_ns = file_look_folder("/");
    for (size_t part = 1; part < pattern->part_count; part++) {
        size_t size = (size_t)(pattern->part[part] - pattern->parts) - 1;
        CLEANUP_FREE char *prefix = memory_copy(pattern->text, size);
        glob_t found = {0};
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): sources have one thread */
        if (glob(prefix, GLOB_NOSORT | GLOB_ONLYDIR, NULL, &found) == 0) {
            pattern->looking_ns = 0; /* the folders that hold its files tell, where there are any */
            for (size_t i = 0; i < found.gl_pathc; i++) {
                watch_folder(source, found.gl_pathv[i], index, part);
                take_folder_time(pattern, found.gl_pathv[i]);
            }
        }
        globfree(&found);
    }
}

/* A name given literally that is a link: its target is rotated in another folder. */
static void watch_target(struct file_source *source, size_t index) {
    const char *name = source->patterns[index].text;
    struct stat status;
    if (!source->patterns[index].literal || lstat(name, &status) != 0 || !S_ISLNK(status.st_mode))
        return;
    CLEANUP_FREE char *target = realpath(name, NULL);
    char *slash = target ? strrchr(target, '/') : NULL;
    if (!slash)
        return;
    slash[slash == target ? 1 : 0] = 0;
    watch_folder(source, target, index, PART_OF_TARGET);
    take_folder_time(&source->patterns[index], target);
}

static bool examine_pattern(struct file_source *source, const struct file_pattern *pattern) {
    if (pattern->literal)
        return examine(source, pattern->text, true);
    glob_t found = {0};
    bool done = true;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): sources have one thread */
    if (glob(pattern->text, 0, NULL, &found) == 0)
        for (size_t i = 0; done && i < found.gl_pathc; i++)
            done = examine(source, found.gl_pathv[i], false);
    globfree(&found);
    return done;
}

/* The path's last file is gone from it, and no other came; once for each. */
static bool look_after_last(struct file_source *source, struct log_path *path) {
    struct log_file *last = file_youngest(path);
    if (!last || last->current || last->restored || last->followed)
        return true;
    last->followed = true;
    bool later;
    if (look_between(source, path, &file_nothing_yet, &later))
        return true;
    last = file_youngest(path);
    if (last)
        last->followed = false;
    return false;
}

/* Files that this scan did not find under any name that is asked for; names that nothing is known of any more. */
static bool sweep(struct file_source *source) {
    for (unsigned i = 0; i < FILE_BUCKETS; i++)
        for (struct log_path *path = source->paths[i], *next; path; path = next) {
            next = path->next;
            for (struct log_file *file = path->oldest; file; file = file->younger)
                if (file->current && file->seen != source->scan)
                    leave(source, file);
            if (!look_after_last(source, path))
                return false;
            if (!path->oldest && !path->literal && !path->ready && path->seen != source->scan)
                file_path_drop(source, path);
        }
    return true;
}

/* Files that the positions speak of are found, or found to be lost, before new ones are looked at: what came between can
 * only be told then. */
static bool resolve(struct file_source *source) {
    for (unsigned i = 0; source->restored_count && i < FILE_BUCKETS; i++)
        for (struct log_path *path = source->paths[i]; path; path = path->next)
            for (struct log_file *file = path->oldest, *younger; file; file = younger) {
                younger = file->younger;
                if (file->restored && (!may_look(source) || file_open_again(source, file) == FILE_READ_FULL))
                    return false;
                file_path_ready(source, path);
            }
    return true;
}

bool file_scan(struct file_source *source) {
    source->scan++;
    source->scan_us = source->now_us;
    bool orphans = source->orphans_wanted || source->blind;
    source->blind = false;
    for (size_t i = 0; i < source->pattern_count; i++) {
        watch_pattern(source, i);
        watch_target(source, i);
    }
    drop_unseen_folders(source);
    bool done = resolve(source);
    for (size_t i = 0; done && i < source->pattern_count; i++)
        done = examine_pattern(source, &source->patterns[i]);
    for (size_t i = 0; done && orphans && i < source->pattern_count; i++)
        done = file_orphans(source, &source->patterns[i]);
    source->orphans_wanted = orphans;
    if (!done || !sweep(source))
        return false;
    source->orphans_wanted = false;
    source->scanned = true;
    file_look_over(source);
    source->scan_wanted = false;
    return true;
}

/* --- what is reported --- */

static void name_changed(struct file_source *source, const struct watched_folder *folder, const char *name) {
    for (size_t i = 0; i < folder->expect_count; i++) {
        const struct file_pattern *pattern = &source->patterns[folder->expects[i].pattern];
        size_t part = folder->expects[i].part;
        if (part == PART_OF_TARGET) {
            source->scan_wanted |= !source->scanned || !examine(source, pattern->text, true);
            continue;
        }
        size_t size = part + 1 < pattern->part_count
                          ? (size_t)(pattern->part[part + 1] - pattern->part[part]) - 1
                          : strlen(pattern->part[part]);
        CLEANUP_FREE char *expected = memory_copy(pattern->part[part], size);
        bool matches =
            pattern->literal ? strcmp(expected, name) == 0 : fnmatch(expected, name, FNM_PERIOD) == 0;
        if (!matches)
            continue;
        if (part + 1 < pattern->part_count || !source->scanned) {
            source->scan_wanted = true;
            continue;
        }
        char path[FILE_PATH_MOST + 258];
        snprintf(path, sizeof path, "%s/%s", folder->name[1] ? folder->name : "", name);
        if (!examine(source, path, pattern->literal))
            source->scan_wanted = true;
    }
}

void file_watch_drain(struct file_source *source) {
    for (;;) {
        struct watch_event event;
        watches_next(source->watches, &event);
        switch (event.news) {
        case WATCH_QUIET:
            return;
        case WATCH_CHANGED: {
            struct log_file *file = event.owner;
            file->dirty = true;
            file_path_ready(source, file->path);
            break;
        }
        case WATCH_NAME:
            name_changed(source, event.owner, event.name);
            break;
        case WATCH_LOST:
            if (event.kind == WATCH_FILE)
                ((struct log_file *)event.owner)->watch = WATCH_NONE;
            else
                ((struct watched_folder *)event.owner)->watch = WATCH_NONE;
            source->scan_wanted = event.kind == WATCH_FOLDER || source->scan_wanted;
            break;
        case WATCH_OVERFLOW:
            source->scan_wanted = source->orphans_wanted = true;
            break;
        }
    }
}
