#include "ocsp_ask.h"

#include <stdlib.h>

#include "clock.h"
#include "http_ask.h"
#include "memory.h"

#define URL_MOST 4096u

struct ocsp_ask {
    const struct liveness_policy *policy;
    struct probe_part *part;
    struct ocsp_ask_question question;
    ocsp_ask_over *over;
    void *context;
    struct http_ask *http;
    uint8_t nonce[OCSP_NONCE_SIZE];
};

static struct slice serial_of(const struct ocsp_ask_question *question) {
    return question->certificate ? question->certificate->serial : question->serial;
}

bool ocsp_ask_request(struct buffer *to, const struct ocsp_ask_question *question, struct slice nonce) {
    const struct ocsp_question_id id = {question->issuer, serial_of(question), question->digest};
    return ocsp_request_write(to, &id, nonce);
}

static void judge(void *context, const struct http_ask_answer *answer) {
    struct ocsp_ask *ask = context;
    const struct ocsp_question question = {
        .issuers = ask->question.issuer,
        .issuer_count = 1,
        .certificate = ask->question.certificate,
        .serial = ask->question.serial,
        .expected = ask->question.expected,
        .nonce = slice_make(ask->nonce, ask->question.nonce ? OCSP_NONCE_SIZE : 0),
        .now_us = clock_wall_us(),
    };
    ocsp_judge(&question, ask->policy, answer->body, &ask->part->report);
    http_judge(&answer->http, LIVENESS_OCSP, answer->body, question.now_us, &ask->part->report);
}

static void ended(void *context) {
    struct ocsp_ask *ask = context;
    ocsp_ask_over *over = ask->over;
    void *whose = ask->context;
    free(ask);
    over(whose);
}

struct ocsp_ask *ocsp_ask_start(const struct probe_look *look, struct probe_part *part,
                                const struct ocsp_ask_question *question, ocsp_ask_over *over,
                                void *context) {
    static const struct http_ask_handlers handlers = {judge, ended};
    static const char *const posted[] = {"Content-Type: application/ocsp-request",
                                         "Accept: application/ocsp-response", NULL};
    static const char *const got[] = {"Accept: application/ocsp-response", NULL};
    CLEANUP_BUFFER struct buffer request = BUFFER(OCSP_REQUEST_MOST), url = BUFFER(URL_MOST);
    struct ocsp_ask *ask = memory_new(sizeof *ask);
    *ask = (struct ocsp_ask){look->policy, part, *question, over, context, NULL, {0}};
    if (question->nonce)
        probe_random(ask->nonce, sizeof ask->nonce);
    ocsp_ask_request(&request, question, slice_make(ask->nonce, question->nonce ? sizeof ask->nonce : 0));
    buffer_append_string(&url, question->url);
    if (question->get && !ocsp_request_path(&url, buffer_slice(&request), question->awkward))
        url.size = OCSP_GET_URL_MOST + 1;
    bool get = question->get && url.size <= OCSP_GET_URL_MOST;
    const struct http_fetch_request http = {
        .url = get ? buffer_string(&url) : question->url,
        .address = question->address,
        .method = get ? HTTP_FETCH_GET : HTTP_FETCH_POST,
        .headers = get ? got : posted,
        .body = get ? SLICE("") : buffer_slice(&request),
        .body_most = OCSP_RESPONSE_MOST,
    };
    ask->http = http_ask_start(part, look, &http, &handlers, ask);
    if (ask->http)
        return ask;
    free(ask);
    return NULL;
}

struct ocsp_ask *ocsp_ask_cancel(struct ocsp_ask *ask) {
    if (!ask)
        return NULL;
    http_ask_cancel(ask->http);
    free(ask);
    return NULL;
}
