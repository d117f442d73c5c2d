/* For LD_PRELOAD: counts the calls that change files below the folder SHIM_BELOW, and at one of them does what SHIM_DO
 * says, "CALL:NUMBER:DEED":
 *
 *     CALL    any, or a name out of the table below
 *     NUMBER  the how-manieth such call, from 1
 *     DEED    kill-before, kill-after   the process dies of SIGKILL around the call
 *             tear                      a write stops half way, then the process dies
 *             EIO, ENOSPC               the call fails, once
 *
 * Without SHIM_DO, or as well: the number of calls goes to the file SHIM_COUNT when the process ends. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char below[PATH_MAX], call_wanted[32], deed[32];
static unsigned long number_wanted;
static atomic_ulong calls;

__attribute__((constructor)) static void shim_open(void) {
    const char *folder = getenv("SHIM_BELOW"), *order = getenv("SHIM_DO");
    if (folder)
        snprintf(below, sizeof below, "%s", folder);
    if (order && sscanf(order, "%31[^:]:%lu:%31s", call_wanted, &number_wanted, deed) != 3)
        abort();
}

__attribute__((destructor)) static void shim_close(void) {
    const char *path = getenv("SHIM_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%lu\n", (unsigned long)calls);
        fclose(file);
    }
}

static bool path_is_below(const char *path) {
    size_t size = strlen(below);
    return size && strncmp(path, below, size) == 0;
}

static bool file_is_below(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    return path_is_below(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

enum order { GO_ON, GO_ON_AND_DIE, TEAR, FAIL };

/* One call of that name comes: what is to be done with it. */
static enum order begin(const char *name) {
    if (strcmp(call_wanted, "any") != 0 && call_wanted[0] && strcmp(call_wanted, name) != 0)
        return GO_ON;
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    if (!call_wanted[0] || number != number_wanted)
        return GO_ON;
    if (strcmp(deed, "kill-before") == 0)
        die();
    if (strcmp(deed, "kill-after") == 0)
        return GO_ON_AND_DIE;
    if (strcmp(deed, "tear") == 0)
        return TEAR;
    errno = strcmp(deed, "ENOSPC") == 0 ? ENOSPC : EIO;
    return FAIL;
}

static void end(enum order order) {
    if (order == GO_ON_AND_DIE || order == TEAR)
        die();
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    enum order order = file_is_below(file) ? begin("write") : GO_ON;
    if (order == FAIL)
        return -1;
    ssize_t result = NEXT(pwrite64)(file, data, order == TEAR ? size / 2 : size, at);
    end(order);
    return result;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) { return pwrite64(file, data, size, at); }

ssize_t write(int file, const void *data, size_t size) {
    enum order order = file_is_below(file) ? begin("write") : GO_ON;
    if (order == FAIL)
        return -1;
    ssize_t result = NEXT(write)(file, data, order == TEAR ? size / 2 : size);
    end(order);
    return result;
}

#define SYNC(name)                                                                                                     \
    int name(int file) {                                                                                               \
        enum order order = file_is_below(file) ? begin("sync") : GO_ON;                                                \
        if (order == FAIL)                                                                                             \
            return -1;                                                                                                 \
        int result = NEXT(name)(file);                                                                                 \
        end(order);                                                                                                    \
        return result;                                                                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)

int ftruncate64(int file, off64_t size) {
    enum order order = file_is_below(file) ? begin("truncate") : GO_ON;
    if (order == FAIL)
        return -1;
    int result = NEXT(ftruncate64)(file, size);
    end(order);
    return result;
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int rename(const char *from, const char *to) {
    enum order order = path_is_below(to) ? begin("rename") : GO_ON;
    if (order == FAIL)
        return -1;
    int result = NEXT(rename)(from, to);
    end(order);
    return result;
}

int unlink(const char *path) {
    enum order order = path_is_below(path) ? begin("unlink") : GO_ON;
    if (order == FAIL)
        return -1;
    int result = NEXT(unlink)(path);
    end(order);
    return result;
}
