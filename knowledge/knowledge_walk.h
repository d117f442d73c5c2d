/* Every wanted file below a path, in the order of the names; for the files of this folder alone. */
#ifndef TOCSIN_KNOWLEDGE_WALK_H
#define TOCSIN_KNOWLEDGE_WALK_H

#include "fault.h"
#include "slice.h"

struct knowledge_walk {
    bool (*wanted)(const char *name);
    bool (*enters)(const char *name); /* which folders; NULL: every one */
    bool (*take)(void *context, const char *path, struct slice text, struct fault *fault);
    void *context;
    size_t files;
};

/* A path that is a file is taken whatever its name. */
bool knowledge_walk(struct knowledge_walk *walk, const char *path, struct fault *fault);

bool knowledge_name_ends(const char *name, const char *end);

#endif
