/* An excerpt's file out of a log that can be asked (log_access.h): each event's batch, its proof, the ground under all. */
#ifndef TOCSIN_EXCERPT_MAKE_H
#define TOCSIN_EXCERPT_MAKE_H

#include "excerpt_wanted.h"
#include "log_access.h"
#include "progress.h"

#define EXCERPT_FILE_MOST (1024u * 1024u * 1024u)

/* What nobody signed, or no mark covers, cannot be proved and is left out. */
struct excerpt_made {
    size_t left_out;
    struct fault first; /* of those */
};

/* `progress` may be NULL. FAULT_MISSING where nothing is left. */
bool excerpt_make(struct log_access *access, const struct wanted_events *wanted, struct progress *progress,
                  struct buffer *file, struct excerpt_made *ret_made, struct fault *fault);
bool excerpt_make_held(struct log_access *access, const struct held_events *held, struct buffer *file,
                       struct fault *fault);

#endif
