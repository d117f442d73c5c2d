/* A search over a store, its hot rows and its sealed segments as one, in the order of arrival; with a limit from the newest one
 * down. The collector answers its readers with it, the command line asks a store at rest.
 *
 * One thread a search; it holds a snapshot only while search_stored runs. Everything that is given is borrowed until the call
 * returns, except what `search_ground` and the question name: that outlives the search. */
#ifndef TOCSIN_SEARCH_H
#define TOCSIN_SEARCH_H

#include "knowledge.h"
#include "query.pb-c.h"
#include "sealed.h"
#include "store.h"

struct search;

/* Where is searched. */
struct search_ground {
    const struct store *store;
    struct sealed *sealed; /* NULL: hot rows alone */
    const struct knowledge *knowledge;
};

/* Who asks. */
struct search_asker {
    void *context;
    bool (*give)(void *context, const Tocsin__EventRow *row); /* false ends the search */
    bool (*stopping)(void *context);                          /* asked now and then; NULL: never */
};

/* FAULT_USAGE for a class or an expression that is none. */
struct search *search_create(const struct search_ground *ground, const Tocsin__EventQuery *question,
                             const struct search_asker *asker, struct fault *fault);
struct search *search_destroy(struct search *search); /* returns NULL */

/* Everything that is stored now from row *next on. *next becomes the next row that is not stored yet; `arrival`: rows below it
 * were committed before the call (0 where nobody knows: it is found out). */
bool search_stored(struct search *search, uint64_t arrival, uint64_t *next, struct fault *fault);

bool search_ended(const struct search *search); /* enough was found, or nobody listens any more */
uint64_t search_found(const struct search *search);
/* False with the first sealed block that could not be read; the others were searched. */
bool search_whole(const struct search *search, struct fault *fault);

#endif
