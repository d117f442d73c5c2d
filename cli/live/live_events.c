#include "live_events.h"

#include "reader.h"

bool live_events(const struct command_context *context, const Tocsin__EventQuery *query,
                 live_events_take *take, void *taker, uint64_t *ret_count, struct fault *fault) {
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_EVENTS;
    request.events = (Tocsin__EventQuery *)(uintptr_t)query;
    struct reader *reader = reader_open(context, &request, fault);
    struct frame frame;
    bool wanted = reader != NULL;
    struct fault inner = {0};
    while (wanted && reader_next(reader, &frame, ret_count, &inner)) {
        if (frame.type != FRAME_EVENT_ROW)
            continue;
        Tocsin__EventRow *row = tocsin__event_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && row->stream_id.len == 32)
            wanted = take(taker, row, reader_has_more(reader));
        if (row)
            tocsin__event_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    bool good = reader && !inner.code;
    reader_close(reader);
    return good;
}
