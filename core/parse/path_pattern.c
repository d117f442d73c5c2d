#include "path_pattern.h"

/* The last name of a path, which is cut off from it; the slash before it as well. */
static struct slice cut_name(struct slice *path) {
    size_t at = path->size;
    while (at > 0 && path->data[at - 1] != '/')
        at--;
    struct slice name = slice_from(*path, at);
    *path = slice_head(*path, at ? at - 1 : 0);
    return name;
}

/* Each star takes as little as it can; the last one gives way when what follows it does not fit. */
static bool name_fits(struct slice pattern, struct slice name) {
    size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;
    while (n < name.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size && pattern.data[p] == name.data[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else
            return false;
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

bool path_pattern_fits(struct slice pattern, struct slice path) {
    while (pattern.size) {
        if (path.size == 0)
            return false;
        struct slice wanted = cut_name(&pattern), name = cut_name(&path);
        if (!name_fits(wanted, name))
            return false;
    }
    return true;
}
