#include <stdlib.h>
#include <unistd.h>

#include "file_state.h"
#include "memory.h"

static unsigned name_bucket(const char *name) {
    uint32_t hash = 2166136261u; /* FNV-1a: spreads names, resists nobody */
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash % FILE_BUCKETS;
}

static struct log_file **inode_bucket(struct file_source *source, uint64_t inode) {
    return &source->inodes[inode % FILE_BUCKETS];
}

struct log_path *file_path_find(struct file_source *source, const char *name) {
    struct log_path *path = source->paths[name_bucket(name)];
    while (path && strcmp(path->name, name) != 0)
        path = path->next;
    return path;
}

struct log_path *file_path_get(struct file_source *source, const char *name, bool literal) {
    struct log_path *path = file_path_find(source, name);
    if (path) {
        path->literal |= literal;
        return path;
    }
    size_t size = strlen(name);
    path = memory_new(sizeof *path + size + 1);
    memcpy(path->name, name, size + 1);
    path->size = size;
    path->literal = literal;
    struct log_path **bucket = &source->paths[name_bucket(name)];
    path->next = *bucket;
    *bucket = path;
    source->path_count++;
    return path;
}

void file_path_drop(struct file_source *source, struct log_path *path) {
    struct log_path **at = &source->paths[name_bucket(path->name)];
    while (*at != path)
        at = &(*at)->next;
    *at = path->next;
    source->path_count--;
    free(path);
}

void file_path_ready(struct file_source *source, struct log_path *path) {
    if (path->ready)
        return;
    path->ready = true;
    path->next_ready = NULL;
    if (source->ready_last)
        source->ready_last->next_ready = path;
    else
        source->ready_first = path;
    source->ready_last = path;
}

struct log_path *file_path_take_ready(struct file_source *source) {
    struct log_path *path = source->ready_first;
    if (!path)
        return NULL;
    source->ready_first = path->next_ready;
    if (!source->ready_first)
        source->ready_last = NULL;
    path->ready = false;
    return path;
}

static void insert_by_generation(struct log_file *file) {
    struct log_file **place = &file->path->oldest;
    while (*place && (*place)->at.generation < file->at.generation)
        place = &(*place)->younger;
    file->younger = *place;
    *place = file;
}

static void unlink_from_path(struct log_file *file) {
    struct log_file **at = &file->path->oldest;
    while (*at != file)
        at = &(*at)->younger;
    *at = file->younger;
}

void file_reorder(struct log_file *file) {
    unlink_from_path(file);
    insert_by_generation(file);
}

struct log_file *file_add(struct file_source *source, struct log_path *path, const struct file_position *at) {
    struct log_file *file = memory_new(sizeof *file);
    file->path = path;
    file->at = *at;
    file->file = -1;
    file->watch = WATCH_NONE;
    file->grown_us = source->now_us;
    insert_by_generation(file);
    struct log_file **bucket = inode_bucket(source, at->identity.inode);
    file->next_inode = *bucket;
    *bucket = file;
    if (path->generation <= at->generation)
        path->generation = at->generation + 1;
    source->file_count++;
    return file;
}

struct log_file *file_by_identity(struct file_source *source, const struct file_identity *identity) {
    struct log_file *file = *inode_bucket(source, identity->inode);
    while (file && !file_identity_same(&file->at.identity, identity))
        file = file->next_inode;
    return file;
}

struct log_file *file_youngest(struct log_path *path) {
    struct log_file *file = path->oldest;
    while (file && file->younger)
        file = file->younger;
    return file;
}

void file_unsaved(struct file_source *source, struct log_file *file) {
    if (file->unsaved)
        return;
    file->unsaved = true;
    file->next_unsaved = source->unsaved;
    source->unsaved = file;
}

const char *file_name(const struct log_file *file) {
    return file->name ? file->name : file->path->name;
}

void file_rename(struct log_file *file, const char *name) {
    if (strcmp(file_name(file), name) == 0)
        return;
    free(file->name);
    file->name = strcmp(name, file->path->name) == 0 ? NULL : memory_copy_string(name);
}

static void unlink_open(struct file_source *source, struct log_file *file) {
    *(file->newer ? &file->newer->older : &source->newest_open) = file->older;
    *(file->older ? &file->older->newer : &source->oldest_open) = file->newer;
    file->newer = file->older = NULL;
}

static void link_open(struct file_source *source, struct log_file *file) {
    file->older = source->newest_open;
    *(file->older ? &file->older->newer : &source->oldest_open) = file;
    source->newest_open = file;
}

