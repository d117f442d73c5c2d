/* A part that is one request whose whole body is held until it was judged. */
#ifndef TOCSIN_HTTP_ASK_H
#define TOCSIN_HTTP_ASK_H

#include "http_judge.h"
#include "http_part.h"

struct http_ask;

struct http_ask_answer {
    struct http_answer http;
    struct slice body, trailers;
};

struct http_ask_handlers {
    /* A whole answer; adds its findings to the part's report. The answer dies with the call. */
    void (*judge)(void *context, const struct http_ask_answer *answer);
    /* The part is over, judged or not; the ask is gone. Not within http_ask_start. */
    void (*over)(void *context);
};

/* To the look's address unless the request names one. NULL where it can't be started: the part is over and says why. The
 * handlers must stay. */
struct http_ask *http_ask_start(struct probe_part *part, const struct probe_look *look,
                                const struct http_fetch_request *request,
                                const struct http_ask_handlers *handlers, void *context);
struct http_ask *http_ask_cancel(struct http_ask *ask); /* NULL */

#endif
