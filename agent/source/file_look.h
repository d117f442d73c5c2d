/* What the system says of a file, and whether it is the one a position speaks of. */
#ifndef TOCSIN_FILE_LOOK_H
#define TOCSIN_FILE_LOOK_H

#include "file_position.h"

enum file_found {
    FILE_FOUND,
    FILE_ABSENT,  /* no such name */
    FILE_DENIED,  /* not for us */
    FILE_REFUSED, /* a link in a place where none is followed, a loop of links, not a regular file */
    FILE_LATER,   /* no descriptor free, a medium that fails: to be tried again */
};

struct file_look {
    struct file_identity identity;
    uint64_t size, modified_ns;
    uint64_t links; /* names that it has */
};

/* By name, without opening it: a FIFO is not woken, a tape not wound. */
enum file_found file_look_name(const char *name, bool follow, struct file_look *ret_look);
bool file_look_descriptor(int file, struct file_look *ret_look);
/* When a name last came into the folder or went (or its mode was changed), by the file system's clock; 0: unknown. */
uint64_t file_look_folder(const char *name);

/* Opens a regular file for reading, never blocking, and looks at what was opened. */
enum file_found file_look_open(const char *name, bool follow, int *ret_file, struct file_look *ret_look);

/* Of `size` bytes from `offset` on; false where there are fewer. size is at most FILE_TAIL_MOST. */
bool file_print_take(int file, uint64_t offset, size_t size, struct file_print *ret_print);

/* The file still begins as the position says. */
bool file_head_same(int file, const struct file_position *position);
/* It has the position's bytes at its head and before the offset. A position at 0 is like nothing. */
bool file_content_same(int file, uint64_t size, const struct file_position *position);

#endif
