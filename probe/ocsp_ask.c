#include "ocsp_ask.h"

#include <stdlib.h>

#include "clock.h"
#include "http_judge.h"
#include "memory.h"

#define URL_MOST 4096u

struct ocsp_ask {
    const struct probe_look *look;
    struct probe_part *part;
    struct ocsp_ask_question question;
    ocsp_ask_over *over;
    void *context;
    struct http_fetch *fetch;
    struct buffer body;
    uint8_t nonce[OCSP_NONCE_SIZE];
};

static struct slice serial_of(const struct ocsp_ask_question *question) {
    return question->certificate ? question->certificate->serial : question->serial;
}

bool ocsp_ask_request(struct buffer *to, const struct ocsp_ask_question *question, struct slice nonce) {
    const struct ocsp_question_id id = {question->issuer, serial_of(question), question->digest};
    return ocsp_request_write(to, &id, nonce);
}

static bool take(void *context, struct slice piece) {
    struct ocsp_ask *ask = context;
    return buffer_append_slice(&ask->body, piece);
}

static void judge(struct ocsp_ask *ask, const struct http_fetch_result *result) {
    struct http_answer answer;
    const struct ocsp_question question = {
        .issuers = ask->question.issuer,
        .issuer_count = 1,
        .certificate = ask->question.certificate,
        .serial = ask->question.serial,
        .expected = ask->question.expected,
        .nonce = slice_make(ask->nonce, ask->question.nonce ? OCSP_NONCE_SIZE : 0),
        .now_us = clock_wall_us(),
    };
    ocsp_judge(&question, ask->look->policy, buffer_slice(&ask->body), &ask->part->report);
    if (http_answer_read(result->headers, &answer, NULL))
        http_judge(&answer, LIVENESS_OCSP, buffer_slice(&ask->body), question.now_us, &ask->part->report);
}

static void release(struct ocsp_ask *ask) {
    buffer_free(&ask->body);
    free(ask);
}

static void done(void *context, const struct http_fetch_result *result) {
    struct ocsp_ask *ask = context;
    if (result->failure == HTTP_FETCH_GOOD)
        judge(ask, result);
    http_part_over(ask->part, ask->look, result);
    ocsp_ask_over *over = ask->over;
    void *whose = ask->context;
    release(ask);
    over(whose);
}

struct ocsp_ask *ocsp_ask_start(const struct probe_look *look, struct probe_part *part,
                                const struct ocsp_ask_question *question, ocsp_ask_over *over,
                                void *context) {
    static const struct http_fetch_handlers handlers = {take, done};
    static const char *const posted[] = {"Content-Type: application/ocsp-request",
                                         "Accept: application/ocsp-response", NULL};
    static const char *const got[] = {"Accept: application/ocsp-response", NULL};
    CLEANUP_BUFFER struct buffer request = BUFFER(OCSP_REQUEST_MOST), url = BUFFER(URL_MOST);
    struct ocsp_ask *ask = memory_new(sizeof *ask);
    *ask = (struct ocsp_ask){look, part, *question, over, context, NULL, BUFFER(OCSP_RESPONSE_MOST), {0}};
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
    ask->fetch = http_part_start(part, look, &http, &handlers, ask);
    if (ask->fetch)
        return ask;
    release(ask);
    return NULL;
}

struct ocsp_ask *ocsp_ask_cancel(struct ocsp_ask *ask) {
    if (!ask)
        return NULL;
    http_fetch_cancel(ask->fetch);
    release(ask);
    return NULL;
}
