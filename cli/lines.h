/* Lines of files as events, for the commands that read files: `tocsin detect`, decode. */
#ifndef TOCSIN_LINES_H
#define TOCSIN_LINES_H

#include "event.h"
#include "fault.h"

#define LINES_LINE_MOST (1024u * 1024) /* a longer one is cut, and counted */

struct lines_item {
    const char *path;
    uint64_t number; /* from 1 */
    struct slice line;
};

/* Every line of the file ("-": standard input), without its end. False from `take` ends it. ret_cut counts over-long
 * lines. */
bool lines_read(const char *path, bool (*take)(void *context, const struct lines_item *item), void *context,
                uint64_t *ret_cut, struct fault *fault);

/* A LINE event of that line: its body in `to`, and read back. */
void lines_event(const struct lines_item *item, struct event_body *ret_body);

#endif
