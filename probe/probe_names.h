/* Addresses of names, asked of the system's resolver on worker threads: many at once, and one name at a time once.
 *
 * A look-up cannot be taken back: one that hangs holds a worker until the resolver gives up, and nobody who is gone hears of
 * it. */
#ifndef TOCSIN_PROBE_NAMES_H
#define TOCSIN_PROBE_NAMES_H

#include "fault.h"
#include "loop.h"
#include "probe.h"

struct probe_addresses {
    size_t count;
    char items[PROBE_ADDRESSES_MOST]
              [PROBE_ADDRESS_SIZE]; /* numeric; IPv4 first, each once, in the order of their bytes */
    const char *error;              /* why there is none; NULL where there are */
};

struct probe_names;
struct probe_names *probe_names_create(struct loop *loop);
struct probe_names *probe_names_destroy(struct probe_names *names); /* NULL */

/* `told` comes in a later turn; what it gets is borrowed for the call. */
struct probe_question;
typedef void probe_names_told(void *context, const struct probe_addresses *addresses);
struct probe_question *probe_names_ask(struct probe_names *names, const char *host, probe_names_told *told,
                                       void *context);
/* No `told` comes. Only before it came. */
void probe_names_forget(struct probe_question *question);

#endif
