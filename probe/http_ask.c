#include "http_ask.h"

#include <stdlib.h>

#include "memory.h"

struct http_ask {
    struct probe_part *part;
    const struct probe_look *look;
    const struct http_ask_handlers *handlers;
    void *context;
    struct http_fetch *fetch;
    struct buffer body;
};

static bool take(void *context, struct slice piece) {
    struct http_ask *ask = context;
    return buffer_append_slice(&ask->body, piece); /* the fetch keeps it within the same bound */
}

static struct http_ask *release(struct http_ask *ask) {
    buffer_free(&ask->body);
    free(ask);
    return NULL;
}

static void done(void *context, const struct http_fetch_result *result) {
    struct http_ask *ask = context;
    const struct http_ask_handlers *handlers = ask->handlers;
    void *whose = ask->context;
    struct http_ask_answer answer = {.body = buffer_slice(&ask->body), .trailers = result->trailers};
    if (result->failure == HTTP_FETCH_GOOD && http_answer_read(result->headers, &answer.http, NULL))
        handlers->judge(whose, &answer);
    http_part_over(ask->part, ask->look, result);
    release(ask);
    handlers->over(whose);
}

struct http_ask *http_ask_start(struct probe_part *part, const struct probe_look *look,
                                const struct http_fetch_request *request,
                                const struct http_ask_handlers *handlers, void *context) {
    static const struct http_fetch_handlers fetching = {take, done};
    struct http_ask *ask = memory_new(sizeof *ask);
    struct http_fetch_request whole = *request;
    if (!whole.body_most)
        whole.body_most = HTTP_FETCH_BODY_MOST;
    *ask = (struct http_ask){.part = part,
                             .look = look,
                             .handlers = handlers,
                             .context = context,
                             .body = BUFFER(whole.body_most)};
    ask->fetch = http_part_start(part, look, &whole, &fetching, ask);
    return ask->fetch ? ask : release(ask);
}

struct http_ask *http_ask_cancel(struct http_ask *ask) {
    if (!ask)
        return NULL;
    http_fetch_cancel(ask->fetch);
    return release(ask);
}
