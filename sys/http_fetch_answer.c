/* An answer as it comes, and what it was in the end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "http_fetch_private.h"

static bool http_fetch_blank(struct slice line) {
    return slice_equal(line, SLICE("\r\n")) || slice_equal(line, SLICE("\n"));
}

/* Lines of an answer, then its blank one; another answer after an interim one (100, 103); or trailers. */
size_t http_fetch_take_head(char *data, size_t one, size_t size, void *context) {
    (void)one; /* always 1 */
    struct http_fetch *fetch = context;
    struct slice line = slice_make(data, size);
    if (fetch->cancelled)
        return 0;
    if (fetch->head_ended && fetch->body_size == 0 && slice_starts(line, SLICE("HTTP/"))) {
        fetch->head_ended = false;
        buffer_clear(&fetch->head);
    }
    struct buffer *to = fetch->head_ended ? &fetch->trailers : &fetch->head;
    if (fetch->head.size + fetch->trailers.size + size > HTTP_FETCH_HEADERS_MOST) {
        fetch->failure = HTTP_FETCH_FAILED_SIZE;
        fault_set(&fetch->fault, FAULT_LIMIT, "more than %u bytes of headers", HTTP_FETCH_HEADERS_MOST);
        return 0;
    }
    fetch->head_ended = fetch->head_ended || http_fetch_blank(line);
    return buffer_append_slice(to, line) ? size : 0;
}

size_t http_fetch_take_body(char *data, size_t one, size_t size, void *context) {
    (void)one;
    struct http_fetch *fetch = context;
    if (fetch->cancelled)
        return 0;
    if (size > fetch->body_most - fetch->body_size) {
        fetch->failure = HTTP_FETCH_FAILED_SIZE;
        fault_set(&fetch->fault, FAULT_LIMIT, "a body of more than %" PRIu64 " bytes", fetch->body_most);
        return 0;
    }
    fetch->body_size += size;
    if (!fetch->handlers.body || fetch->handlers.body(fetch->context, slice_make(data, size)))
        return size;
    fetch->failure = HTTP_FETCH_STOPPED;
    fault_set(&fetch->fault, FAULT_BUSY, "stopped after %" PRIu64 " bytes", fetch->body_size);
    return 0;
}

/* ---- how it ended */

static uint64_t http_fetch_time(CURL *handle, CURLINFO info) {
    curl_off_t us = 0;
    curl_easy_getinfo(handle, info, &us);
    return us > 0 ? (uint64_t)us : 0;
}

/* libcurl counts from the beginning; a phase is counted from the one before, and is 1 at least where it was passed. */
static uint64_t http_fetch_phase(uint64_t at_us, uint64_t *before_us) {
    if (at_us == 0)
        return 0;
    uint64_t us = at_us > *before_us ? at_us - *before_us : 1;
    *before_us = at_us > *before_us ? at_us : *before_us;
    return us;
}

static struct http_fetch_times http_fetch_read_times(const struct http_fetch *fetch, bool whole) {
    CURL *handle = fetch->handle;
    uint64_t before_us = 0, total_us = http_fetch_time(handle, CURLINFO_TOTAL_TIME_T);
    struct http_fetch_times times = {.whole_us = clock_monotonic_us() - fetch->begun_us};
    times.name_us = http_fetch_phase(http_fetch_time(handle, CURLINFO_NAMELOOKUP_TIME_T), &before_us);
    times.connect_us = http_fetch_phase(http_fetch_time(handle, CURLINFO_CONNECT_TIME_T), &before_us);
    if (times.connect_us == 0 && fetch->shaking_us)
        times.connect_us = fetch->shaking_us - fetch->connecting_us + 1;
    if (fetch->secure)
        times.tls_us = http_fetch_phase(http_fetch_time(handle, CURLINFO_APPCONNECT_TIME_T), &before_us);
    if (fetch->head.size)
        times.first_us = http_fetch_phase(http_fetch_time(handle, CURLINFO_STARTTRANSFER_TIME_T), &before_us);
    if (whole) {
        times.body_us = http_fetch_phase(total_us, &before_us);
        times.whole_us = total_us;
    }
    if (fetch->connect_to)
        times.name_us = 0; /* nobody was asked */
    return times;
}

