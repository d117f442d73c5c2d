#include "knowledge_walk.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"
#include "knowledge.h"

bool knowledge_name_ends(const char *name, const char *end) {
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static bool walk_at(struct knowledge_walk *walk, const char *path, unsigned depth, struct fault *fault);

static bool walk_file(struct knowledge_walk *walk, const char *path, struct fault *fault) {
    if (++walk->files > KNOWLEDGE_FILES_MOST)
        return fault_set(fault, FAULT_LIMIT, "more than %u files below one folder", KNOWLEDGE_FILES_MOST);
    CLEANUP_BUFFER struct buffer text = BUFFER(RULESET_FILE_MOST);
    return files_read(path, &text, fault) && walk->take(walk->context, path, buffer_slice(&text), fault);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static bool is_wanted(const struct knowledge_walk *walk, const char *path, const char *name) {
    struct stat status;
    if (name[0] == '.' || stat(path, &status) != 0)
        return false;
    return S_ISDIR(status.st_mode) ? !walk->enters || walk->enters(name) : walk->wanted(name);
}

static bool walk_folder(struct knowledge_walk *walk, const char *path, unsigned depth, struct fault *fault) {
    if (depth > KNOWLEDGE_DEPTH_MOST)
        return fault_set(fault, FAULT_LIMIT, "folders more than %u deep: a loop of links?", KNOWLEDGE_DEPTH_MOST);
    struct dirent **names;
    int count = scandir(path, &names, NULL, by_name);
    if (count < 0)
        return fault_set_system(fault, "%s cannot be read", path);
    bool good = true;
    for (int i = 0; i < count; i++) {
        char below[FILES_PATH_MOST];
        if (good && files_path(below, path, names[i]->d_name) && is_wanted(walk, below, names[i]->d_name))
            good = walk_at(walk, below, depth + 1, fault);
        free(names[i]);
    }
    free(names);
    return good;
}

static bool walk_at(struct knowledge_walk *walk, const char *path, unsigned depth, struct fault *fault) {
    struct stat status;
    if (stat(path, &status) != 0)
        return fault_set_system(fault, "%s", path);
    return S_ISDIR(status.st_mode) ? walk_folder(walk, path, depth, fault) : walk_file(walk, path, fault);
}

bool knowledge_walk(struct knowledge_walk *walk, const char *path, struct fault *fault) {
    return walk_at(walk, path, 0, fault);
}
