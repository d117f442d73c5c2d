/* How far a command has come, on standard error while that is a terminal: nothing for its first second, then a line that is
 * rewritten a few times a second and gone at the end. Elsewhere nothing. One thread. */
#ifndef TOCSIN_PROGRESS_H
#define TOCSIN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* borrowed: "events verified" */
    bool shown;       /* it may be */
    bool drawn;       /* something stands there */
    uint64_t begun_us, next_us;
};

struct progress progress_begin(const char *what);
/* `done` of `of`; of 0: nobody knows of how many. Cheap: to be called for each. NULL is fine. */
void progress_at(struct progress *progress, uint64_t done, uint64_t of);
/* While waiting for somebody else: what for, and for how long so far. */
void progress_wait(struct progress *progress);
/* What is printed next goes below: takes the line away. It comes again. NULL is fine. */
void progress_end(struct progress *progress);

#endif
