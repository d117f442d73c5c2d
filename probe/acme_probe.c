/* An ACME server: its directory, then a nonce from where the directory says. */
#include <stdio.h>
#include <stdlib.h>

#include "acme_judge.h"
#include "http_ask.h"
#include "memory.h"
#include "probe_kinds.h"

#define NONCE_MOST 256u

/* What was given last, so that it isn't given again; one for all addresses, since their accounts are the same. */
struct prepared {
    char nonce[NONCE_MOST];
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct http_ask *ask;
    char nonce_url[ACME_URL_MOST];
};

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    if (!strstr(settings->target, "://"))
        return fault_set(fault, FAULT_USAGE, "target: '%.80s' is no URL: write https://HOST/directory",
                         settings->target);
    *ret_prepared = memory_new(sizeof(struct prepared));
    return true;
}

static uint64_t patience_us(const struct probe_settings *settings, const struct liveness_policy *policy) {
    (void)policy;
    return 2 * settings->timeout_us; /* one after the other */
}

static void end(void *context) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    free(asking);
    probe_look_done(look);
}

static void judge_nonce(void *context, const struct http_ask_answer *answer) {
    struct asking *asking = context;
    struct prepared *prepared = asking->look->prepared;
    struct slice nonce;
    acme_judge_nonce(&answer->http, slice_string(prepared->nonce), &asking->part->report);
    if (acme_nonce(&answer->http, &nonce))
        snprintf(prepared->nonce, sizeof prepared->nonce, "%.*s", SLICE_ARG(nonce));
}

/* The same host and port as the directory's are asked at the same address. */
static const char *address_for(const struct probe_look *look, const char *url) {
    struct probe_target target;
    bool same = probe_target_parse(url, 0, &target, NULL) && target.port == look->target->port &&
                strcasecmp(target.host, look->target->host) == 0;
    return same ? look->address : NULL;
}

static void ask_nonce(void *context) {
    static const struct http_ask_handlers handlers = {judge_nonce, end};
    struct asking *asking = context;
    asking->ask = NULL;
    if (asking->nonce_url[0]) {
        asking->part = probe_look_part(asking->look, "newNonce");
        const struct http_fetch_request request = {.url = asking->nonce_url,
                                                   .address = address_for(asking->look, asking->nonce_url),
                                                   .method = HTTP_FETCH_HEAD};
        asking->ask = http_ask_start(asking->part, asking->look, &request, &handlers, asking);
    }
    if (!asking->ask)
        end(asking);
}

static void judge_directory(void *context, const struct http_ask_answer *answer) {
    struct asking *asking = context;
    acme_judge_directory(&answer->http, answer->body, &asking->part->report, asking->nonce_url);
}

static void begin(struct probe_look *look) {
    static const struct http_ask_handlers handlers = {judge_directory, ask_nonce};
    struct asking *asking = memory_new(sizeof *asking);
    asking->look = look;
    asking->part = probe_look_part(look, "directory");
    look->own = asking;
    const struct http_fetch_request request = {.url = look->settings->target, .address = look->address};
    asking->ask = http_ask_start(asking->part, look, &request, &handlers, asking);
    if (!asking->ask)
        end(asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    http_ask_cancel(asking->ask);
    free(asking);
}

const struct probe_kind probe_kind_acme = {
    .kind = LIVENESS_ACME,
    .about = "an ACME server has a directory and gives nonces",
    .target = "https://acme.example.org/directory",
    .addressed = true,
    .patience_us = patience_us,
    .prepare = prepare,
    .release = free,
    .begin = begin,
    .cancel = cancel,
};
