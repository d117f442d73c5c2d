#include "alert_rows.h"

#include "reader.h"

bool alert_rows(const struct command_context *context, const Tocsin__AlertQuery *query, alert_rows_take *take, void *taker,
                uint64_t *ret_count, struct fault *fault) {
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_ALERTS;
    request.alerts = (Tocsin__AlertQuery *)(uintptr_t)query;
    struct reader *reader = reader_open(context, &request, fault);
    struct frame frame;
    struct fault inner = {0};
    bool wanted = reader != NULL;
    while (wanted && reader_next(reader, &frame, ret_count, &inner)) {
        Tocsin__Text *text = tocsin__text__unpack(NULL, frame.message.size, frame.message.data);
        wanted = !text || take(taker, text->json);
        if (text)
            tocsin__text__free_unpacked(text, NULL);
    }
    if (inner.code)
        *fault = inner;
    bool good = reader && !inner.code;
    reader_close(reader);
    return good;
}
