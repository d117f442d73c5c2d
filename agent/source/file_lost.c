#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file_state.h"

#define SENTENCE_SIZE (2 * FILE_PATH_MOST + 256)

/* An uncompressed file beside the log that holds what the position says, and is not read under a name of its own. */
struct copy {
    int file; /* -1: none */
    const struct sibling *sibling;
    struct file_look look;
};

static struct copy find_copy(struct file_source *source, const struct file_position *at,
                             const struct siblings *siblings) {
    struct copy best = {.file = -1};
    for (size_t i = 0; i < siblings->count; i++) {
        const struct sibling *one = &siblings->items[i];
        struct copy found = {.file = -1, .sibling = one};
        if (one->compressed || one->look.size < at->offset || file_by_identity(source, &one->look.identity) ||
            file_look_open(one->name, false, &found.file, &found.look) != FILE_FOUND)
            continue;
        bool better = file_content_same(found.file, found.look.size, at) &&
                      (best.file < 0 || found.look.size > best.look.size);
        int unwanted = better ? best.file : found.file;
        if (better)
            best = found;
        if (unwanted >= 0)
            close(unwanted);
    }
    return best;
}

/* The compressed file that holds the position's file: compressors keep the time of the last writing, so it is the first
 * that was written to no earlier than the file, as far as it was seen. `newest`: the one made last, for a copy whose times
 * are its own. */
static const struct sibling *find_compressed(const struct file_position *at, const struct siblings *siblings,
                                             bool newest) {
    const struct sibling *best = NULL;
    for (size_t i = 0; i < siblings->count; i++) {
        const struct sibling *one = &siblings->items[i];
        if (!one->compressed || one->look.modified_ns < at->modified_ns / 1000000000u * 1000000000u ||
            (one->known_length && one->length < at->offset))
            continue;
        bool better = !best || (newest ? one->look.modified_ns >= best->look.modified_ns
                                       : one->look.modified_ns < best->look.modified_ns);
        if (better)
            best = one;
    }
    return best;
}

/* NULs of a hole that was not over when the file changed. */
static bool give_hole(struct file_source *source, struct log_file *file) {
    if (!file->at.line.hole)
        return true;
    struct line_piece piece = {.kind = LINE_PIECE_HOLE, .hole = file->at.line.hole};
    if (!file_tell_line(source, file, &piece))
        return false;
    file->at.line.hole = 0;
    return true;
}

/* Says what became of the bytes behind the offset when there is no copy to read them from. */
static bool tell_loss(struct file_source *source, const struct log_file *file, const struct sibling *packed,
                      const char *reason, bool may_have_grown) {
    uint64_t offset = file->at.offset;
    uint64_t count = file->at.size > offset ? file->at.size - offset : may_have_grown ? UINT64_MAX : 0;
    char sentence[SENTENCE_SIZE];
    if (packed) {
        count = packed->known_length ? packed->length - offset : count ? UINT64_MAX : 0;
        reason = "compressed";
        snprintf(sentence, sizeof sentence,
                 "%s: what follows byte %" PRIu64 " was compressed before it was read, into %s",
                 file->path->name, offset, packed->name);
    } else {
        snprintf(sentence, sizeof sentence, "%s: %s; %s follows byte %" PRIu64 " is lost", file->path->name,
                 reason, count == UINT64_MAX ? "whatever" : "what", offset);
    }
    if (count == 0)
        return true;
    return file_tell_gap(source, file->path->name, file->at.generation, offset, count, reason, sentence);
}

static void begin_again(struct file_source *source, struct log_file *file, const struct siblings *siblings) {
    uint64_t since_ns = file->at.since_ns;
    for (size_t i = 0; i < siblings->count; i++)
        if (siblings->items[i].look.identity.birth_ns > since_ns)
            since_ns = siblings->items[i].look.identity.birth_ns;
    free(file->long_line);
    file->long_line = NULL;
    file->at = (struct file_position){
        .identity = file->at.identity, .generation = file->path->generation++, .since_ns = since_ns};
    file_reorder(file);
    file->joined = (struct multiline_state){0};
    file->waiting = false;
    file->dirty = true;
    file->head_checked = true;
    file_unsaved(source, file);
}