/* What it had come to when the time was over. */
static const char *http_fetch_awaited(const struct http_fetch *fetch, const struct http_fetch_times *times) {
    if (fetch->head.size)
        return fetch->head_ended ? "the answer has not ended" : "the answer's headers have not ended";
    if (times->connect_us == 0)
        return fetch->connect_to || times->name_us ? "no connection" : "no address of that name";
    return fetch->secure && times->tls_us == 0 ? "no TLS session" : "no answer";
}

static enum http_fetch_failure http_fetch_failed(const struct http_fetch *fetch, CURLcode code,
                                                 const struct http_fetch_times *times) {
    static const struct {
        int curl;
        enum http_fetch_failure failure;
    } table[] = {
        {CURLE_OK, HTTP_FETCH_GOOD},
        {CURLE_COULDNT_RESOLVE_HOST, HTTP_FETCH_FAILED_NAME},
        {CURLE_COULDNT_CONNECT, HTTP_FETCH_FAILED_CONNECT},
        {CURLE_OPERATION_TIMEDOUT, HTTP_FETCH_FAILED_TIME},
        {CURLE_SSL_CONNECT_ERROR, HTTP_FETCH_FAILED_TLS},
        {CURLE_PEER_FAILED_VERIFICATION, HTTP_FETCH_FAILED_TLS},
        {CURLE_SSL_CERTPROBLEM, HTTP_FETCH_FAILED_TLS},
        {CURLE_SSL_CIPHER, HTTP_FETCH_FAILED_TLS},
        {CURLE_SSL_ISSUER_ERROR, HTTP_FETCH_FAILED_TLS},
        {CURLE_SSL_INVALIDCERTSTATUS, HTTP_FETCH_FAILED_TLS},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].curl == (int)code)
            return table[i].failure;
    if (times->connect_us == 0)
        return HTTP_FETCH_FAILED_CONNECT;
    return fetch->secure && times->tls_us == 0 ? HTTP_FETCH_FAILED_TLS : HTTP_FETCH_FAILED_ANSWER;
}

/* libcurl's words, but where it has none that would help. */
static void http_fetch_explain(struct http_fetch *fetch, CURLcode code,
                               const struct http_fetch_result *result) {
    long number = 0;
    curl_easy_getinfo(fetch->handle, CURLINFO_OS_ERRNO, &number);
    if (result->failure == HTTP_FETCH_FAILED_TIME) {
        fault_set(&fetch->fault, FAULT_BUSY, "%s within %.1f s", http_fetch_awaited(fetch, &result->times),
                  (double)fetch->timeout_us / 1e6);
    } else if (result->failure == HTTP_FETCH_FAILED_CONNECT && number) {
        errno = (int)number;
        fault_set_system(&fetch->fault, "no connection");
    } else {
        curl_handle_fault(code, fetch->error, &fetch->fault);
    }
}

static unsigned http_fetch_read_version(CURL *handle) {
    long version = 0;
    curl_easy_getinfo(handle, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_1_0   ? 10
           : version == CURL_HTTP_VERSION_1_1 ? 11
           : version == CURL_HTTP_VERSION_2_0 ? 20
                                              : 0;
}

void http_fetch_conclude(struct http_fetch *fetch, CURLcode code, struct http_fetch_result *ret_result) {
    long status = 0;
    const char *address = NULL;
    struct http_fetch_result result = {.times = http_fetch_read_times(fetch, code == CURLE_OK)};
    result.failure = fetch->failure ? fetch->failure : http_fetch_failed(fetch, code, &result.times);
    if (result.failure && !fetch->failure)
        http_fetch_explain(fetch, code, &result);
    curl_easy_getinfo(fetch->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(fetch->handle, CURLINFO_PRIMARY_IP, &address);
    if (address && result.times.connect_us)
        snprintf(result.address, sizeof result.address, "%s", address);
    result.reason = fetch->fault.text;
    result.status = (unsigned)status;
    result.headers = buffer_slice(&fetch->head);
    result.trailers = buffer_slice(&fetch->trailers);
    result.body_size = fetch->body_size;
    result.version = fetch->head.size ? http_fetch_read_version(fetch->handle) : 0;
    *ret_result = result;
}

const char *http_fetch_failure_name(enum http_fetch_failure failure) {
    static const char *const names[] = {"good",   "name", "connect", "tls",
                                        "answer", "time", "size",    "stopped"};
    return names[failure];
}
