#include "file_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "memory.h"

#define BUCKETS 1024u
#define FOLDER_MASK                                                                                          \
    (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |       \
     IN_ONLYDIR)

struct watch {
    int number;
    enum watch_kind kind;
    void *owner;
    struct watch *next;
};

struct watches {
    int descriptor;
    uint32_t count, most;
    struct watch *buckets[BUCKETS];
    size_t at, filled; /* in the events read */
    _Alignas(struct inotify_event) char events[64 * 1024];
};

struct watches *watches_create(uint32_t most, struct fault *fault) {
    int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) {
        fault_set_system(fault, "no inotify descriptor (sysctl fs.inotify.max_user_instances)");
        return NULL;
    }
    struct watches *watches = memory_new(sizeof *watches);
    watches->descriptor = descriptor;
    watches->most = most;
    return watches;
}

struct watches *watches_destroy(struct watches *watches) {
    for (unsigned i = 0; watches && i < BUCKETS; i++)
        for (struct watch *one = watches->buckets[i], *next; one; one = next) {
            next = one->next;
            free(one);
        }
    if (watches)
        close(watches->descriptor);
    free(watches);
    return NULL;
}

int watches_descriptor(const struct watches *watches) {
    return watches->descriptor;
}

static struct watch **find(struct watches *watches, int number) {
    struct watch **at = &watches->buckets[(unsigned)number % BUCKETS];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static void forget(struct watches *watches, struct watch **at) {
    struct watch *gone = *at;
    *at = gone->next;
    watches->count--;
    free(gone);
}

static int add(struct watches *watches, const char *name, uint32_t mask, enum watch_kind kind, void *owner) {
    int number = inotify_add_watch(watches->descriptor, name, mask);
    if (number < 0)
        return WATCH_NONE;
    struct watch **at = find(watches, number);
    if (*at)
        return (*at)->owner == owner ? number : WATCH_NONE;
    if (watches->count >= watches->most) {
        inotify_rm_watch(watches->descriptor, number);
        errno = ENOSPC;
        return WATCH_NONE;
    }
    *at = memory_new(sizeof **at);
    **at = (struct watch){.number = number, .kind = kind, .owner = owner};
    watches->count++;
    return number;
}

int watches_add_folder(struct watches *watches, const char *name, void *owner, bool *ret_missing) {
    errno = 0;
    int number = add(watches, name, FOLDER_MASK, WATCH_FOLDER, owner);
    *ret_missing = number == WATCH_NONE && (errno == ENOENT || errno == ENOTDIR);
    return number;
}

int watches_add_file(struct watches *watches, int file, const char *name, void *owner) {
    char by_descriptor[40];
    snprintf(by_descriptor, sizeof by_descriptor, "/proc/self/fd/%d", file);
    int number = add(watches, by_descriptor, IN_MODIFY, WATCH_FILE, owner);
    return number == WATCH_NONE && errno == ENOENT ? add(watches, name, IN_MODIFY, WATCH_FILE, owner)
                                                   : number;
}

void watches_remove(struct watches *watches, int number) {
    if (number == WATCH_NONE)
        return;
    struct watch **at = find(watches, number);
    if (*at)
        forget(watches, at);
    inotify_rm_watch(watches->descriptor, number);
}

static bool fill(struct watches *watches) {
    if (watches->at < watches->filled)
        return true;
    ssize_t got = read(watches->descriptor, watches->events, sizeof watches->events);
    watches->at = 0;
    watches->filled = got > 0 ? (size_t)got : 0;
    return watches->filled > 0;
}

void watches_next(struct watches *watches, struct watch_event *ret_event) {
    while (fill(watches)) {
        const struct inotify_event *event = (const void *)(watches->events + watches->at);
        watches->at += sizeof *event + event->len;
        if (event->mask & IN_Q_OVERFLOW) {
            *ret_event = (struct watch_event){.news = WATCH_OVERFLOW};
            return;
        }
        struct watch **at = find(watches, event->wd);
        if (!*at)
            continue; /* removed by us with events still queued */
        *ret_event = (struct watch_event){.kind = (*at)->kind, .owner = (*at)->owner};
        if (event->mask & (IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT)) {
            if (!(event->mask & IN_IGNORED))
                inotify_rm_watch(watches->descriptor, event->wd);
            forget(watches, at);
            ret_event->news = WATCH_LOST;
        } else {
            ret_event->news = (*at)->kind == WATCH_FILE ? WATCH_CHANGED : WATCH_NAME;
            ret_event->name = event->len ? event->name : "";
        }
        return;
    }
    *ret_event = (struct watch_event){.news = WATCH_QUIET};
}
