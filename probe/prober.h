/* What the probes of one loop share; for the framework and the kinds alone. */
#ifndef TOCSIN_PROBER_H
#define TOCSIN_PROBER_H

#include "http_fetch.h"
#include "probe_names.h"

/* Something of a kind's that outlives the look that began it, until it is at its end by itself (prober_rest_remove). */
struct prober_rest {
    struct prober_rest *next;
    const char *about;                      /* for prober_rest */
    void (*drop)(struct prober_rest *rest); /* the prober goes: frees it; it is in no list any more */
};

struct prober {
    struct loop *loop;
    char *folder; /* NULL: nothing is remembered */
    struct probe_names *names;
    struct http_fetcher *fetcher;
    struct prober_rest *rests;
};

void prober_rest_add(struct prober *prober, struct prober_rest *rest);
void prober_rest_remove(struct prober *prober, struct prober_rest *rest);

#endif