/* The copy is read first, as what it is: the file as it was. */
static void read_copy(struct file_source *source, struct log_file *file, const struct copy *copy) {
    struct file_position at = file->at;
    at.identity = copy->look.identity;
    at.flags |= FILE_FLAG_COPY;
    at.size = copy->look.size;
    struct log_file *added = file_add(source, file->path, &at);
    file_rename(added, copy->sibling->name);
    added->head_checked = true;
    added->waiting = true; /* so that the first look reads, whatever its size */
    added->long_line = file->long_line;
    file->long_line = NULL;
    file_opened(source, added, copy->file);
    file_unsaved(source, added);
}

static uint64_t birth_of(const struct file_look *look) {
    return look->identity.birth_ns ? look->identity.birth_ns : look->modified_ns;
}

void file_add_unseen(struct file_source *source, struct log_path *path, const struct sibling *one) {
    struct file_position at = {
        .identity = one->look.identity, .generation = path->generation, .size = one->look.size};
    struct log_file *file = file_add(source, path, &at);
    file_rename(file, one->name);
    file->dirty = true;
    file_unsaved(source, file);
    file_path_ready(source, path);
    file_wake_at(source, source->now_us + FILE_UNFINISHED_LEFT_US);
}

/* The file was truncated more than once since the last look, or before anything of it was read: the copies born after
 * `since_ns` hold what was written in between. One that begins as the file does now is of a truncation that is only about
 * to come. Returns how many there are. */
static size_t add_copies(struct file_source *source, struct log_file *file, uint64_t since_ns,
                         const struct siblings *siblings) {
    struct file_look look;
    size_t size = file->file >= 0 && file_look_descriptor(file->file, &look) ? (size_t)look.size : 0;
    struct file_position present = {0};
    if (size)
        (void)file_print_take(file->file, 0, size < FILE_HEAD_MOST ? size : FILE_HEAD_MOST, &present.head);
    size_t added = 0;
    for (size_t i = 0; i < siblings->count; i++) {
        const struct sibling *one = &siblings->items[i];
        int opened = -1;
        if (one->compressed || one->look.identity.birth_ns <= since_ns ||
            file_by_identity(source, &one->look.identity) ||
            file_look_open(one->name, false, &opened, &look) != FILE_FOUND)
            continue;
        bool coming = size && file_head_same(opened, &present);
        bool read_before = file_content_same(opened, look.size, &file->at);
        close(opened);
        if (coming || read_before)
            continue;
        file_add_unseen(source, file->path, one);
        added++;
    }
    return added;
}

enum file_read file_unread_copies(struct file_source *source, struct log_file *file) {
    if (file->name || !file->at.identity.birth_ns || file->looked == source->turn)
        return FILE_READ_END;
    file->looked = source->turn;
    CLEANUP_SIBLINGS struct siblings siblings = siblings_list(file->path->name);
    uint64_t since_ns = file->at.since_ns ? file->at.since_ns : file->at.identity.birth_ns;
    if (!add_copies(source, file, since_ns, &siblings))
        return FILE_READ_END;
    begin_again(source, file, &siblings);
    return FILE_READ_MORE;
}

/* Where the rest of it is, if anywhere: in a copy, in a compressed one, or lost. */
static bool settle_rest(struct file_source *source, struct log_file *file, const struct siblings *siblings,
                        uint64_t size, const char *how) {
    char sentence[SENTENCE_SIZE];
    int used =
        snprintf(sentence, sizeof sentence, "%s was %s to %" PRIu64 " bytes after byte %" PRIu64 " was read",
                 file_name(file), how, size, file->at.offset);
    struct copy copy = find_copy(source, &file->at, siblings);
    if (copy.file >= 0) {
        snprintf(sentence + used, sizeof sentence - (size_t)used, "; %s has the rest", copy.sibling->name);
        if (!file_tell_state(source, file->path->name, "file_truncated", sentence)) {
            close(copy.file);
            return false;
        }
        read_copy(source, file, &copy);
        (void)add_copies(source, file, copy.look.identity.birth_ns - 1,
                         siblings); /* births may be the same */
        return true;
    }
    if (!give_hole(source, file))
        return false;
    if (file->at.offset == 0 && file->at.identity.birth_ns &&
        add_copies(source, file, file->at.since_ns ? file->at.since_ns : file->at.identity.birth_ns,
                   siblings))
        return true;
    const struct sibling *packed = find_compressed(&file->at, siblings, true);
    return packed || file->at.size > file->at.offset
               ? tell_loss(source, file, packed, how, false)
               : file_tell_state(source, file->path->name, "file_truncated", sentence);
}

