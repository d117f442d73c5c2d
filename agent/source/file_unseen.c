#include <glob.h>
#include <inttypes.h>
#include <stdio.h>

#include "bytes.h"
#include "file_siblings.h"
#include "file_state.h"
#include "memory.h"

#define SENTENCE_SIZE (2 * FILE_PATH_MOST + 256)
#define LOOK_SIZE 16u
#define ROTATED "[-._]*[0-9]*" /* behind a glob: most names that rotation makes of what it matches */

/* --- the last look --- */

void file_look_write(const struct file_pattern *pattern, struct buffer *to) {
    bytes_write_u64(to, pattern->looked_ns);
    bytes_write_u64(to, pattern->told_ns);
}

void file_look_read(struct slice bytes, struct file_pattern *pattern) {
    struct bytes_reader from = bytes_read(bytes);
    if (bytes.size != LOOK_SIZE) /* by an agent that did not remember it */
        return;
    pattern->looked_ns = bytes_read_u64(&from);
    pattern->told_ns = bytes_read_u64(&from);
}

void file_look_over(struct file_source *source) {
    for (size_t i = 0; i < source->pattern_count; i++) {
        struct file_pattern *pattern = &source->patterns[i];
        if (pattern->looked_ns == pattern->looking_ns && pattern->ran_before)
            continue;
        pattern->looked_ns = pattern->looking_ns;
        pattern->unsaved = true;
    }
}

void file_look_told(struct file_source *source, const char *name, uint64_t written_ns) {
    for (size_t i = 0; i < source->pattern_count; i++) {
        struct file_pattern *pattern = &source->patterns[i];
        if (pattern->told_ns >= written_ns || !file_pattern_matches(pattern, name))
            continue;
        pattern->told_ns = written_ns;
        pattern->unsaved = true;
    }
}

/* When the name was last looked for. False: never, or nobody knows. */
static bool last_look(const struct file_source *source, const char *name, uint64_t *ret_looked_ns,
                      uint64_t *ret_told_ns) {
    uint64_t looked_ns = 0, told_ns = 0;
    for (size_t i = 0; i < source->pattern_count; i++) {
        const struct file_pattern *pattern = &source->patterns[i];
        if (!pattern->ran_before || !file_pattern_matches(pattern, name))
            continue;
        looked_ns = pattern->looked_ns > looked_ns ? pattern->looked_ns : looked_ns;
        told_ns = pattern->told_ns > told_ns ? pattern->told_ns : told_ns;
    }
    if (looked_ns == 0)
        return false;
    *ret_looked_ns = looked_ns;
    *ret_told_ns = told_ns > looked_ns ? told_ns : looked_ns;
    return true;
}

/* --- what came since --- */

/* Its compressor is at work: the file itself is still there. */
static bool half_compressed(const struct siblings *siblings, const struct sibling *packed) {
    for (size_t i = 0; i < siblings->count; i++) {
        const struct sibling *one = &siblings->items[i];
        size_t size = strlen(one->name);
        if (!one->compressed && strncmp(one->name, packed->name, size) == 0 && packed->name[size] == '.' &&
            !strchr(packed->name + size + 1, '.'))
            return true;
    }
    return false;
}

/* Without births a file that came since is like one that was there before and has been written to since. */
static bool tell_unknown(struct file_source *source, struct log_path *path, const struct sibling *one) {
    char sentence[SENTENCE_SIZE];
    snprintf(sentence, sizeof sentence,
             "%s: %s was written to since this name was last looked for, and is not read: the file system "
             "does not tell whether it was there before",
             path->name, one->name);
    if (!file_tell_gap(source, path->name, path->generation, 0, UINT64_MAX, "rotated", sentence))
        return false;
    path->generation++;
    path->told_ns = one->look.modified_ns;
    return true;
}

bool file_unseen(struct file_source *source, struct log_path *path, const struct file_look *now,
                 bool *ret_later) {
    uint64_t looked_ns, told_ns;
    if (!last_look(source, path->name, &looked_ns, &told_ns))
        return true;
    CLEANUP_SIBLINGS struct siblings siblings = siblings_list(path->name);
    bool later = false;
    for (size_t i = 0; i < siblings.count; i++) {
        const struct sibling *one = &siblings.items[i];
        uint64_t born_ns = one->look.identity.birth_ns;
        later |= born_ns >= now->identity.birth_ns;
        if ((born_ns && born_ns <= looked_ns) || file_by_identity(source, &one->look.identity) ||
            file_identity_same(&one->look.identity, &now->identity) || file_asked_for(source, one->name))
            continue;
        bool born = born_ns && now->identity.birth_ns;
        uint64_t now_ns = now->identity.birth_ns ? now->identity.birth_ns : now->modified_ns;
        bool written = one->look.modified_ns > told_ns && one->look.modified_ns > path->told_ns &&
                       one->look.modified_ns <= now_ns && one->look.size;
        bool said = true;
        if (one->compressed)
            said = !written || half_compressed(&siblings, one) || file_tell_packed(source, path, one);
        else if (born && born_ns <= now_ns)
            file_add_unseen(source, path, one);
        else if (!born && written && now->identity.inode)
            said = tell_unknown(source, path, one);
        if (!said)
            return false;
    }
    *ret_later = later;
    return true;
}

/* --- names that are gone again --- */

const struct file_look file_nothing_yet = {.identity = {.birth_ns = UINT64_MAX}, .modified_ns = UINT64_MAX};

bool file_unseen_absent(struct file_source *source, const char *name, bool literal) {
    uint64_t looked_ns, told_ns;
    if (strlen(name) > FILE_PATH_MOST || !last_look(source, name, &looked_ns, &told_ns))
        return true;
    struct log_path *path = file_path_find(source, name);
    if (path && (path->oldest || path->last.identity.inode))
        return true;
    bool made = !path;
    path = file_path_get(source, name, literal);
    path->seen = source->scan;
    bool later;
    bool done = file_unseen(source, path, &file_nothing_yet, &later);
    if (done && made && !path->oldest && path->generation == 0)
        file_path_drop(source, path);
    return done;
}

/* `rotated` cut at each place where rotation may have put its mark, until that is a name which is asked for. */
static bool orphan(struct file_source *source, const struct file_pattern *pattern, const char *rotated) {
    struct file_look look;
    if (file_look_name(rotated, false, &look) != FILE_FOUND || look.identity.birth_ns <= pattern->looked_ns ||
        file_by_identity(source, &look.identity))
        return true;
    CLEANUP_FREE char *name = memory_copy_string(rotated);
    for (size_t at = strlen(name); at-- > 0 && name[at] != '/';) {
        if (!strchr("-._", name[at]))
            continue;
        name[at] = 0;
        if (file_pattern_matches(pattern, name) && siblings_name_rotated(name, rotated) &&
            file_asked_for(source, name) && !file_unseen_absent(source, name, false))
            return false;
    }
    return true;
}

bool file_orphans(struct file_source *source, const struct file_pattern *pattern) {
    if (pattern->literal || pattern->looked_ns == 0)
        return true;
    char text[FILE_PATH_MOST + sizeof ROTATED];
    snprintf(text, sizeof text, "%s%s", pattern->text, ROTATED);
    glob_t found = {0};
    bool done = true;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): sources have one thread */
    if (glob(text, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; done && i < found.gl_pathc; i++)
            done = orphan(source, pattern, found.gl_pathv[i]);
    globfree(&found);
    return done;
}
