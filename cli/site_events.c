#include "site_events.h"

#include "search.h"
#include "site_store.h"

struct taking {
    live_events_take *take;
    void *taker;
};

static bool give(void *context, const Tocsin__EventRow *row) {
    const struct taking *taking = context;
    return taking->take(taking->taker, row, true);
}

static bool find_at_rest(const struct site_store *store, const Tocsin__EventQuery *query,
                         const struct knowledge *knowledge, struct taking *taking, uint64_t *ret_count,
                         struct fault *fault) {
    const struct search_ground ground = {store->store, store->sealed.sealed, knowledge};
    const struct search_asker asker = {taking, give, NULL};
    uint64_t next = 0;
    struct search *search = search_create(&ground, query, &asker, fault);
    bool good = search && search_stored(search, 0, &next, fault) && search_whole(search, fault);
    if (good)
        *ret_count = search_found(search);
    search_destroy(search);
    return good;
}

/* Without the keys of what is sealed only a part would be found. */
static bool whole(const struct site_store *store, struct fault *fault) {
    if (!store->sealed.keys && store->sealed.fault.code != FAULT_MISSING)
        *fault = store->sealed.fault;
    return store->sealed.keys || store->sealed.fault.code == FAULT_MISSING;
}

bool site_events(const struct command_context *context, const Tocsin__EventQuery *query,
                 const struct knowledge *knowledge, live_events_take *take, void *taker, uint64_t *ret_count,
                 struct fault *fault) {
    struct taking taking = {take, taker};
    struct site_store store = {.store = NULL};
    struct fault live = {0}, rest = {0};
    if (live_events(context, query, take, taker, ret_count, &live))
        return true;
    bool good = live.code == FAULT_MISSING && !query->follow && site_store_open(context, &store, &rest) &&
                whole(&store, &rest) && find_at_rest(&store, query, knowledge, &taking, ret_count, &rest);
    site_store_close(&store);
    if (!good)
        *fault = rest.code && rest.code != FAULT_MISSING ? rest : live;
    return good;
}
