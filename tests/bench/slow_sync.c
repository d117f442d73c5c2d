/* A disk whose every sync takes SLOW_SYNC_MS longer: for LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void linger(void) {
    const char *text = getenv("SLOW_SYNC_MS");
    long ms = text ? strtol(text, NULL, 10) : 0;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int next_sync(const char *name, int file) {
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    linger();
    return next(file);
}

int fsync(int file);
int fdatasync(int file);
int fsync(int file) { return next_sync("fsync", file); }
int fdatasync(int file) { return next_sync("fdatasync", file); }
