/* One request, answered: rows go to the reader as they are found. Private to query. */
#ifndef TOCSIN_QUERY_RUN_H
#define TOCSIN_QUERY_RUN_H

#include "frame.h"
#include "query.pb-c.h"
#include "query_server.h"

struct query_reader {
    const struct query_server_settings *settings;
    const struct knowledge *knowledge;
    void *context;
    /* False: the reader has gone, or everything stops. */
    bool (*write)(void *context, enum frame_type type, const ProtobufCMessage *message);
    bool (*stopping)(void *context);
    void (*refuse)(void *context, const struct fault *fault);
    bool (*is_owner)(void *context); /* root, or the collector's own user */
    struct entry_block **block;      /* log_cursor_share */
};

void query_run(const struct query_reader *reader, const Tocsin__Request *request);

#endif
