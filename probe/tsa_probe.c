/* A time-stamping authority: the hash of something new stamped, over HTTP (RFC 3161 3.4), and the token judged by the clock. */
#include <stdlib.h>

#include "certificate_file.h"
#include "clock.h"
#include "http_judge.h"
#include "http_part.h"
#include "memory.h"
#include "oids.h"
#include "probe_kinds.h"
#include "sha256.h"
#include "tsa_judge.h"

#define ISSUERS_MOST 16u
#define SERIAL_MOST 64u /* bytes that are kept; longer ones are a finding by themselves */

/* The serial that an address gave last: none may come twice. */
struct last {
    char address[PROBE_ADDRESS_SIZE];
    size_t size;
    uint8_t serial[SERIAL_MOST];
};

struct prepared {
    struct buffer issuer_bytes, policy;
    struct certificate issuers[ISSUERS_MOST];
    size_t issuer_count;
    struct last last[PROBE_ADDRESSES_MOST];
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct http_fetch *fetch;
    struct buffer body;
    uint64_t asked_us;
    struct hash imprint;
    uint8_t nonce[TSA_NONCE_SIZE];
};

/* --- files */

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->issuer_bytes);
    buffer_free(&prepared->policy);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    if (!settings->issuer)
        return fault_set(fault, FAULT_USAGE, "name the file with the CA's certificate: issuer");
    struct prepared *prepared = memory_new(sizeof *prepared);
    prepared->policy = BUFFER(EXTENSION_OID_TEXT);
    if ((!settings->policy || extension_oid_parse(slice_string(settings->policy), &prepared->policy) ||
         fault_set(fault, FAULT_USAGE, "policy: '%.40s' is no object identifier: write 1.3.6.1.4.1.99.1",
                   settings->policy)) &&
        certificate_file_read(settings->issuer, &prepared->issuer_bytes, prepared->issuers, ISSUERS_MOST,
                              &prepared->issuer_count, fault)) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

/* --- the answer */

static struct last *last_of(struct prepared *prepared, const char *address) {
    for (size_t i = 0; i < PROBE_ADDRESSES_MOST; i++) {
        struct last *last = &prepared->last[i];
        if (last->address[0] == '\0')
            strcpy(last->address, address);
        if (strcmp(last->address, address) == 0)
            return last;
    }
    return NULL; /* the name's addresses have changed often: nothing is compared */
}

static struct tsa_question question_of(const struct asking *asking) {
    const struct prepared *prepared = asking->look->prepared;
    return (struct tsa_question){
        .issuers = prepared->issuers,
        .issuer_count = prepared->issuer_count,
        .request = {.digest = OID_SHA256,
                    .imprint = slice_make(asking->imprint.bytes, HASH_SIZE),
                    .policy = buffer_slice(&prepared->policy),
                    .nonce = slice_make(asking->nonce, sizeof asking->nonce),
                    .wants_certificate = true},
        .asked_us = asking->asked_us,
        .now_us = clock_wall_us(),
    };
}

static void remember(struct last *last, struct slice body) {
    struct tsa_response *response = memory_new(sizeof *response);
    if (tsa_response_read(body, response, NULL) && response->has_info) {
        struct slice serial = slice_head(response->info.serial, SERIAL_MOST);
        memcpy(last->serial, serial.data, serial.size);
        last->size = serial.size;
    }
    free(response);
}

static void judge(struct asking *asking, const struct http_fetch_result *result) {
    struct last *last = last_of(asking->look->prepared, asking->look->address);
    struct slice body = buffer_slice(&asking->body);
    struct tsa_question question = question_of(asking);
    struct http_answer answer;
    if (last)
        question.previous_serial = slice_make(last->serial, last->size);
    tsa_judge(&question, asking->look->policy, body, &asking->part->report);
    if (http_answer_read(result->headers, &answer, NULL))
        http_judge(&answer, LIVENESS_TSA, body, question.now_us, &asking->part->report);
    if (last)
        remember(last, body);
}

static bool take(void *context, struct slice piece) {
    struct asking *asking = context;
    return buffer_append_slice(&asking->body, piece);
}

static void asking_free(struct asking *asking) {
    buffer_free(&asking->body);
    free(asking);
}

static void done(void *context, const struct http_fetch_result *result) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    if (result->failure == HTTP_FETCH_GOOD)
        judge(asking, result);
    http_part_over(asking->part, look, result);
    asking_free(asking);
    probe_look_done(look);
}

/* --- the question */

static void begin(struct probe_look *look) {
    static const struct http_fetch_handlers handlers = {take, done};
    static const char *const headers[] = {"Content-Type: application/timestamp-query",
                                          "Accept: application/timestamp-reply", NULL};
    CLEANUP_BUFFER struct buffer request = BUFFER(TSA_REQUEST_MOST);
    struct asking *asking = memory_new(sizeof *asking);
    *asking = (struct asking){.look = look,
                              .part = probe_look_part(look, "%s", ""),
                              .body = BUFFER(TSA_RESPONSE_MOST),
                              .asked_us = clock_wall_us()};
    probe_random(asking->imprint.bytes, HASH_SIZE);
    asking->imprint = sha256_of(slice_make(asking->imprint.bytes, HASH_SIZE));
    probe_random(asking->nonce, sizeof asking->nonce);
    tsa_nonce(asking->nonce);
    struct tsa_question question = question_of(asking);
    tsa_request_write(&request, &question.request);
    const struct http_fetch_request http = {.url = look->settings->target,
                                            .address = look->address,
                                            .method = HTTP_FETCH_POST,
                                            .headers = headers,
                                            .body = buffer_slice(&request),
                                            .body_most = TSA_RESPONSE_MOST};
    look->own = asking;
    asking->fetch = http_part_start(asking->part, look, &http, &handlers, asking);
    if (asking->fetch)
        return;
    asking_free(asking);
    probe_look_done(look);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    http_fetch_cancel(asking->fetch);
    asking_free(asking);
}

const struct probe_kind probe_kind_tsa = {
    .kind = LIVENESS_TSA,
    .about = "an authority stamps a hash with the right time, and signs it",
    .target = "http://tsa.example.org/",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};
