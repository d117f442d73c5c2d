/* Events by a search, and with what is committed meanwhile. */
#include "query_events.h"

#include "query_log.h"
#include "search.h"

#define FOLLOW_WAIT_US 500000u

static bool give(void *context, const Tocsin__EventRow *row) {
    const struct query_reader *reader = context;
    return reader->write(reader->context, FRAME_EVENT_ROW, &row->base);
}

static bool stopping(void *context) {
    const struct query_reader *reader = context;
    return reader->stopping(reader->context);
}

static bool run(const struct query_reader *reader, struct search *search, bool follow, struct fault *fault) {
    struct committer *committer = reader->settings->committer;
    uint64_t next = 0;
    bool good = search_stored(search, committer_arrival(committer), &next, fault);
    while (good && follow && !search_ended(search) && !reader->stopping(reader->context)) {
        uint64_t arrival = committer_wait(committer, next, FOLLOW_WAIT_US);
        if (arrival > next)
            good = search_stored(search, arrival, &next, fault);
    }
    return good && search_whole(search, fault);
}

void query_events(const struct query_reader *reader, const Tocsin__EventQuery *query) {
    struct query_reader copy = *reader;
    const struct search_ground ground = {reader->settings->store, reader->settings->sealed, reader->knowledge};
    const struct search_asker asker = {&copy, give, stopping};
    struct fault fault = {0};
    struct search *search = search_create(&ground, query, &asker, &fault);
    if (search && run(reader, search, query->follow, &fault))
        query_end(reader, search_found(search));
    else
        reader->refuse(reader->context, &fault);
    search_destroy(search);
}
