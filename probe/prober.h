/* What the probes of one loop share; for the framework and the kinds alone. */
#ifndef TOCSIN_PROBER_H
#define TOCSIN_PROBER_H

#include "http_fetch.h"
#include "probe_names.h"

struct prober {
    struct loop *loop;
    char *folder; /* NULL: nothing is remembered */
    struct probe_names *names;
    struct http_fetcher *fetcher;
};

#endif
