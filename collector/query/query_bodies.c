#include "query_bodies.h"

#include "query_log.h"
#include "search_bodies.h"

static bool give(void *context, struct slice key, struct slice value) {
    return query_give_row(context, STORE_SEGMENT, key, value);
}

void query_bodies(const struct query_reader *reader, const Tocsin__BodiesQuery *query) {
    struct query_reader copy = *reader;
    struct fault fault = {0};
    uint64_t count;
    if (search_bodies(reader->settings->store, reader->settings->sealed, query->log_index, query->class_, give,
                      &copy, &count, &fault))
        query_end(reader, count);
    else if (fault.code)
        reader->refuse(reader->context, &fault);
}
