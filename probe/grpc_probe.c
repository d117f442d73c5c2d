/* The health of a gRPC server or of one of its services (grpc.health.v1): over TLS, or in clear over h2c. */
#include <stdio.h>
#include <stdlib.h>

#include "grpc_judge.h"
#include "http_ask.h"
#include "memory.h"
#include "probe_kinds.h"

#define URL_MOST 512u
#define ANSWER_MOST 65536u

struct prepared {
    struct buffer url, request;
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct http_ask *ask;
};

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->url);
    buffer_free(&prepared->request);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    const char *scheme = strstr(settings->target, "://"), *host = scheme ? scheme + 3 : settings->target;
    int size = (int)(host + strcspn(host, "/?#") - settings->target);
    prepared->url = BUFFER(URL_MOST);
    prepared->request = BUFFER(GRPC_REQUEST_MOST);
    buffer_printf(&prepared->url, "%s%.*s" GRPC_HEALTH_PATH, scheme ? "" : "http://", size, settings->target);
    bool good = !prepared->url.overflow ||
                fault_set(fault, FAULT_LIMIT, "target: a URL of more than %u bytes", URL_MOST);
    if (good && !grpc_health_request(&prepared->request, slice_string(settings->service)))
        good = fault_set(fault, FAULT_LIMIT, "service: a name of more than %u bytes", GRPC_SERVICE_MOST);
    if (!good) {
        release(prepared);
        return false;
    }
    *ret_prepared = prepared;
    return true;
}

static void judge(void *context, const struct http_ask_answer *answer) {
    struct asking *asking = context;
    grpc_judge(&answer->http, answer->body, answer->trailers, &asking->part->report);
}

static void over(void *context) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    free(asking);
    probe_look_done(look);
}

static void begin(struct probe_look *look) {
    static const struct http_ask_handlers handlers = {judge, over};
    static const char *const headers[] = {"Content-Type: application/grpc", "TE: trailers", NULL};
    struct prepared *prepared = look->prepared;
    struct asking *asking = memory_new(sizeof *asking);
    *asking = (struct asking){.look = look, .part = probe_look_part(look, "%s", "")};
    look->own = asking;
    const struct http_fetch_request request = {.url = buffer_string(&prepared->url),
                                               .address = look->address,
                                               .method = HTTP_FETCH_POST,
                                               .headers = headers,
                                               .body = buffer_slice(&prepared->request),
                                               .version = HTTP_FETCH_H2C,
                                               .body_most = ANSWER_MOST};
    asking->ask = http_ask_start(asking->part, look, &request, &handlers, asking);
    if (!asking->ask)
        over(asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    http_ask_cancel(asking->ask);
    free(asking);
}

const struct probe_kind probe_kind_grpc = {
    .kind = LIVENESS_GRPC,
    .about = "a gRPC service is SERVING (grpc.health.v1)",
    .target = "sa.example.org:9095",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};