enum file_read file_rewritten(struct file_source *source, struct log_file *file, uint64_t size,
                              const char *how) {
    CLEANUP_SIBLINGS struct siblings siblings = siblings_list(file->path->name);
    if (!settle_rest(source, file, &siblings, size, how))
        return FILE_READ_FULL;
    begin_again(source, file, &siblings);
    return FILE_READ_MORE;
}

enum file_read file_vanished(struct file_source *source, struct log_file *file) {
    CLEANUP_SIBLINGS struct siblings siblings = siblings_list(file->path->name);
    struct copy copy = find_copy(source, &file->at, &siblings);
    if (copy.file >= 0) {
        file_set_identity(source, file, &copy.look.identity);
        file_rename(file, copy.sibling->name);
        file->at.flags |= FILE_FLAG_COPY;
        file->current = false;
        file->head_checked = true;
        file->waiting = true;
        file_opened(source, file, copy.file);
        return FILE_READ_MORE;
    }
    const struct sibling *packed = find_compressed(&file->at, &siblings, false);
    bool may_have_grown = file->restored ? !(file->at.flags & FILE_FLAG_LEFT) : file->dirty;
    if (!give_hole(source, file) || !tell_loss(source, file, packed, "vanished", may_have_grown))
        return FILE_READ_FULL;
    struct log_path *path = file->path;
    if (packed && packed->look.modified_ns > path->told_ns)
        path->told_ns = packed->look.modified_ns;
    file_drop(source, file);
    return FILE_READ_GONE;
}

/* Born after the one file and before the other; without births, last written between them. A file system's clock ticks
 * every few milliseconds, so births may be the same. */
static bool came_between(const struct file_look *look, const struct file_position *before,
                         const struct file_look *now) {
    uint64_t since_ns = before->since_ns ? before->since_ns + 1 : before->identity.birth_ns;
    if (look->identity.birth_ns && before->identity.birth_ns && now->identity.birth_ns)
        return look->identity.birth_ns >= since_ns && look->identity.birth_ns <= now->identity.birth_ns;
    return look->modified_ns > before->modified_ns && look->modified_ns <= birth_of(now);
}

/* A copy of what was read is none that came between. */
static bool is_copy(const struct sibling *one, const struct file_position *before) {
    int file = -1;
    struct file_look look;
    if (before->offset == 0 || file_look_open(one->name, false, &file, &look) != FILE_FOUND)
        return false;
    bool same = file_content_same(file, look.size, before);
    close(file);
    return same;
}

bool file_tell_packed(struct file_source *source, struct log_path *path, const struct sibling *one) {
    char sentence[SENTENCE_SIZE];
    snprintf(sentence, sizeof sentence, "%s: a file came, was rotated and compressed before it was read: %s",
             path->name, one->name);
    uint64_t count = one->known_length ? one->length : UINT64_MAX;
    if (count && !file_tell_gap(source, path->name, path->generation, 0, count, "compressed", sentence))
        return false;
    path->generation++;
    path->told_ns = one->look.modified_ns;
    return true;
}

bool file_between(struct file_source *source, struct log_path *path, const struct file_position *before,
                  const struct file_look *now, bool *ret_later) {
    *ret_later = true;
    if (before->identity.inode == 0)
        return file_unseen(source, path, now, ret_later);
    CLEANUP_SIBLINGS struct siblings siblings = siblings_list(path->name);
    bool later = false;
    for (size_t i = 0; i < siblings.count; i++) {
        const struct sibling *one = &siblings.items[i];
        later |= one->look.identity.birth_ns >= now->identity.birth_ns;
        if (file_by_identity(source, &one->look.identity) ||
            file_identity_same(&one->look.identity, &before->identity) ||
            file_identity_same(&one->look.identity, &now->identity))
            continue;
        if (one->compressed) {
            bool between = one->look.modified_ns > before->modified_ns &&
                           one->look.modified_ns > path->told_ns && one->look.modified_ns <= birth_of(now);
            if (between && !file_tell_packed(source, path, one))
                return false;
        } else if (came_between(&one->look, before, now) && !is_copy(one, before)) {
            file_add_unseen(source, path, one);
        }
    }
    *ret_later = later;
    return true;
}
