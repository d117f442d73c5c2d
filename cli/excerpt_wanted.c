#include "excerpt_wanted.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bytes.h"
#include "event_print.h"
#include "held_reader.h"
#include "memory.h"
#include "reader.h"
#include "site_events.h"
#include "site_store.h"

/* ---- what a query finds */

static int by_place(const void *a, const void *b) {
    const struct wanted_event *x = a, *y = b;
    int order = memcmp(x->stream.bytes, y->stream.bytes, HASH_SIZE);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static bool want(void *context, const Tocsin__EventRow *row, bool more) {
    struct wanted_events *wanted = context;
    (void)more;
    if (wanted->count == wanted->room) {
        wanted->room = wanted->room ? 2 * wanted->room : 256;
        wanted->events = memory_resize(wanted->events, wanted->room, sizeof *wanted->events);
    }
    wanted->events[wanted->count++] =
        (struct wanted_event){hash_from(row->stream_id.data), row->seq, (uint8_t)row->class_};
    return wanted->count <= EXCERPT_WANTED_MOST;
}

bool excerpt_wanted_find(const struct command_context *context, const Tocsin__EventQuery *query,
                         struct wanted_events *wanted, struct fault *fault) {
    struct knowledge *knowledge = event_print_knowledge(context, false, fault);
    uint64_t count;
    bool good = knowledge && site_events(context, query, knowledge, want, wanted, &count, fault);
    knowledge_destroy(knowledge);
    if (!good)
        return false;
    if (wanted->count > EXCERPT_WANTED_MOST)
        return fault_set(fault, FAULT_LIMIT, "an excerpt has %u events at most: ask for less", EXCERPT_WANTED_MOST);
    if (wanted->count == 0)
        return fault_set(fault, FAULT_MISSING, "no event matches; `tocsin query` with the same words shows what is there");
    qsort(wanted->events, wanted->count, sizeof *wanted->events, by_place);
    return true;
}

/* ---- what a hold keeps */

static bool keep(void *context, uint64_t log_index, struct slice extra) {
    struct held_events *held = context;
    if (held->count == held->room) {
        held->room = held->room ? 2 * held->room : 256;
        held->events = memory_resize(held->events, held->room, sizeof *held->events);
    }
    held->events[held->count++] =
        (struct held_event){log_index, slice_make(memory_copy(extra.data, extra.size), extra.size)};
    if (log_index > held->highest)
        held->highest = log_index;
    return held->count <= EXCERPT_WANTED_MOST;
}

static void keep_row(void *context, const Tocsin__StoreRow *row) {
    struct held_events *held = context;
    if (row->key.len == 8 && held->count <= EXCERPT_WANTED_MOST)
        keep(held, bytes_get_u64(row->key.data), slice_make(row->value.data, row->value.len));
}

static bool held_live(const struct command_context *context, uint64_t hold, struct held_events *held,
                      struct fault *fault) {
    Tocsin__HeldQuery query = TOCSIN__HELD_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.hold = hold;
    request.of_case = TOCSIN__REQUEST__OF_HELD;
    request.held = &query;
    struct reader *reader = reader_open(context, &request, fault);
    bool good = reader && reader_rows(reader, keep_row, held, fault);
    reader_close(reader);
    return good;
}

static bool held_at_rest(const struct command_context *context, uint64_t hold, struct held_events *held,
                         struct fault *fault) {
    struct site_store store = {.store = NULL};
    bool good = site_store_open(context, &store, fault);
    if (good && !store.sealed.keys) {
        *fault = store.sealed.fault;
        good = false;
    }
    /* False without a fault: there are too many. */
    good = good && (held_reader_each(store.store, store.sealed.keys, hold, keep, held, fault) || !fault->code);
    site_store_close(&store);
    return good;
}

bool excerpt_wanted_held(const struct command_context *context, uint64_t hold, struct held_events *held,
                         struct fault *fault) {
    struct fault live = {0}, rest = {0};
    if (!held_live(context, hold, held, &live) &&
        (live.code != FAULT_MISSING || !held_at_rest(context, hold, held, &rest))) {
        *fault = rest.code && rest.code != FAULT_MISSING ? rest : live;
        return false;
    }
    if (held->count > EXCERPT_WANTED_MOST)
        return fault_set(fault, FAULT_LIMIT, "an excerpt has %u events at most", EXCERPT_WANTED_MOST);
    return held->count > 0 ||
           fault_set(fault, FAULT_MISSING, "hold %" PRIu64 " keeps nothing of what was erased", hold);
}

void excerpt_wanted_release(struct held_events *held) {
    for (size_t i = 0; i < held->count; i++)
        free((void *)(uintptr_t)held->events[i].extra.data);
    free(held->events);
    *held = (struct held_events){.count = 0};
}
