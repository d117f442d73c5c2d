#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

const char *scratch_folder(void) {
    if (!*folder) {
        strcpy(folder, "/tmp/tocsin-test-XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    return folder;
}

const char *scratch_path(const char *name) {
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder(), name);
    return path;
}

static int scratch_unlink(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status, (void)type, (void)at;
    return remove(path);
}

void scratch_remove(void) {
    if (*folder)
        nftw(folder, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
    *folder = '\0';
}