void file_used(struct file_source *source, struct log_file *file) {
    if (file->file < 0 || source->newest_open == file)
        return;
    unlink_open(source, file);
    link_open(source, file);
}

static void close_descriptor(struct file_source *source, struct log_file *file) {
    if (file->file < 0)
        return;
    unlink_open(source, file);
    close(file->file);
    file->file = -1;
    source->open_count--;
}

/* A file that is read to its end and has a name can be opened again; the watch stays and tells when it grows. Where there
 * is none, the limit is passed. */
static bool close_one_idle(struct file_source *source) {
    for (struct log_file *file = source->oldest_open; file; file = file->newer) {
        struct file_look look;
        bool idle =
            !file->dirty && !file->waiting && file->at.offset >= file->at.size && file->watch != WATCH_NONE;
        if (idle && file_look_descriptor(file->file, &look) && look.links && look.size == file->at.offset) {
            close_descriptor(source, file);
            return true;
        }
    }
    return false;
}

void file_opened(struct file_source *source, struct log_file *file, int descriptor) {
    while (source->open_count >= source->open_most && close_one_idle(source))
        ;
    file->file = descriptor;
    source->open_count++;
    link_open(source, file);
    if (file->watch == WATCH_NONE)
        file->watch = watches_add_file(source->watches, descriptor, file_name(file), file);
    if (file->watch == WATCH_NONE)
        source->blind = true;
    if (file->restored) {
        file->restored = false;
        source->restored_count--;
    }
}

static void forget_key(struct file_source *source, const struct file_position *position,
                       const struct log_path *path) {
    char key[FILE_KEY_MOST];
    const struct source_output *output = source->source.output;
    output->position(output->context, file_position_key(position, slice_make(path->name, path->size), key),
                     slice_make("", 0));
}

void file_give_position(struct file_source *source, const struct file_position *at,
                        const struct log_path *path) {
    const struct source_output *output = source->source.output;
    char key[FILE_KEY_MOST];
    struct slice name = slice_make(path->name, path->size);
    buffer_clear(&source->position);
    if (file_position_write(at, name, &source->position))
        output->position(output->context, file_position_key(at, name, key), buffer_slice(&source->position));
}

static void unlink_inode(struct file_source *source, struct log_file *file) {
    struct log_file **at = inode_bucket(source, file->at.identity.inode);
    while (*at != file)
        at = &(*at)->next_inode;
    *at = file->next_inode;
}

void file_set_identity(struct file_source *source, struct log_file *file,
                       const struct file_identity *identity) {
    if (file->at.identity.device != identity->device || file->at.identity.inode != identity->inode)
        forget_key(source, &file->at, file->path);
    unlink_inode(source, file);
    file->at.identity = *identity;
    struct log_file **bucket = inode_bucket(source, identity->inode);
    file->next_inode = *bucket;
    *bucket = file;
    file_unsaved(source, file);
}

static void free_file(struct file_source *source, struct log_file *file) {
    close_descriptor(source, file);
    free(file->name);
    free(file->long_line);
    free(file);
}

void file_drop(struct file_source *source, struct log_file *file) {
    struct log_path *path = file->path;
    forget_key(source, &file->at, path);
    watches_remove(source->watches, file->watch);
    unlink_from_path(file);
    unlink_inode(source, file);
    for (struct log_file **unsaved = &source->unsaved; file->unsaved && *unsaved;
         unsaved = &(*unsaved)->next_unsaved) {
        if (*unsaved == file) {
            *unsaved = file->next_unsaved;
            break;
        }
    }
    if (file->restored)
        source->restored_count--;
    source->file_count--;
    uint64_t told_ns = file->at.modified_ns > path->told_ns ? file->at.modified_ns : path->told_ns;
    file_look_told(source, path->name, told_ns);
    if (!path->oldest) {
        path->last = file->at;
        path->last.flags = FILE_FLAG_GONE;
        /* A name given literally is remembered, so that the count of its generations goes on after a restart. */
        if (path->literal)
            file_give_position(source, &path->last, path);
    }
    free_file(source, file);
}

void file_free_all(struct file_source *source) {
    for (unsigned i = 0; i < FILE_BUCKETS; i++)
        for (struct log_path *path = source->paths[i], *next; path; path = next) {
            next = path->next;
            for (struct log_file *file = path->oldest, *younger; file; file = younger) {
                younger = file->younger;
                free_file(source, file);
            }
            free(path);
        }
}

void file_wake_at(struct file_source *source, uint64_t time_us) {
    if (time_us < source->due_us)
        source->due_us = time_us;
}
