/* One inotify descriptor for the folders and files of a source.
 *
 * A folder is watched by name for what comes and goes in it, a file by its open descriptor, so that the watch follows the
 * file through renames. Events name their owner, a pointer of the caller's. */
#ifndef TOCSIN_FILE_WATCH_H
#define TOCSIN_FILE_WATCH_H

#include "fault.h"
#include "slice.h"

#define WATCH_NONE (-1)

struct watches;

struct watches *watches_create(uint32_t most, struct fault *fault);
struct watches *watches_destroy(struct watches *watches); /* returns NULL */
int watches_descriptor(const struct watches *watches);

enum watch_kind { WATCH_FOLDER, WATCH_FILE };

/* WATCH_NONE: the limit is reached, the name is not there, or somebody else owns the watch of that inode. `ret_missing`:
 * the name is not there or can't be entered. A folder that is already watched under this owner keeps its watch. */
int watches_add_folder(struct watches *watches, const char *name, void *owner, bool *ret_missing);
/* `name` is what the file is called, for a system without /proc. */
int watches_add_file(struct watches *watches, int file, const char *name, void *owner);
void watches_remove(struct watches *watches, int number); /* WATCH_NONE is fine */

enum watch_news {
    WATCH_QUIET,    /* nothing more */
    WATCH_CHANGED,  /* a file was written to or cut */
    WATCH_NAME,     /* in a folder, something about this name */
    WATCH_LOST,     /* the watch is gone, or its folder moved: whoever owns it has none now */
    WATCH_OVERFLOW, /* events were lost: look at everything */
};
struct watch_event {
    enum watch_news news;
    enum watch_kind kind;
    void *owner;
    const char *name; /* until the next call */
};
void watches_next(struct watches *watches, struct watch_event *ret_event);

#endif
